"""Settings come from the environment, prefixed `PLACET_`; an unknown one stops the start, by name."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BeforeValidator, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import PermanentError
from .secrets import read_secret_hosts

SettingsT = TypeVar("SettingsT", bound="Settings")

SECRETS = "PLACET_SECRET_"
"""Begins names of people's secrets, which are no settings."""

OF_SINGLE_SERVICES = frozenset(
    {
        "spool",
        "password_key_file",
        "lease_seconds",
        "look_again_seconds",
        "retain_values",
        "smtp_host",
        "smtp_port",
        "smtp_security",
        "smtp_sender",
        "smtp_username",
        "smtp_password",
        "public_port",
        "scheduler_url",
        "sync_worker_url",
        "approvals_url",
        "notifier_url",
    }
)
"""Settings that only some services have: one environment may serve several, and none knows another."""

OF_THE_COMMAND = frozenset({"PLACET_HOME", "PLACET_URL", "PLACET_TOKEN"})
"""What the command line reads, and a service may inherit."""


class SettingsError(PermanentError):
    """A setting is missing, unknown or wrong."""


def _hosts(given: object) -> object:
    return read_secret_hosts(given) if isinstance(given, str) else given


class Settings(BaseSettings):
    """What every service needs; an empty one is none. Passwords stand in the database's URL alone and are never
    logged."""

    model_config = SettingsConfigDict(env_prefix="PLACET_", frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: str
    kafka: str
    key: Path
    public_keys: Path
    installation: str
    epoch: int = 1
    http_host: str = "127.0.0.1"
    http_port: int
    group_instance_id: str | None = None
    log: str = "json"
    secrets: Path = Path("/run/secrets")
    secret_hosts: Annotated[Mapping[str, tuple[str, ...]], NoDecode, BeforeValidator(_hosts)] = {}
    files: Path = Path()
    files_absolute: bool = False
    failpoint: str | None = None

    @classmethod
    def load(cls) -> Self:
        """The settings of this process. Raises SettingsError that names every setting at fault."""
        try:
            settings = cls.model_validate({})
        except ValidationError as error:
            raise SettingsError(f"settings: {', '.join(map(_said, error.errors()))}") from error
        unknown = sorted(name for name in os.environ if cls._is_unknown(name))
        if unknown:
            raise SettingsError(f"settings: {', '.join(unknown)} unknown to this service")
        return settings

    @classmethod
    def _is_unknown(cls, name: str) -> bool:
        known = {f"PLACET_{field.upper()}" for field in {*cls.model_fields, *OF_SINGLE_SERVICES}} | OF_THE_COMMAND
        return name.startswith("PLACET_") and not name.startswith(SECRETS) and name not in known


def _said(error: ErrorDetails) -> str:
    """What is wrong with a setting, by its name; a rule about several names them itself."""
    if not error["loc"]:
        return error["msg"].removeprefix("Value error, ")
    return f"PLACET_{str(error['loc'][0]).upper()} ({error['msg'].lower()})"
