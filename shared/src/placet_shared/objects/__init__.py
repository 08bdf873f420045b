"""The kinds of the interface's files, as frozen models: what the catalogue keeps and what travels with a run."""

from .base import Name, Object, SecretRef
from .job import Field, Job, Key, Limits, Notify
from .password import Password
from .provider import (
    AccessProvider,
    ActiveDirectoryProvider,
    CsvProvider,
    ExcelProvider,
    FileProvider,
    IdentityStore,
    LdapProvider,
    MailSettings,
    Provider,
    SqlProvider,
)
from .reading import KINDS, parse_object
from .schedule import Schedule, Trigger
from .workflow import Stage, Workflow

__all__ = [
    "KINDS",
    "AccessProvider",
    "ActiveDirectoryProvider",
    "CsvProvider",
    "ExcelProvider",
    "Field",
    "FileProvider",
    "IdentityStore",
    "Job",
    "Key",
    "LdapProvider",
    "Limits",
    "MailSettings",
    "Name",
    "Notify",
    "Object",
    "Password",
    "Provider",
    "Schedule",
    "SecretRef",
    "SqlProvider",
    "Stage",
    "Trigger",
    "Workflow",
    "parse_object",
]
