"""A bound connection that libldap speaks over, by python-ldap.

It was opened and bound by us: libldap as Debian builds it waits without limit for a TLS handshake, and does not say why
a certificate is not trusted.
"""

import os
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import ldap
from ldap.controls import KNOWN_RESPONSE_CONTROLS, RequestControl, ResponseControl

from placet_shared.clock import boot_seconds

from ...ports import Operation
from .channel import ALREADY_THERE
from .errors import ProtocolError, UnreachableError
from .libldap_bridge import plain
from .wire import ASSERTION, POST_READ, Ending, read_entry, write_controls

NOWHERE = "ldap://127.0.0.1:1"
"""Where libldap would connect to by itself when a connection is lost."""

_HOW = {"add": ldap.MOD_ADD, "delete": ldap.MOD_DELETE, "replace": ldap.MOD_REPLACE}


class LibldapChannel:
    """What was lost once stays lost. `silence` is how many seconds the server may need for a page or an answer."""

    def __init__(self, connected: socket.socket, url: str, silence: float) -> None:
        self._socket: socket.socket | None = plain(connected)
        self._socket.setblocking(True)
        self._url, self._silence = url, silence
        self._library = ldap.initialize(NOWHERE, fileno=os.dup(self._socket.fileno()))
        self._library.set_option(ldap.OPT_REFERRALS, ldap.OPT_OFF)
        self._library.protocol_version = ldap.VERSION3

    def check(self) -> None:
        """Raises UnreachableError where it was lost."""
        self._open(None)

    def call(self, name: str, *arguments: Any, deadline: float | None = None, **more: Any) -> Any:
        """Calls one of the library's functions. Raises `ldap.LDAPError` for what the server said, and our own for what
        became of the connection."""
        self._open(deadline)
        function: Callable[..., Any] = getattr(self._library, name)
        try:
            return function(*arguments, **more)
        except ldap.LDAPError as error:
            if (code := _details(error).get("result", -1)) < 0 and not isinstance(error, ldap.FILTER_ERROR):
                raise self._lost(error, code) from error
            raise

    def result(self, number: int, every: bool, deadline: float | None = None) -> tuple[Any, Any, Any, Any]:
        """What came for a number. Raises as `call` does."""
        left = self._left(deadline)
        found: tuple[Any, Any, Any, Any] = self.call(
            "result3", number, 1 if every else 0, timeout=left, resp_ctrl_classes=_RESPONSES, deadline=deadline
        )
        return found

    def drop(self) -> None:
        """Closes it without a word."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._end()

    def close(self) -> None:
        """Says goodbye first."""
        if self._socket is not None:
            with suppress(UnreachableError):
                self._open(None)
            self._end()

    def _end(self) -> None:
        with suppress(ldap.LDAPError):
            self._library.unbind_ext_s()
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _left(self, deadline: float | None) -> float:
        left = self._silence if deadline is None else min(self._silence, deadline - boot_seconds())
        return max(left, ALREADY_THERE)

    def _open(self, deadline: float | None) -> None:
        """Bounds what the library may wait within one system call, also in the middle of a message."""
        if self._socket is None:
            raise UnreachableError(f"the connection to {self._url} was lost; it is opened again")
        seconds, part = divmod(self._left(deadline), 1)
        limit = struct.pack("ll", int(seconds), int(part * 1_000_000))
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, limit)

    def _lost(self, error: ldap.LDAPError, code: int) -> UnreachableError | ProtocolError:
        self.drop()
        if isinstance(error, ldap.TIMEOUT):
            return UnreachableError(
                f"{self._url} did not answer in time; look whether the server hangs or is overloaded"
            )
        if isinstance(error, ldap.DECODING_ERROR):
            return ProtocolError(f"{self._url} answered something that is not LDAP; check the port")
        why = _details(error).get("info") or "the server closed it"
        return UnreachableError(f"the connection to {self._url} was lost ({why}); look whether the server runs")


class _PostRead(ResponseControl):  # type: ignore[misc]  # the library has no types
    """Its value as it came: python-ldap's own takes it apart with pyasn1, which costs more than the write."""

    controlType = POST_READ  # noqa: N815
    value: bytes = b""

    def decodeControlValue(self, encodedControlValue: bytes) -> None:  # noqa: N802, N803
        self.value = encodedControlValue


_RESPONSES = {**KNOWN_RESPONSE_CONTROLS, POST_READ: _PostRead}


class LibldapWire:
    """A `Wire`."""

    def __init__(self, channel: LibldapChannel) -> None:
        self._channel = channel

    def post(self, operations: Sequence[Operation], deadline: float) -> list[int]:
        """See `Wire`."""
        return [self._post(operation, deadline) for operation in operations]

    def endings(self, deadline: float) -> list[tuple[int, Ending]]:
        """See `Wire`."""
        return [self._ending(deadline)]

    def _ending(self, deadline: float) -> tuple[int, Ending]:
        try:
            _, _, number, controls = self._channel.result(ldap.RES_ANY, False, deadline)
        except ldap.LDAPError as error:
            return _details(error)["msgid"], ending_of(error)
        values = (control.value for control in controls if control.controlType == POST_READ)
        return number, Ending(0, "", "", (), read_entry(next(values, None)))

    def _post(self, operation: Operation, deadline: float) -> int:
        name = operation.address or operation.dn
        controls = [RequestControl(oid, oid == ASSERTION, value) for oid, value in write_controls(operation)]
        match operation.what:
            case "add":
                values: Any = [(name, list(some)) for name, some in operation.attributes.items() if some]
                call: tuple[Any, ...] = ("add_ext", name, values)
            case "modify":
                parts = [(_HOW[one.how], one.attribute, list(one.values) or None) for one in operation.modifications]
                call = ("modify_ext", name, parts)
            case "rename":
                call = ("rename", name, operation.new_rdn, operation.new_superior, 1)
            case "delete":
                call = ("delete_ext", name)
        if boot_seconds() >= deadline:
            self._channel.drop()
            raise UnreachableError("the time was up before all was sent; it is looked at again")
        number: int = self._channel.call(*call, serverctrls=controls, deadline=deadline)
        return number


def ending_of(error: ldap.LDAPError) -> Ending:
    """How an operation ended that the server refused."""
    details = _details(error)
    said = str(details.get("info", "")).strip("\0")
    referrals: tuple[str, ...] = ()
    if said.startswith("Referral:\n"):
        referrals, said = tuple(said.splitlines()[1:]), ""
    return Ending(int(details["result"]), str(details.get("matched", "")), said, referrals)


def _details(error: ldap.LDAPError) -> dict[str, Any]:
    found = error.args[0] if error.args else {}
    return found if isinstance(found, dict) else {}
