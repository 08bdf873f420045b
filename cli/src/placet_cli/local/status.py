"""What runs, from the folder and the process table alone: it works while the console is down."""

from collections.abc import Mapping
from typing import Any

from .child import is_alive
from .home import Home

SHOWN = ("url", "kafka", "database", "elasticsearch", "smtp")


def status_of(home: Home) -> Mapping[str, Any]:
    """The interface's document; a service whose process has gone is `stopped`."""
    state = home.read_state() or {}
    born = {one["pid"]: one["born"] for one in state.get("processes", [])}
    services = [_row(service, born) for service in state.get("services", [])]
    return {**{name: state.get(name) for name in SHOWN}, "services": services}


def _row(service: Mapping[str, Any], born: Mapping[int, float]) -> dict[str, Any]:
    pid = service["pid"]
    alive = pid is not None and is_alive(pid, born.get(pid, 0.0))
    return {**service, "state": service["state"] if alive else "stopped"}
