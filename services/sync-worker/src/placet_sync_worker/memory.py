"""Memory that is freed goes back to the machine, so that a worker stays small at its peak and between runs."""

import ctypes
import os
from contextlib import suppress

M_ARENA_MAX = -8
"""`mallopt(3)` of glibc."""


def keep_small() -> None:
    """To be called before Arrow is imported and threads begin: glibc keeps one arena for all threads, instead of some
    for each that seldom shrink, and Arrow takes its pages from there."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    with suppress(AttributeError, OSError):  # another libc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
