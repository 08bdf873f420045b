"""Who sends too many wrong tokens waits."""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

MOST_FAILURES = 20
WINDOW_SECONDS = 60.0
MOST_GUESSERS = 10_000


@dataclass(frozen=True)
class _Failures:
    count: int
    until: float


class FailureLimit:
    """Counts failures of a guesser (any text that tells them apart) within a minute. `now` is any clock's seconds."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait(self, guesser: str, now: float) -> int:
        """How many seconds they have to wait; 0 when they may try."""
        failures = self._failures.get(guesser)
        if failures is None or failures.count < MOST_FAILURES or now >= failures.until:
            return 0
        return ceil(failures.until - now)

    def note(self, guesser: str, now: float) -> None:
        """One more failure."""
        before = self._failures.pop(guesser, None)
        if before is None or now >= before.until:
            before = _Failures(0, now + WINDOW_SECONDS)
        self._failures[guesser] = _Failures(before.count + 1, before.until)
        while len(self._failures) > MOST_GUESSERS:
            self._failures.popitem(last=False)
