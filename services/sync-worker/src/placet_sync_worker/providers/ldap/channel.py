"""An open connection to a directory: requests go out numbered, messages come back in any order. For one thread."""

import socket
from contextlib import suppress

from placet_shared.clock import boot_seconds

from .errors import ProtocolError, UnreachableError
from .wire import EXTENDED, UNBIND, Message, Messages, decode_ending, message

CHUNK = 1 << 18
FIRST_NUMBER = 1_000
"""Above those that were used for the bind."""
ALREADY_THERE = 0.001
"""Seconds to take what came before the deadline, for a process that was suspended over it."""


class Channel:
    """What was lost once stays lost: every later call raises UnreachableError, and the caller opens a new one.

    `silence` is how many seconds the server may say nothing while something is awaited.
    """

    def __init__(self, connected: socket.socket, url: str, silence: float) -> None:
        self._socket: socket.socket | None = connected
        if connected.family != socket.AF_UNIX:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each small burst waits 40 ms
        self._url, self._silence = url, silence
        self._messages = Messages()
        self._number = FIRST_NUMBER
        self._inbox: dict[int, list[Message]] = {}

    def post(self, request: bytes, *controls: bytes) -> tuple[int, bytes]:
        """A number that messages are awaited for from now on, and what is to be sent."""
        self._number += 1
        self._inbox[self._number] = []
        return self._number, message(self._number, request, *controls)

    def send(self, data: bytes, deadline: float | None = None) -> None:
        """`deadline` is on CLOCK_BOOTTIME; a process that was suspended over it sends nothing any more."""
        try:
            opened = self._open(deadline)
            if deadline is not None and boot_seconds() >= deadline:
                raise self._lost("the time was up before it was sent")
            opened.sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def arrived(self, number: int) -> list[Message]:
        """What has come for a number up to now: the list itself, which grows with `receive`."""
        return self._inbox[number]

    def forget(self, number: int) -> None:
        """What still comes for this number is thrown away."""
        self._inbox.pop(number, None)

    def receive(self, deadline: float | None = None) -> None:
        """Waits for something to come and files it."""
        try:
            data = self._open(deadline).recv(CHUNK)
        except OSError as error:
            raise self._lost(error) from error
        if not data:
            raise self._lost("the server closed it")
        try:
            for one in self._messages.feed(data):
                self._file(one)
        except ValueError as error:
            self.drop()
            raise ProtocolError(f"{self._url} answered something that is not LDAP; check the port") from error

    def check(self) -> None:
        """Raises UnreachableError where it was lost."""
        self._open(None)

    def release(self) -> socket.socket:
        """The socket, for another who speaks over it from now on."""
        connected = self._open(None)
        self._socket = None
        return connected

    def drop(self) -> None:
        """Closes it without a word."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Says goodbye first."""
        with suppress(UnreachableError):
            self.send(message(self._number + 1, UNBIND))
        self.drop()

    def _file(self, one: Message) -> None:
        if one.id in self._inbox:
            self._inbox[one.id].append(one)
        elif one.id == 0 and one.tag == EXTENDED:
            words = decode_ending(one.content).diagnostic or "the server ends it"
            raise self._lost(words)

    def _open(self, deadline: float | None) -> socket.socket:
        if self._socket is None:
            raise UnreachableError(f"the connection to {self._url} was lost; it is opened again")
        left = self._silence if deadline is None else min(self._silence, deadline - boot_seconds())
        self._socket.settimeout(max(left, ALREADY_THERE))
        return self._socket

    def _lost(self, why: OSError | str) -> UnreachableError:
        self.drop()
        if isinstance(why, TimeoutError):
            return UnreachableError(
                f"{self._url} did not answer in time; look whether the server hangs or is overloaded"
            )
        reason = why if isinstance(why, str) else why.strerror or str(why)
        return UnreachableError(f"the connection to {self._url} was lost ({reason}); look whether the server runs")
