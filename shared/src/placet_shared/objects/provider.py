"""Providers: connections to identity stores and data sources."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from .base import ADDRESS, DistinguishedName, Duration, Object, Part, SecretRef, Security, spelled

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
GLOBAL_CATALOGUE = frozenset({3268, 3269})


class MailSettings(Part):
    """What "Configure Notifications" edits on an identity store."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Security = "starttls"
    username: str | None = None
    password: SecretRef | None = None
    sender: Annotated[str, spelled(rf"({ADDRESS}|[^<>]*<{ADDRESS}>)", "an address, or Name <name@example.org>")]

    @model_validator(mode="after")
    def _whole_account(self) -> Self:
        if self.username is not None and self.password is None:
            raise ValueError(f"the user {self.username} has no password; give one, as {{env: PLACET_SECRET_…}}")
        if self.username is not None and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError(f"the password would go to {self.host} in clear; set security to starttls or tls")
        return self


class DisableSettings(Part):
    """What `extra: disable` writes: one value of one attribute."""

    attribute: str
    value: str


class FileProvider(Object):
    """A file of tables. `path` is relative to `PLACET_FILES`; `new_file` are the columns that a file is made with which
    is not there, where it is a destination."""

    kind: Literal["provider"] = "provider"
    path: str
    new_file: tuple[str, ...] = ()
    disable: DisableSettings | None = None


def check_encoding(name: str) -> str:
    """Refuses what Python knows no text codec for."""
    try:
        "".encode(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"{name!r} is no encoding that is known; write utf-8, cp1250, latin-1 or another") from error
    return name


class CsvProvider(FileProvider):
    """A delimited text file. `escape_formulas`: what a spreadsheet would take for a formula gets an apostrophe when it
    is written, which is taken off when it is read."""

    type: Literal["csv"]
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    quote: Annotated[str, StringConstraints(min_length=1, max_length=1)] = '"'
    encoding: Annotated[str, AfterValidator(check_encoding)] = "utf-8"
    header: bool = True
    trim: bool = True
    escape_formulas: bool = True


class ExcelProvider(FileProvider):
    """A workbook: `sheet` is the first one unless it is named; the header stands below `skip_rows` rows. Files that end
    in .xls can only be read."""

    type: Literal["excel"]
    sheet: str | None = None
    skip_rows: Annotated[int, Field(ge=0)] = 0
    header: bool = True
    trim: bool = True

    @property
    def only_source(self) -> str | None:
        """Why it cannot be a destination."""
        if self.path.lower().endswith((".xlsx", ".xlsm")):
            return None
        return "only a workbook of the kind .xlsx can be written; save it as one"


class AccessProvider(FileProvider):
    """A Microsoft Access database, .accdb or .mdb: `table` is needed where it has several."""

    type: Literal["access"]
    table: str | None = None
    password: SecretRef | None = None


class TlsSettings(Part):
    """How the server's certificate is checked: against `ca_file`, or the system's authorities."""

    ca_file: str | None = None


class IdentityStore(Object):
    """A directory that speaks LDAP (RFC 4511), whatever its vendor. `driver` None: the pure-Python one."""

    kind: Literal["provider"] = "provider"
    type: str
    url: str
    bind_dn: str
    password: SecretRef
    base_dn: DistinguishedName
    tls: TlsSettings = TlsSettings()
    allow_plaintext: bool = False
    unique: tuple[str, ...] = ()
    disable: DisableSettings | None = None
    driver: Literal["python", "libldap"] | None = None
    notifications: MailSettings | None = None

    @model_validator(mode="after")
    def _safe_url(self) -> Self:
        try:
            parts = urlsplit(self.url)
        except ValueError as error:  # brackets around what is no IPv6 address
            raise ValueError(f"url: {self.url!r} is no LDAP URL: {error}") from error
        if parts.scheme not in ("ldap", "ldaps", "ldapi") or (parts.scheme != "ldapi" and not parts.hostname):
            raise ValueError(f"url: {self.url!r} is no LDAP URL; write ldaps://host[:port]")
        if parts.scheme == "ldap" and parts.hostname not in LOOPBACK and not self.allow_plaintext:
            raise ValueError(
                f"url: a simple bind to {parts.hostname} would send the password in clear; "
                "use ldaps://, or say allow_plaintext: true"
            )
        return self


class LdapProvider(IdentityStore):
    """A directory that follows the standards: OpenLDAP, 389 Directory Server and others. `references` are attributes
    that name entries: without `referential_integrity` a run that renames or deletes these changes them too."""

    type: Literal["ldap"]
    referential_integrity: bool = False
    references: tuple[str, ...] = ("member", "uniqueMember", "owner", "manager", "secretary", "seeAlso", "roleOccupant")


class ActiveDirectoryProvider(IdentityStore):
    """A domain of Active Directory at one of its domain controllers, which `url` names.

    `create_in_steps`: a new account is added disabled, gets its password, and then is enabled; for a domain controller
    that does not take all of it in one add.
    """

    type: Literal["active_directory"]
    referential_integrity: Literal[True] = True
    unique: tuple[str, ...] = ("sAMAccountName", "userPrincipalName")
    disable: DisableSettings = DisableSettings(attribute="userAccountControl;ACCOUNTDISABLE", value="TRUE")
    create_in_steps: bool = False

    @model_validator(mode="after")
    def _one_domain_controller(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme == "ldapi":
            raise ValueError("url: a domain controller is reached as ldaps://dc.corp.example")
        if "=" not in self.bind_dn:
            raise ValueError(f"bind_dn: {self.bind_dn!r} is no distinguished name; write it as in CN=svc,DC=corp")
        if parts.port in GLOBAL_CATALOGUE:
            raise ValueError(
                f"url: the global catalogue (port {parts.port}) knows a part of each entry alone; leave the port out"
            )
        return self


SQL_DRIVERS = {
    "postgresql": "psycopg",
    "mysql": "pymysql",
    "mariadb": "pymysql",
    "sqlite": "pysqlite",
    "mssql": "mssqlpython",
    "oracle": "oracledb",
}
"""The databases that are known, and the one driver for each."""


class SqlProvider(Object):
    """A database and a table or view of it. Without `table` it is a source for jobs that have a query.

    `timeout` is for each query. `applied_table: false` forbids a table `placet_applied` beside it, by which lost
    answers are settled.
    """

    kind: Literal["provider"] = "provider"
    type: Literal["sql"]
    url: str
    password: SecretRef | None = None
    table: str | None = None
    unique: tuple[str, ...] = ()
    disable: DisableSettings | None = None
    timeout: Duration = timedelta(minutes=10)
    applied_table: bool = True

    @property
    def database(self) -> str:
        """Which database it is, as in SQL_DRIVERS."""
        return urlsplit(self.url).scheme.partition("+")[0]

    @model_validator(mode="after")
    def _usable_url(self) -> Self:
        try:
            parts = urlsplit(self.url)
            known = "://" in self.url and parts.port != 0
        except ValueError:  # its words may be a part of a password
            known = False
        if not known:
            raise ValueError("url: this is no URL of a database; write it as in postgresql://user@host/database")
        if parts.password is not None or any(map(_is_secret, dict(parse_qsl(parts.query, keep_blank_values=True)))):
            raise ValueError("url: a password has no place in it; give it as password: {env: PLACET_SECRET_…}")
        _check_database(parts)
        return self


def _is_secret(option: str) -> bool:
    return re.search(r"pass|pwd|secret|token", option.lower()) is not None


def _check_database(parts: SplitResult) -> None:
    """Raises ValueError for a database or a driver that is not known, and for a SQLite that is no file."""
    database, _, driver = parts.scheme.partition("+")
    if database not in SQL_DRIVERS:
        raise ValueError(f"url: {database!r} is no database that is known here; known are {', '.join(SQL_DRIVERS)}")
    if driver not in ("", SQL_DRIVERS[database]):
        raise ValueError(f"url: {database} is reached by {SQL_DRIVERS[database]}; write {database}://")
    if database == "sqlite" and (parts.netloc or parts.query or parts.path in ("", "/")):
        raise ValueError("url: a SQLite database is a file; write sqlite:///people.db")


Provider = Annotated[
    CsvProvider | ExcelProvider | AccessProvider | LdapProvider | ActiveDirectoryProvider | SqlProvider,
    Field(discriminator="type"),
]
"""Any provider, told apart by its `type`."""

IDENTITY_STORES = frozenset({"ldap", "active_directory"})
"""The types that are identity stores; the others are data sources."""
