"""Connects to a directory and binds, by ldap3; what goes wrong comes out as one sentence with its remedy."""

import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from ldap3 import IP_SYSTEM_DEFAULT, NONE, SYNC, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException

from .channel import Channel
from .errors import (
    BindRefusedError,
    DirectoryBusyError,
    DirectoryError,
    ProtocolError,
    UnreachableError,
    UntrustedError,
)
from .words import BUSY_CODES, words_of_code

PORTS = {"ldap": 389, "ldaps": 636}


@dataclass(frozen=True)
class Target:
    """A directory and an account. `ca_file` None: the machine's own authorities; `search_controls` are OIDs of controls
    without a value that each search must obey."""

    url: str
    bind_dn: str
    password: str = field(repr=False)
    ca_file: str | None = None
    connect_seconds: float = 10
    receive_seconds: float = 30
    search_controls: tuple[str, ...] = ()


class VerifiedTls(Tls):  # type: ignore[misc]  # ldap3 has no types
    """ldap3's own check of names knows no IP addresses on newer Pythons and sends no server name."""

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        host = connection.server.host
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname=host, do_handshake_on_connect=do_handshake
        )


def connect(target: Target) -> Channel:
    """A bound connection. Raises DirectoryError subclasses."""
    connection = _connection(target)
    try:
        connection.open(read_server_info=False)
    except (LDAPException, OSError) as error:
        raise _unreachable(target, error) from error
    try:
        bound = connection.bind(read_server_info=False)
    except (
        Exception
    ) as error:  # ldap3 meets an answer that is not LDAP with a KeyError or whatever else it stumbles over
        connection.strategy.close()
        raise _not_bound(target, error) from error
    if not bound:
        code, words = connection.result["result"], connection.result["message"]
        connection.unbind()
        raise _refused(target, code, words)
    return Channel(connection.socket, target.url, target.receive_seconds)


def _connection(target: Target) -> Connection:
    parts = urlsplit(target.url)
    secure, local = parts.scheme == "ldaps", parts.scheme == "ldapi"
    try:
        tls = VerifiedTls(validate=ssl.CERT_REQUIRED, ca_certs_file=target.ca_file) if secure else None
        host = f"ldapi://{unquote(parts.netloc)}" if local else str(parts.hostname)
        port = None if local else parts.port or PORTS[parts.scheme]
        server = Server(
            host, port, use_ssl=secure, tls=tls, get_info=NONE, mode=IP_SYSTEM_DEFAULT,
            connect_timeout=target.connect_seconds,
        )  # fmt: skip
    except (LDAPException, ValueError) as error:
        remedy = f"ca_file {target.ca_file} cannot be read" if target.ca_file else "write ldaps://host[:port]"
        raise UntrustedError(f"{target.url}: {error}; {remedy}") from error
    return Connection(
        server, target.bind_dn, target.password, client_strategy=SYNC, auto_referrals=False, check_names=False,
        receive_timeout=max(1, round(target.receive_seconds)), raise_exceptions=False,
    )  # fmt: skip


def _unreachable(target: Target, error: Exception) -> DirectoryError:
    words = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in words or "certificate verify failed" in words:
        why = words.split("verify failed:")[-1].split("(_ssl")[0].strip(" :.")
        if "mismatch" in why:
            return UntrustedError(
                f"the certificate of {target.url} is for another host ({why}); write the one that it names into the url"
            )
        return UntrustedError(
            f"the certificate of {target.url} is not trusted ({why}); set tls.ca_file to the authority that issued it"
        )
    if "WRONG_VERSION" in words or "SSL" in words:
        return UnreachableError(f"{target.url} does not speak TLS as expected ({words}); check the port and the url")
    if "invalid server address" in words or "getaddrinfo" in words:
        return UnreachableError(f"the host of {target.url} is not known; check the url")
    return UnreachableError(f"{target.url} cannot be reached ({_why(words)}); check the url, and whether it runs")


def _why(words: str) -> str:
    for known in ("Connection refused", "timed out", "No route to host", "Network is unreachable", "No such file"):
        if known in words:
            return known.lower()
    return words


def _not_bound(target: Target, error: Exception) -> DirectoryError:
    if "password is mandatory" in str(error):
        return BindRefusedError(f"the password of {target.bind_dn} is empty; set the secret that the provider names")
    if isinstance(error, LDAPException | OSError):
        tls = " or speaks TLS there (ldaps://)" if target.url.startswith("ldap://") else ""
        return UnreachableError(
            f"{target.url} took the connection but does not answer; look whether the server hangs{tls}"
        )
    return ProtocolError(f"{target.url} answered something that is not LDAP; check the port and the url")


def _refused(target: Target, code: int, words: str) -> DirectoryError:
    said = words_of_code(code, words)
    if code in BUSY_CODES:
        return DirectoryBusyError(f"{target.url} does not let {target.bind_dn} in just now: {said}")
    return BindRefusedError(
        f"{target.url} does not let {target.bind_dn} in: {said}; check bind_dn and the secret with its password"
    )
