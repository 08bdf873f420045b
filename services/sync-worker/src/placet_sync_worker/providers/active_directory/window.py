"""Which entries have changed, by the numbers that one domain controller gives to all writes that reach it. Pure.

Another domain controller has other numbers, and so has the same one after a restore: a mark from elsewhere means that
everything is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...errors import UnusableJobError
from ...ports import Window
from ..ldap.filter import Compare, render
from .attributes import AdAttributes

COLUMN = "uSNChanged"
DIGITS = 19
KEYS_PER_SEARCH = 100


@dataclass(frozen=True)
class Stamps:
    """Time stamps of one invocationId: `invocationId/0000000000000004711`, which are in order as texts."""

    invocation: str

    def text(self, usn: int) -> str:
        return f"{self.invocation}/{usn:0{DIGITS}}"

    def column(self, window: Window) -> str:
        """Raises UnusableJobError."""
        if window.column.lower() != COLUMN.lower():
            raise UnusableJobError(
                f"time_stamp: {window.column} does not tell what has changed in Active Directory; name {COLUMN}"
            )
        return window.column

    def queries(self, query: str, window: Window, attributes: AdAttributes) -> Iterator[str]:
        """Filters that together find what the window wants; an entry may be found by several."""
        invocation, _, usn = (window.since or "").partition("/")
        if invocation != self.invocation or not usn.isdecimal():
            yield query
            return
        yield f"(&{query}({COLUMN}>={int(usn)}))"
        wanted = [_key(window.key, key, attributes) for key in window.keys]
        for start in range(0, len(wanted), KEYS_PER_SEARCH):
            yield f"(&{query}(|{''.join(wanted[start : start + KEYS_PER_SEARCH])}))"


def _key(names: Sequence[str], key: Sequence[str], attributes: AdAttributes) -> str:
    parts: Mapping[str, str] = dict(zip(names, key, strict=True))
    some = [render(Compare(name, "=", attributes.encode(name, [value])[0])) for name, value in parts.items()]
    return some[0] if len(some) == 1 else f"(&{''.join(some)})"
