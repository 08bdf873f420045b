"""What runs, from the folder and the process table alone: it works while the console is down."""

from collections.abc import Mapping
from typing import Any

from .home import Home
from .processes import is_alive

SHOWN = ("url", "kafka", "database", "elasticsearch", "smtp")


def status_of(home: Home) -> Mapping[str, Any]:
    """The interface's document; a service whose process has gone is `stopped`."""
    state = home.read_state() or {}
    known = {one["pid"]: one for one in state.get("processes", [])}
    services = [_row(service, known) for service in state.get("services", [])]
    return {**{name: state.get(name) for name in SHOWN}, "services": services}


def running_pid(home: Home) -> int | None:
    """The supervisor's process id, if it runs."""
    supervisor = (home.read_state() or {}).get("supervisor")
    return int(supervisor["pid"]) if supervisor and is_alive(supervisor) else None


def is_ready(home: Home) -> bool:
    """Whether a stack runs and every service of it has said that it can work."""
    return running_pid(home) is not None and bool((home.read_state() or {}).get("ready"))


def _row(service: Mapping[str, Any], known: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    process = known.get(service["pid"])
    waits = service["state"] == "restarting"
    return {**service, "state": service["state"] if waits or (process and is_alive(process)) else "stopped"}
