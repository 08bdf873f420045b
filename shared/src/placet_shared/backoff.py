"""How long to wait before something is tried again: pure."""

from datetime import timedelta

MOST_DOUBLINGS = 30


def backoff(failures: int, first: timedelta, longest: timedelta, chance: float) -> timedelta:
    """The pause after so many failures in a row (1, 2, …): doubling from `first` to `longest`. `chance`, 0 to 1, is the
    jitter: at 0 it is half as long, so that not everybody comes back at once."""
    return min(first * 2.0 ** min(failures - 1, MOST_DOUBLINGS), longest) * (0.5 + chance / 2)
