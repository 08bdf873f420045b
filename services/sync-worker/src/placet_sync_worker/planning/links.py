"""What planning asks about links: which entries belong to which records by earlier runs."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

Linked = Iterable[tuple[str, str]]
"""Links as (entry id, shown key)."""


class Links(Protocol):
    """The links of one job at the destination's store."""

    def all(self) -> Linked: ...

    def of(self, keys: Sequence[str], ids: Sequence[str]) -> Linked:
        """Those of some keys, and those of some entries."""
        ...

    def unfinished(self) -> Collection[str]:
        """The ids of entries whose creation is not finished."""
        ...

    def elsewhere(self, ids: Sequence[str]) -> Collection[str]:
        """Which of some entries other jobs are linked to."""
        ...
