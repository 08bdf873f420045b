"""Processes of Linux, told from later ones with the same id by the moment they began."""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 10.0


def identify(pid: int, stop_signal: signal.Signals = signal.SIGTERM) -> Mapping[str, Any]:
    """What a file keeps of a process, for `is_alive` and `stop_orphans`."""
    return {"pid": pid, "born": _born(pid), "stop": int(stop_signal)}


def is_alive(known: Mapping[str, Any]) -> bool:
    """Whether this very process still runs."""
    return known["born"] is not None and _born(known["pid"]) == known["born"]


def stop_orphans(recorded: Sequence[Mapping[str, Any]]) -> int:
    """Ends what a killed supervisor left, first asked and then killed; how many there were."""
    left = [one for one in recorded if is_alive(one)]
    for one in left:
        _send(one["pid"], signal.SIGCONT)
        _send(one["pid"], signal.Signals(one["stop"]))
    deadline = time.monotonic() + GRACE_SECONDS
    while any(map(is_alive, left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for one in filter(is_alive, left):
        _send(one["pid"], signal.SIGKILL)
    return len(left)


def die_with_parent(number: signal.Signals) -> None:
    """Asks the kernel for this signal when the parent ends, however it ends: in a child, before its program runs."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _born(pid: int) -> str | None:
    """The boot and the clock tick at which a process began; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot} {fields[19]}"
