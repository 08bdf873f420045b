"""Ports of this machine for a stack: those of the last time where they are still free."""

import json
import socket
from collections.abc import Collection, Sequence
from random import SystemRandom

from .home import Home, write_private

SEARCHED = 200
"""How many ports after the wanted one are tried for the public origin."""

ANY = range(20_000, 32_768)
"""Below those that the kernel gives to the near side of connections: who waits there for a server that is not up yet
may be connected to itself, and keeps the server from its port."""


def choose_ports(home: Home, names: Sequence[str], public: int) -> dict[str, int]:
    """A free port for each name; that of `public` is the wanted one or the next that is free, 0 any."""
    settings = home.settings
    ports: dict[str, int] = {}
    for name in names:
        last = settings["ports"].get(name)
        wanted = range(public, public + SEARCHED) if name == "public" and public else [last] if last else []
        ports[name] = _first_free(wanted, ports.values())
    write_private(home.settings_file, json.dumps(settings | {"ports": settings["ports"] | ports}))
    return ports


def _first_free(wanted: Sequence[int], given: Collection[int]) -> int:
    """The first wanted port, else any, that nobody listens on and that was not given to another name."""
    for port in (*wanted, *SystemRandom().sample(ANY, SEARCHED)):
        if port in given:
            continue
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port of this machine is free")
