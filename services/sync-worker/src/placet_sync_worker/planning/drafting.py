"""Decides what becomes of all records and entries, and hands the changes out when it is known which of them can be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from msgspec import json
from msgspec.structs import replace

from ..changes import REMOVING_OPS, Change, Image, Rejected
from ..plan import Draft
from ..ports import Destination
from .candidates import Candidates
from .claiming import Claiming
from .comparing import Refused
from .deciding import Decider, Entry, Record
from .decisions import Decisions
from .digesting import record_digest
from .leaving import NO_RECORD, Leaving
from .links import Links
from .resolving import Resolution

WITH_IMAGE = REMOVING_OPS | {"move"}
AT_ONCE = 500
"""Entries that something is asked about at once."""


@dataclass
class Drafts:
    """`removing` says whether anything may be removed; `record_key` is that of records' digests; `protected` are
    the DNs that may not be removed. A change without a digest of its record is a removal."""

    decider: Decider
    candidates: Candidates
    decisions: Decisions
    claiming: Claiming
    leaving: Leaving
    links: Links
    removing: bool
    resolution: Resolution | None
    record_key: bytes
    protected: set[str] = field(default_factory=set)
    in_the_way: list[str] = field(default_factory=list)
    """Entries that are to go while new records want their names."""
    unequal: int = 0
    """Records whose entries are not as they want them, rejected ones among them."""
    shared: list[str] = field(default_factory=list)
    """Entries that are to go and that other jobs manage as well."""
    containers: Sequence[Change] = ()
    """What must be made for others, before all of them: their numbers in the plan are known by that."""

    def survey(self, destination: Destination) -> None:
        """Decides about everything, refuses what cannot be, counts the rest, fetches the images."""
        decisions = self.decisions
        decisions.rejected += self.resolution.rejected() if self.resolution else ()
        imaged: list[tuple[int, str]] = []
        removals: set[str] = set()
        going: list[tuple[str, str]] = []
        needing: set[int] = set()
        for position, change in decisions.write(self._decided(destination)):
            self.claiming.note(position, change)
            self.leaving.note(position, change)
            if change.op in WITH_IMAGE:
                imaged.append((position, str(change.id)))
            if change.op in REMOVING_OPS:
                removals.add(str(change.id))
            if change.record is None:
                going.append((str(change.id), change.dn))
            if change.needs:
                needing.add(position)
        self.shared = sorted(self._shared(going))
        self.claiming.settle(decisions, destination)
        self.leaving.settle(decisions, destination)
        self.unequal += self.candidates.unchanged_among(self.leaving.count(decisions))
        if needing - decisions.refused:
            self.containers = self.decider.design.containers
        for container in self.containers:
            decisions.count(container, 1)
        self.in_the_way = self.claiming.in_the_way(removals)
        self._keep_images(destination, [id_ for position, id_ in imaged if position not in decisions.refused])

    def changes(self) -> Iterator[Draft]:
        """What `survey` counted, in the order of the plan."""
        following, left = self.leaving.following, dict(self.leaving.referrers)
        yield from map(Draft.of, self.containers)
        with self._images.open("rb") as images:
            for _, _, draft in self.decisions.read():
                if following is None and draft.op not in WITH_IMAGE:
                    yield draft
                    continue
                change = draft.change()
                if following is not None:
                    change = following.change(change, left.pop(change.id or "", None))
                if change.op in WITH_IMAGE:
                    change = _with_image(change, json.decode(next(images)))
                yield Draft.of(change)
        if following is not None:
            yield from (Draft.of(following.own_change(referrer)) for referrer in left.values())

    def _decided(self, destination: Destination) -> Iterator[tuple[str, int, Change | Rejected]]:
        """Where the record stands, its number, and what becomes of it."""
        for record in self.candidates.creates():
            yield record.record, record.number, self._create(record)
        for record, entry in self.candidates.updates():
            change = self._update(record, entry)
            if isinstance(change, Change) and destination.protected(entry.dn, removing=False):
                change = record.rejected(Refused(None, f"{entry.dn} is protected: no run may change it"))
            if change is not None:
                self.unequal += 1
                yield record.record, record.number, change
        for key, entry in self.candidates.extras() if self.removing else ():
            if destination.protected(entry.dn, removing=True):
                self.protected.add(entry.dn)
            elif (removal := self._remove(key, entry)) is not None:
                yield entry.dn, NO_RECORD, removal

    def _create(self, record: Record) -> Change | Rejected:
        try:
            return self._of_record(self.decider.create(record), record)
        except Refused as refused:
            return record.rejected(refused)

    def _update(self, record: Record, entry: Entry) -> Change | Rejected | None:
        try:
            change = self.decider.update(record, entry)
        except Refused as refused:
            return record.rejected(refused)
        return change and self._of_record(change, record)

    def _of_record(self, change: Change, record: Record) -> Change:
        digest = record_digest(self.decider.design, self.record_key, record, new=change.op == "create")
        return replace(change, record=digest)

    def _remove(self, key: str, entry: Entry) -> Change | Rejected | None:
        try:
            return self.decider.remove(key, entry)
        except Refused as refused:
            return Rejected(entry.dn, key, refused.attribute, refused.reason)

    def _shared(self, going: Sequence[tuple[str, str]]) -> Iterator[str]:
        for first in range(0, len(going), AT_ONCE):
            some = dict(going[first : first + AT_ONCE])
            yield from (some[id_] for id_ in self.links.elsewhere(list(some)))

    @property
    def _images(self) -> Path:
        return self.decisions.folder / "images"

    def _keep_images(self, destination: Destination, ids: list[str]) -> None:
        rest = iter(ids)
        with self._images.open("wb") as file:
            while some := list(islice(rest, AT_ONCE)):
                found = dict(destination.images(some))
                file.writelines(json.encode(found.get(id_, {})) + b"\n" for id_ in some)


def _with_image(change: Change, image: Mapping[str, list[str]]) -> Change:
    planned = {attribute.name.lower() for attribute in change.attributes}
    rest = ((name, values) for name, values in sorted(image.items()) if name.lower() not in planned)
    return replace(change, image=tuple(Image(name, tuple(map(_storable, values))) for name, values in rest))


def _storable(value: str) -> str:
    """PostgreSQL keeps no NUL characters in its JSON."""
    return value.replace("\0", "\\00")
