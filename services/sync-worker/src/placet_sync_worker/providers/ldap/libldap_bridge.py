"""A plain end of a TLS connection, for a library that shall speak LDAP and leave TLS to us."""

import select
import socket
import ssl
from contextlib import suppress
from threading import Thread

CHUNK = 1 << 18


def plain(connected: socket.socket) -> socket.socket:
    """The socket itself, or one whose other end is carried on by a thread until either side closes."""
    if not isinstance(connected, ssl.SSLSocket):
        return connected
    near, far = socket.socketpair()
    Thread(target=_carry, args=(connected, far), name="tls", daemon=True).start()
    return near


def _carry(secure: ssl.SSLSocket, far: socket.socket) -> None:
    """One thread for both directions: OpenSSL allows no two at one connection."""
    secure.setblocking(False)
    far.setblocking(False)
    out = back = b""
    with secure, far, suppress(OSError):
        while True:
            moved = False
            if not back and (got := _take(secure)) is not None:
                back, moved = got, True
            if back and (sent := _give(far, back)):
                back, moved = back[sent:], True
            if not out and (got := _take(far)) is not None:
                out, moved = got, True
            if out and (sent := _give(secure, out)):
                out, moved = out[sent:], True
            if not moved:
                reading = ([] if back else [secure]) + ([] if out else [far])
                writing = ([far] if back else []) + ([secure] if out else [])
                select.select(reading, writing, [])


def _take(source: socket.socket) -> bytes | None:
    """What has come; None where nothing has. Raises OSError where the other side has closed."""
    try:
        data = source.recv(CHUNK)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    if not data:
        raise ConnectionResetError
    return data


def _give(sink: socket.socket, data: bytes) -> int:
    """How much was taken."""
    try:
        return sink.send(data)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0
