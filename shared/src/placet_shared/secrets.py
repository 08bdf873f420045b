"""Secrets are referred to, never kept: `{env: PLACET_SECRET_…}` or `{file: NAME}` in one folder. A deployment may bind
each to the hosts that it may be sent to."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from .errors import SecretMissingError
from .objects import SecretRef

HOSTS = "PLACET_SECRET_HOSTS"
"""The setting that binds secrets; no secret itself, although its name begins like one's."""


class SecretBoundError(SecretMissingError):
    """The secret may not be sent to this host."""


def read_secret_hosts(text: str) -> Mapping[str, tuple[str, ...]]:
    """The hosts of each secret that is bound: `{"PLACET_SECRET_CORP": ["dc1.corp.example"], "file:corp": […]}`. Raises
    ValueError."""
    try:
        found = _HOSTS.validate_json(text)
    except ValidationError as error:
        raise ValueError(f'write JSON such as {{"PLACET_SECRET_CORP": ["dc1.corp.example"]}} into {HOSTS}') from error
    if strange := [name for name in found if not name.startswith(("PLACET_SECRET_", "file:"))]:
        raise ValueError(f"{HOSTS}: {strange[0]} is no secret; write PLACET_SECRET_… or file:NAME")
    return found


_HOSTS = TypeAdapter(dict[str, tuple[str, ...]])


def resolve_secret(reference: SecretRef, folder: Path, environment: Mapping[str, str], host: str | None) -> str:
    """The secret's text, without a trailing newline, to be sent to this host; None: it is sent nowhere. Raises
    SecretMissingError, or SecretBoundError for another host than it is bound to."""
    _require_host(reference, environment, host)
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


def _require_host(reference: SecretRef, environment: Mapping[str, str], host: str | None) -> None:
    if reference.env == HOSTS:
        raise SecretMissingError(f"{HOSTS} is a setting and no secret; refer to another one")
    bound = read_secret_hosts(environment.get(HOSTS) or "{}")
    hosts = bound.get(reference.env or f"file:{reference.file}")
    if host is not None and hosts is not None and _plain(host) not in map(_plain, hosts):
        raise SecretBoundError(f"{reference} may not be sent to {host}: {HOSTS} binds it to {', '.join(hosts)}")


def _plain(host: str) -> str:
    return host.lower().rstrip(".")
