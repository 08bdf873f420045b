"""Which entries have changed, by a time that the directory keeps (`modifyTimestamp`). Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from ...ports import Window
from .attributes import Attributes
from .filter import Compare, all_of, render
from .matching import generalized_time

KEYS_PER_SEARCH = 100


@dataclass(frozen=True)
class DirectoryTimes:
    """Times as directories write them. LDAP has no way to ask for the time: `clock` is ours at the start of the read,
    which no honest stamp is past for long."""

    clock: datetime
    unstamped_come: ClassVar[bool] = False

    def order(self, stamp: str) -> datetime:
        """See `Stamps`."""
        whole, _, fraction = generalized_time(stamp).removesuffix("Z").partition(".")
        at = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return at + timedelta(microseconds=int(fraction.ljust(6, "0")[:6] or 0))

    def mark(self, newest: str, overlap: timedelta) -> str:
        """See `Stamps`."""
        return f"{(min(self.order(newest), self.clock) - overlap).astimezone(UTC):%Y%m%d%H%M%SZ}"

    def since(self, mark: str) -> str:
        """See `Stamps`."""
        return mark


def narrowed(query: str, window: Window, attributes: Attributes) -> Iterator[str]:
    """Filters that together find what a window wants; no entry is found by two of them."""
    if window.since is None:
        yield query
        return
    newer = render(Compare(window.column, ">=", window.since.encode()))
    if not window.older:
        yield f"(&{query}{newer})"
    wanted = [of_key(dict(zip(window.key, key, strict=True)), attributes) for key in window.keys]
    for start in range(0, len(wanted), KEYS_PER_SEARCH):
        yield f"(&{query}(!{newer})(|{''.join(wanted[start : start + KEYS_PER_SEARCH])}))"


def of_key(key: Mapping[str, str], attributes: Attributes) -> str:
    """Finds the entries with a key: a text by attribute."""
    return render(all_of([Compare(name, "=", attributes.encode(name, [value])[0]) for name, value in key.items()]))
