"""A proxy before a server, which loses what passes through it when told to."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.accepting import Accepting

CHUNK = 1 << 16


class Proxy:
    """Forwards connections to a port of this machine, or to a UNIX socket.

    `answers` False: what the server says is thrown away; `hears` False: what it is told is. `cut_after`: after so many
    octets of answers all connections end, once.
    """

    def __init__(self, target: int | Path) -> None:
        self._target = target
        self.answers = True
        self.hears = True
        self.cut_after: int | None = None
        self._open: list[socket.socket] = []
        self._accepting = Accepting(self._serve)
        self.port = self._accepting.port

    def lead_to(self, port: int) -> None:
        """Connections from now on go to another server; those that are open end."""
        self._target = port
        self.cut()

    def cut(self) -> None:
        """Ends all connections."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        self._accepting.close()
        self.cut()

    def _serve(self, client: socket.socket, _port: int) -> None:
        try:
            server = self._connect()
        except OSError:  # the server is down: so are its connections
            client.close()
            return
        self._open += [client, server]
        for source, sink, passes in (
            (client, server, lambda: self.hears),
            (server, client, lambda: self.answers),
        ):
            count = self._count if source is server else _ignore
            threading.Thread(target=_pump, args=(source, sink, passes, count), daemon=True).start()

    def _count(self, octets: int) -> None:
        if self.cut_after is not None:
            self.cut_after -= octets
            if self.cut_after < 0:
                self.cut_after = None
                self.cut()

    def _connect(self) -> socket.socket:
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._target))
        return server


def _ignore(_octets: int) -> None: ...


def _pump(source: socket.socket, sink: socket.socket, passes: Callable[[], bool], count: Callable[[int], None]) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            count(len(data))
            if passes():
                sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)  # closing alone is not noticed while the other thread waits
        one.close()


@contextmanager
def running_proxy(target: int | Path) -> Iterator[Proxy]:
    """A proxy that ends with the block."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
