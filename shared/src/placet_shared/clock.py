"""Clocks. Decisions get `now` as an argument; only the outermost layer reads one of these."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, with its zone."""
    return datetime.now(UTC)


def boot_seconds() -> float:
    """Seconds on a clock that goes on while the machine or the process is suspended: for leases and deadlines."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
