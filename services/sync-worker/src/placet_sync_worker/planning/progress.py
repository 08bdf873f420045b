"""How far a run of `mode: changed` reads, and what it has read on from. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rfc8785 import dumps as canonical_json

from placet_shared.chain import Snapshot, sha256

from ..stamps import Stamps

NOT_OF_JOB = {"overlap", "notify", "workflow", "limits", "schedule", "give_up_after", "preview_when_finished"}
NOT_OF_PROVIDER = {"password", "tls", "notifications"}


def basis_of(shot: Snapshot) -> str:
    """What a mark is good for: where another record is read, or something else made of one, all must be read again."""
    document = {
        "job": shot.job.model_dump(mode="json", by_alias=True, exclude=NOT_OF_JOB, exclude_defaults=True),
        "source": shot.source.model_dump(mode="json", exclude=NOT_OF_PROVIDER, exclude_defaults=True),
        "destination": shot.destination.model_dump(mode="json", exclude=NOT_OF_PROVIDER, exclude_defaults=True),
    }
    return sha256(canonical_json(document))


@dataclass(frozen=True)
class Known:
    """What earlier runs leave to one of `mode: changed`. `mark` None: everything is to be read; `keys` are read again,
    whatever their stamps; `everything`: the run was asked to read all, whatever the mark."""

    mark: str | None
    keys: tuple[tuple[str, ...], ...]
    everything: bool = False


@dataclass
class Progress:
    """Sees all stamps that a run reads. `held` is the oldest one of a record whose key cannot be read, `stuck` says
    that there is such a record without a stamp: no list of keys brings these back, so that the mark may not pass
    them."""

    column: str
    stamps: Stamps
    newest: str | None = None
    held: str | None = None
    stuck: bool = False
    unstamped: int = 0

    def see(self, stamps: Sequence[str | None], keyless: Collection[int]) -> dict[int, str]:
        """The stamps of a page, of which some rows have no readable key. Says why a stamp is none."""
        problems: dict[int, str] = {}
        orders: dict[int, Any] = {}
        for row, stamp in enumerate(stamps):
            if stamp is None:
                self.unstamped += 1
                continue
            try:
                orders[row] = self.stamps.order(stamp)
            except ValueError as error:
                problems[row] = f"it does not say when the record changed: {error}"
        self.stuck |= any(row not in orders for row in keyless)
        if orders:
            latest = stamps[max(orders, key=orders.__getitem__)]
            self.newest = max(filter(None, (self.newest, latest)), key=self.stamps.order)
        if held := [row for row in keyless if row in orders]:
            oldest = stamps[min(held, key=orders.__getitem__)]
            self.held = min(filter(None, (self.held, oldest)), key=self.stamps.order)
        return problems

    def mark(self, before: str | None, overlap: timedelta) -> str | None:
        """From where the next run reads on; never back behind what an earlier one has settled."""
        limits = [one for one in (self.newest, self.held) if one is not None]
        if self.stuck or not limits:
            return before
        mark = self.stamps.mark(min(limits, key=self.stamps.order), overlap)
        if before is None or self.stamps.since(before) is None:
            return mark
        return max(before, mark, key=self.stamps.order)
