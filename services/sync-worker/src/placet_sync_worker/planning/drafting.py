"""The changes of a plan: decided, counted and put away, so that memory does not grow with their number; handed out when
it is known which of them want the same name."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import orjson

from ..changes import Change, Image, Phase, Rejected
from ..plan import Draft
from ..ports import DN, ID, Attribute, Destination
from .candidates import Candidates
from .comparing import Refused, lenient
from .deciding import Decider, Entry, Record
from .naming import NAME, Claims, explain

REMOVING = frozenset({"disable", "delete"})
WITH_IMAGE = REMOVING | {"move"}
IMAGES = 500
"""Entries whose images are asked for at once."""


@dataclass
class Drafts:
    """`removing` says whether anything may be removed; `protected` are the DNs that may not."""

    decider: Decider
    candidates: Candidates
    removing: bool
    folder: Path
    rejected: list[Rejected] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_attribute: Counter[str] = field(default_factory=Counter)
    protected: set[str] = field(default_factory=set)
    in_the_way: list[str] = field(default_factory=list)
    """Entries that are to go while new records want their names."""
    unequal: int = 0
    """Records whose entries are not as they want them, rejected ones among them."""
    _refused: set[int] = field(default_factory=set)

    def survey(self, destination: Destination) -> None:
        """Decides about everything, counts the changes, rejects those that want the same name, fetches the images."""
        claims = Claims(self.decider.design.unique, self.decider.naming)
        imaged: list[tuple[int, str]] = []
        removals: set[str] = set()
        position = 0
        with self._decisions.open("wb") as decisions:
            for record, decided in self._decided(destination):
                if isinstance(decided, Rejected):
                    self.rejected.append(decided)
                    continue
                claims.add(position, decided)
                self._count(decided, 1)
                if decided.op in WITH_IMAGE:
                    imaged.append((position, str(decided.id)))
                if decided.op in REMOVING:
                    removals.add(str(decided.id))
                draft = Draft.of(decided)
                head = (record, draft.key, draft.op, draft.phases)
                decisions.write(b"%s\0%s\n" % (orjson.dumps(head), draft.document))
                position += 1
        self._reject(claims, destination)
        self.in_the_way = sorted(dn for _, id_, dn in claims.held.values() if id_ in removals)
        self._keep_images(destination, [id_ for position, id_ in imaged if position not in self._refused])

    def changes(self) -> Iterator[Draft]:
        """What `survey` counted, in the order of the plan."""
        with self._images.open("rb") as images:
            for position, _, draft in self._read():
                if position in self._refused:
                    continue
                if draft.op in WITH_IMAGE:
                    yield Draft.of(_with_image(draft.change(), orjson.loads(next(images))))
                else:
                    yield draft

    def _read(self) -> Iterator[tuple[int, str, Draft]]:
        """Position, where the record stands, the change without its image."""
        with self._decisions.open("rb") as decisions:
            for position, line in enumerate(decisions):
                head, _, document = line[:-1].partition(b"\0")
                record, key, op, phases = orjson.loads(head)
                yield position, record, Draft(key, op, tuple(map(Phase, phases)), document)

    def _decided(self, destination: Destination) -> Iterator[tuple[str, Change | Rejected]]:
        """Where the record stands, and what becomes of it."""
        for record in self.candidates.creates():
            yield record.record, self._create(record)
        for record, entry in self.candidates.updates():
            change = self._update(record, entry)
            if isinstance(change, Change) and destination.protected(entry.dn, removing=False):
                change = record.rejected(Refused(None, f"{entry.dn} is protected: no run may change it"))
            if change is not None:
                self.unequal += 1
                yield record.record, change
        for key, entry in self.candidates.extras() if self.removing else ():
            if destination.protected(entry.dn, removing=True):
                self.protected.add(entry.dn)
            elif (removal := self._remove(key, entry)) is not None:
                yield entry.dn, removal

    def _create(self, record: Record) -> Change | Rejected:
        try:
            return self.decider.create(record)
        except Refused as refused:
            return record.rejected(refused)

    def _update(self, record: Record, entry: Entry) -> Change | Rejected | None:
        try:
            return self.decider.update(record, entry)
        except Refused as refused:
            return record.rejected(refused)

    def _remove(self, key: str, entry: Entry) -> Change | Rejected | None:
        try:
            return self.decider.remove(key, entry)
        except Refused as refused:
            return Rejected(entry.dn, key, refused.attribute, refused.reason)

    def _count(self, change: Change, by: int) -> None:
        self.counts[change.op] += by
        for attribute in change.attributes if change.op != "delete" else ():
            self.by_attribute[attribute.name] += by * (attribute.before != attribute.after)

    def _reject(self, claims: Claims, destination: Destination) -> None:
        """What wants the same name as another change, or one that an entry still has."""
        if claims.wants(NAME) and claims.naming is not None:
            key = lenient(claims.naming.key)
            claims.compare(NAME, ((id_, dn, key(dn)) for id_, dn in self.candidates.dns()))
        for attribute in claims.unique:
            if claims.wants(attribute.name):
                claims.compare(attribute.name, _holders(destination, attribute))
        self._refused = claims.losers
        if self._refused:
            changes = ((position, record, draft.change()) for position, record, draft in self._read())
            for change, rejected in explain(claims, changes):
                self.rejected.append(rejected)
                self._count(change, -1)

    @property
    def _decisions(self) -> Path:
        return self.folder / "decisions"

    @property
    def _images(self) -> Path:
        return self.folder / "images"

    def _keep_images(self, destination: Destination, ids: list[str]) -> None:
        rest = iter(ids)
        with self._images.open("wb") as file:
            while some := list(islice(rest, IMAGES)):
                found = dict(destination.images(some))
                file.writelines(orjson.dumps(found.get(id_, {})) + b"\n" for id_ in some)


def _with_image(change: Change, image: Mapping[str, list[str]]) -> Change:
    planned = {attribute.name.lower() for attribute in change.attributes}
    rest = ((name, values) for name, values in sorted(image.items()) if name.lower() not in planned)
    return replace(change, image=tuple(Image(name, tuple(map(_storable, values))) for name, values in rest))


def _storable(value: str) -> str:
    """PostgreSQL keeps no NUL characters in its JSON."""
    return value.replace("\0", "\\00")


def _holders(destination: Destination, attribute: Attribute) -> Iterator[tuple[str, str, str]]:
    """(id, DN, folded value) of all entries of the store that have the attribute, whatever the job's query is."""
    fold = lenient(attribute.fold)
    for page in destination.read([attribute.name], None):
        columns = (page.column(name).to_pylist() for name in (ID, DN, attribute.name))
        for id_, dn, values in zip(*columns, strict=True):
            yield from ((id_, dn, fold(value)) for value in values or ())
