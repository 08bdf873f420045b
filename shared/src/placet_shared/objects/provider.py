"""Providers: connections to identity stores and data sources."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from .base import Object, Part, SecretRef, Security

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class MailSettings(Part):
    """What "Configure Notifications" edits on an identity store."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Security = "starttls"
    username: str | None = None
    password: SecretRef | None = None
    sender: str


class CsvProvider(Object):
    """A delimited text file. `path` is relative to `PLACET_FILES`."""

    kind: Literal["provider"] = "provider"
    type: Literal["csv"]
    path: str
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    quote: Annotated[str, StringConstraints(min_length=1, max_length=1)] = '"'
    encoding: str = "utf-8"
    header: bool = True
    trim: bool = True


class TlsSettings(Part):
    """How the server's certificate is checked: against `ca_file`, or the system's authorities."""

    ca_file: str | None = None


class DisableSettings(Part):
    """What `extra: disable` writes: one value of one attribute."""

    attribute: str
    value: str


class LdapProvider(Object):
    """A directory that speaks LDAP (RFC 4511)."""

    kind: Literal["provider"] = "provider"
    type: Literal["ldap"]
    url: str
    bind_dn: str
    password: SecretRef
    base_dn: str
    tls: TlsSettings = TlsSettings()
    allow_plaintext: bool = False
    referential_integrity: bool = False
    unique: tuple[str, ...] = ()
    disable: DisableSettings | None = None
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


Provider = Annotated[CsvProvider | LdapProvider, Field(discriminator="type")]
"""Any provider, told apart by its `type`."""

IDENTITY_STORES = frozenset({"ldap"})
"""The types that are identity stores; the others are data sources."""
