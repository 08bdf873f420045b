"""Which mail server a delivery goes by, and whether it may."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from placet_shared.complaints import first_complaint
from placet_shared.errors import SecretMissingError
from placet_shared.objects import MailSettings
from placet_shared.objects.base import Security
from placet_shared.objects.provider import LOOPBACK
from placet_shared.secrets import resolve_secret

from ..errors import NoRouteError
from .mime import AddressUnusableError, sender_of


@dataclass(frozen=True)
class MailServer:
    """A submission server as it is used now, its password resolved. `origin` says where it was configured; `sender` is
    an address, with a name perhaps."""

    host: str
    port: int
    security: Security
    sender: str
    origin: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def domain(self) -> str:
        """Of the sender's address; Message-IDs end with it."""
        return sender_of(self.sender)[1].rpartition("@")[2]

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


def server_for(
    stores: Sequence[str],
    settings: Mapping[str, Any],
    own: MailServer | None,
    secrets: Path,
    environment: Mapping[str, str],
) -> MailServer:
    """The first of the stores that has settings gives the server, else the notifier's own. Raises NoRouteError, also
    where they cannot be read or a secret is missing: another server would send in another name."""
    for store in stores:
        if store in settings:
            return _checked(_of_store(store, settings[store], secrets, environment))
    if own is not None:
        return _checked(own)
    store = stores[0] if stores else "STORE"
    raise NoRouteError(
        f"no mail settings yet: `placet notification configure {store} --host … --port … --security … --sender …`"
    )


def _of_store(store: str, notifications: Any, secrets: Path, environment: Mapping[str, str]) -> MailServer:
    try:
        settings = MailSettings.model_validate(notifications)
        reference = settings.password
        password = resolve_secret(reference, secrets, environment, settings.host) if reference else None
    except ValidationError as error:
        raise NoRouteError(
            f"notifications of {store}: {first_complaint(error)}; apply them again, or upgrade the notifier"
        ) from error
    except SecretMissingError as error:
        raise NoRouteError(f"notifications of {store}: {error}") from error
    return MailServer(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        sender=settings.sender,
        origin=f"notifications of {store}",
        username=settings.username,
        password=password,
    )


def _checked(server: MailServer) -> MailServer:
    try:
        sender_of(server.sender)
    except AddressUnusableError as error:
        raise NoRouteError(f"{server.origin}: sender: {error}") from error
    if server.username is not None and server.password is None:
        raise NoRouteError(f"{server.origin}: the user {server.username} has no password; give one")
    if server.username is not None and server.security == "none" and server.host not in LOOPBACK:
        raise NoRouteError(
            f"{server.origin}: the password would go to {server.name} in clear; set security to starttls or tls"
        )
    return server
