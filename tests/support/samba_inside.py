"""Runs a Samba domain controller in a network of its own and leads a UNIX socket to its LDAPS port.

For `tests.support.samba`, as a program within `unshare`: Samba has no setting for its LDAP ports, and 389 and 636 are
root's and may be taken. Inside, they are free and it may use them.
"""

import fcntl
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41
LDAPS = ("127.0.0.1", 636)


def main(folder: Path) -> int:
    """Until Samba ends; its exit code."""
    _loopback_up()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "ldaps"))
        listener.listen(64)
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        command = ["samba", "-s", str(folder / "smb.conf"), "-i", "-M", "single", "--debug-stdout", "-d", "1"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))


def _accept(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(LDAPS)
        except OSError:
            client.close()
            continue
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
            one.close()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
