"""A proxy before a directory that understands what passes: it counts the writes that the server did, and keeps answers
to them from the client."""

import select
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.accepting import Accepting
from tests.support.certificates import self_signed

WRITES = {0x68: "add", 0x66: "modify", 0x6C: "modrdn", 0x4A: "delete"}
ANSWERS = frozenset({0x69, 0x67, 0x6D, 0x6B})
"""The tags of RFC 4511 by which writes are asked for and answered."""

CHUNK, PATIENCE_SECONDS = 1 << 16, 30
Write = tuple[str, str]
"""The kind of a write and how it calls its entry."""


def nothing(_port: int) -> None: ...


@dataclass(frozen=True)
class Trap:
    """Strikes once: from the first answer to such a write on, its connection gets no answers until there are `count`.
    Then `then` is called with the client's port, and the connection is cut; or, unless it `cuts`, goes on."""

    kinds: frozenset[str]
    count: int
    then: Callable[[int], object]
    cuts: bool


@dataclass
class LdapProxy:
    """Leads to a port of this machine, or by TLS to a UNIX socket. `done`: the writes that the server said yes to."""

    target: int | Path
    contexts: tuple[ssl.SSLContext, ssl.SSLContext] | None = None
    done: Counter[Write] = field(default_factory=Counter)
    traps: list[Trap] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._accepting = Accepting(self._begin)
        self.port = self._accepting.port

    def trap(self, *kinds: str, count: int, then: Callable[[int], object] = nothing, cuts: bool = True) -> None:
        """Traps strike one after another."""
        self.traps.append(Trap(frozenset(kinds), count, then, cuts))

    def close(self) -> None:
        self._accepting.close()

    def _begin(self, client: socket.socket, port: int) -> None:
        threading.Thread(target=self._serve, args=(client, port), daemon=True).start()

    def _serve(self, client: socket.socket, port: int) -> None:
        with suppress(OSError), client, self._connected() as server:
            if self.contexts:
                client = self.contexts[0].wrap_socket(client, server_side=True)
            with client:
                _Link(self, client, server, port).run()

    def _connected(self) -> socket.socket:
        if isinstance(self.target, int):
            return socket.create_connection(("127.0.0.1", self.target))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self.target))
        return self.contexts[1].wrap_socket(server) if self.contexts else server


@dataclass
class _Link:
    """One connection: one thread reads both sides, since a TLS connection takes no two."""

    proxy: LdapProxy
    client: socket.socket
    server: socket.socket
    port: int
    asked: dict[int, Write] = field(default_factory=dict)
    trap: Trap | None = None
    held: list[bytes] = field(default_factory=list)

    def run(self) -> None:
        """Until one side ends, or a trap cuts. A trap that has not struck is there for the next connection."""
        try:
            self._carry()
        finally:
            if self.trap is not None:
                self.proxy.traps.insert(0, self.trap)

    def _carry(self) -> None:
        rest = {self.client: b"", self.server: b""}
        while True:
            for one in _readable(self.client, self.server):
                data = _received(one)
                if data == b"":
                    return
                messages, rest[one] = _messages(rest[one] + (data or b""))
                if not all(self._pass(one, message) for message in messages):
                    return

    def _pass(self, source: socket.socket, message: bytes) -> bool:
        """False when the connection is to end."""
        number, tag, body = _parsed(message)
        if source is self.client:
            if kind := WRITES.get(tag):
                name = body if kind == "delete" else _element(body)[1]
                self.asked[number] = (kind, name.decode())
            _send(self.server, message)
        elif tag not in ANSWERS:
            _send(self.client, message)
        else:
            return self._answered(self.asked.pop(number), message, done=_element(body)[1] == b"\0")
        return True

    def _answered(self, write: Write, message: bytes, *, done: bool) -> bool:
        with self.proxy.lock:
            self.proxy.done[write] += done
            if self.trap is None and self.proxy.traps and write[0] in self.proxy.traps[0].kinds:
                self.trap = self.proxy.traps.pop(0)
        self.held.append(message)
        if self.trap is not None and len(self.held) < self.trap.count:
            return True
        sprung, self.trap = self.trap, None
        if sprung is not None:
            sprung.then(self.port)
            if sprung.cuts:
                return False
        _send(self.client, b"".join(self.held))
        self.held.clear()
        return True


def _readable(*sockets: socket.socket) -> list[socket.socket]:
    """Those that have something to be read, which TLS may have read already."""
    waiting: list[socket.socket] = [one for one in sockets if isinstance(one, ssl.SSLSocket) and one.pending()]
    return waiting or select.select(sockets, [], [])[0]


def _received(one: socket.socket) -> bytes | None:
    """None where only TLS had something to say."""
    one.settimeout(0)
    try:
        return one.recv(CHUNK)
    except (ssl.SSLWantReadError, BlockingIOError):
        return None


def _send(one: socket.socket, octets: bytes) -> None:
    one.settimeout(PATIENCE_SECONDS)
    one.sendall(octets)


# ---- messages (X.690) ------------------------------------------------------------------------------------------------


def _messages(octets: bytes) -> tuple[list[bytes], bytes]:
    """Whole messages, and the beginning of the next."""
    found = []
    while (size := _size(octets)) is not None and len(octets) >= size:
        found.append(octets[:size])
        octets = octets[size:]
    return found, octets


def _size(octets: bytes) -> int | None:
    """Of the element at the beginning, with its head; None where too little has come to know it."""
    if len(octets) < 2:
        return None
    if octets[1] < 0x80:
        return 2 + octets[1]
    head = 2 + (octets[1] & 0x7F)
    return head + int.from_bytes(octets[2:head]) if len(octets) >= head else None


def _element(octets: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows."""
    size = _size(octets)
    assert size is not None
    head = 2 if octets[1] < 0x80 else 2 + (octets[1] & 0x7F)
    return octets[0], octets[head:size], octets[size:]


def _parsed(message: bytes) -> tuple[int, int, bytes]:
    """Number, tag and content of a message."""
    _, number, rest = _element(_element(message)[1])
    tag, content, _ = _element(rest)
    return int.from_bytes(number), tag, content


# ---- beginning -------------------------------------------------------------------------------------------------------


@contextmanager
def ldap_proxy(target: int | Path, folder: Path | None = None) -> Iterator[LdapProxy]:
    """A proxy that ends with the block. With a folder it speaks TLS on both sides, and keeps its certificate there."""
    proxy = LdapProxy(target, _contexts(folder) if folder else None)
    try:
        yield proxy
    finally:
        proxy.close()


def _contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    certificate, key = self_signed(folder, "localhost")
    to_clients, to_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    to_clients.load_cert_chain(certificate, key)
    to_server.check_hostname, to_server.verify_mode = False, ssl.CERT_NONE  # it is the server of this test
    return to_clients, to_server
