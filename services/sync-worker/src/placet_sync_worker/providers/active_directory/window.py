"""Which entries have changed, by the numbers that one domain controller gives to all writes that reach it. Pure.

Another domain controller has other numbers, and so has the same one after a restore: a mark from elsewhere means that
everything is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from ...errors import UnusableJobError
from ...ports import Window
from ..ldap.window import KEYS_PER_SEARCH, of_key
from .attributes import AdAttributes

COLUMN = "uSNChanged"
DIGITS = 19


def checked(column: str) -> str:
    """Raises UnusableJobError for any other column."""
    if column.lower() != COLUMN.lower():
        raise UnusableJobError(
            f"time_stamp: {column} does not tell what has changed in Active Directory; name {COLUMN}"
        )
    return column


@dataclass(frozen=True)
class Numbers:
    """Time stamps of one invocationId: `invocationId/0000000000000004711`, which are in order as texts. `highest` is
    that of the last write that was committed when the store was opened."""

    invocation: str
    highest: int
    unstamped_come: ClassVar[bool] = False

    def text(self, usn: int) -> str:
        return f"{self.invocation}/{usn:0{DIGITS}}"

    def order(self, stamp: str) -> str:
        """See `Stamps`."""
        if stamp.partition("/")[0] != self.invocation:
            raise ValueError(f"{stamp} is a number of another domain controller, or of another state of this one")
        return stamp

    def mark(self, newest: str, overlap: timedelta) -> str:
        """See `Stamps`. `highestCommittedUSN` is below every write that is still open: nothing is read again."""
        return min(newest, self.text(self.highest))

    def since(self, mark: str) -> str | None:
        """See `Stamps`."""
        return mark if mark.partition("/")[0] == self.invocation else None

    def queries(self, query: str, window: Window, attributes: AdAttributes) -> Iterator[str]:
        """Filters that together find what the window wants; an entry may be found by several."""
        invocation, _, usn = (window.since or "").partition("/")
        if invocation != self.invocation or not usn.isdecimal():
            yield query
            return
        newer = f"({COLUMN}>={int(usn)})"
        if not window.older:
            yield f"(&{query}{newer})"
        wanted = [of_key(dict(zip(window.key, key, strict=True)), attributes) for key in window.keys]
        for start in range(0, len(wanted), KEYS_PER_SEARCH):
            yield f"(&{query}(!{newer})(|{''.join(wanted[start : start + KEYS_PER_SEARCH])}))"
