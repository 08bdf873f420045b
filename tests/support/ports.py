"""Free TCP ports of this machine."""

import os
import socket
from random import randrange

FIRST, END = 20_000, 32_768
"""Below those that the kernel gives to the near side of connections: a client that waits for a server on one of those
may be connected to itself, and keeps the server from its port."""


def free_port() -> int:
    """A port that nobody listens on now, and no test that runs beside this one takes meanwhile."""
    beside = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = randrange(FIRST + own, END, beside)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
