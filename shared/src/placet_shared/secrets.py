"""Secrets are referred to, never kept: `{env: PLACET_SECRET_…}` or `{file: NAME}` in one folder."""

import os
from collections.abc import Mapping
from pathlib import Path

from .errors import SecretMissingError
from .objects import SecretRef


def resolve_secret(reference: SecretRef, folder: Path, environment: Mapping[str, str]) -> str:
    """The secret's text, without a trailing newline. Raises SecretMissingError."""
    if reference.env is not None:
        if value := environment.get(reference.env):
            return value
        raise SecretMissingError(
            f"the environment variable {reference.env} is not set for the services; set it and restart them "
            "(the local stack: `placet down`, `placet up`)"
        )
    path = Path(os.path.realpath(folder / str(reference.file)))  # a mounted secret is a link into a folder beside it
    if not path.is_relative_to(os.path.realpath(folder)):
        raise SecretMissingError(f"{reference.file} points outside the secrets folder; put the secret into it")
    try:
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretMissingError(f"{reference} cannot be read; put a readable text file there") from error
