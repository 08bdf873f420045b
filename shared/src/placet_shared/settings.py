"""Settings come from the environment, prefixed `PLACET_`; an unknown one stops the start, by name."""

import os
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import PermanentError

SettingsT = TypeVar("SettingsT", bound="Settings")

OPEN_NAMES = ("PLACET_SECRET_",)
"""Prefixes that belong to people's secrets, not to settings."""

FOREIGN = frozenset({"PLACET_HOME", "PLACET_URL", "PLACET_TOKEN"})
"""What the command line reads, and a service inherits."""


class SettingsError(PermanentError):
    """A setting is missing, unknown or wrong."""


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
    files: Path = Path()
    files_absolute: bool = False
    failpoint: str | None = None

    @classmethod
    def load(cls) -> Self:
        """The settings of this process. Raises SettingsError that names every setting at fault."""
        try:
            settings = cls.model_validate({})
        except ValidationError as error:
            names = ", ".join(f"PLACET_{str(e['loc'][0]).upper()} ({e['msg'].lower()})" for e in error.errors())
            raise SettingsError(f"settings: {names}") from error
        unknown = sorted(name for name in os.environ if cls._is_unknown(name))
        if unknown:
            raise SettingsError(f"settings: {', '.join(unknown)} unknown to this service")
        return settings

    @classmethod
    def _is_unknown(cls, name: str) -> bool:
        known = {f"PLACET_{field.upper()}" for field in every_setting()} | FOREIGN
        return name.startswith("PLACET_") and not name.startswith(OPEN_NAMES) and name not in known


def every_setting() -> set[str]:
    """The fields of all services' settings that are loaded: one environment may serve several services."""
    return (
        set(Settings.model_fields)
        | {name for sub in _subclasses(Settings) for name in sub.model_fields}
        | SHARED_ENVIRONMENT
    )


SHARED_ENVIRONMENT = frozenset(
    {
        "spool",
        "lease_seconds",
        "smtp_host",
        "smtp_port",
        "smtp_security",
        "smtp_sender",
        "smtp_username",
        "smtp_password",
        "public_url",
        "scheduler_url",
        "sync_worker_url",
        "approvals_url",
        "notifier_url",
    }
)
"""Settings of single services, which others may meet in a common environment."""


def _subclasses(cls: type[Any]) -> list[type[Any]]:
    return [each for sub in cls.__subclasses__() for each in (sub, *_subclasses(sub))]
