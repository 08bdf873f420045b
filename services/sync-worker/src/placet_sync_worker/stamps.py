"""How the time stamps of a source compare, and from which one the next run reads on. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
_DATE = 10
"""Characters of a date alone."""


class Stamps(Protocol):
    """The time stamps of one column at one moment: a mark is the stamp that a later run reads from."""

    @property
    def unstamped_come(self) -> bool:
        """Whether a record without a stamp is in each window; else only a run that reads everything sees it."""
        ...

    def order(self, stamp: str) -> Any:
        """Values in the order of stamps and marks. Raises ValueError for what is none."""
        ...

    def mark(self, newest: str, overlap: timedelta) -> str:
        """The newest stamp that was read, but never past the clock at the start of the read, less the overlap."""
        ...

    def since(self, mark: str) -> str | None:
        """The text that the source is asked with; None: the mark says nothing here, and everything is read."""
        ...


@dataclass(frozen=True)
class Times:
    """Times in ISO 8601. `clock` is the source's at the start of the read, with its offset, by which stamps are meant
    that have none.

    Local times come twice when clocks go back. The mark of stamps without an offset keeps the one that it was made by
    (`2027-10-31T02:55:00[+02:00]`, RFC 9557); where it is another one by now, the earlier reading of both counts.
    """

    clock: datetime
    unstamped_come: bool = False

    def order(self, stamp: str) -> datetime:
        return self._moment(stamp)

    def mark(self, newest: str, overlap: timedelta) -> str:
        at = min(self._moment(newest), self.clock) - overlap
        if len(newest) == _DATE:
            return f"{at:%Y-%m-%d}"
        if datetime.fromisoformat(newest).tzinfo is not None:
            return at.isoformat()
        local = at.astimezone(self.clock.tzinfo)
        return f"{local.replace(tzinfo=None).isoformat()}[{local.isoformat()[-6:]}]"

    def since(self, mark: str) -> str:
        if not mark.endswith("]"):
            return mark
        at = self._moment(mark)
        return min(one.replace(tzinfo=None) for one in (at, at.astimezone(self.clock.tzinfo))).isoformat()

    def _moment(self, text: str) -> datetime:
        local, _, offset = text.removesuffix("]").partition("[")
        if _TIME.fullmatch(local) is None:
            raise ValueError(f"{text!r} is no time as in 2027-01-31T08:30:00")
        found = datetime.fromisoformat(local + offset)
        return found if found.tzinfo else found.replace(tzinfo=self.clock.tzinfo)


def times_by(clock: str, *, unstamped_come: bool = False) -> Times:
    """Times of a source whose clock shows this; UTC where it has no offset."""
    now = datetime.fromisoformat(clock)
    return Times(now if now.tzinfo else now.replace(tzinfo=UTC), unstamped_come)
