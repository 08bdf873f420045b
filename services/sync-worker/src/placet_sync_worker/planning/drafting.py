"""The changes of a plan: decided, counted and put away, so that memory does not grow with their number; handed out when
it is known which of them want the same name."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from .digesting import record_digest
from .naming import NAME, Claims, explain, target_of

Elsewhere = Callable[[Sequence[str]], Collection[str]]
"""Which of some entries, by id, other jobs are linked to."""


def no_other_job(_ids: Sequence[str]) -> Collection[str]:
    """There is one job at the store."""
    return ()


REMOVING = frozenset({"disable", "delete"})
WITH_IMAGE = REMOVING | {"move"}
AT_ONCE = 500
"""Entries that something is asked about at once."""


@dataclass
class Drafts:
    """`removing` says whether anything may be removed; `few`: not all entries were read, so that those which have a
    wanted name are looked up; `protected` are the DNs that may not be removed. `record_key` is of the digests of
    records; a change without one is a removal."""

    decider: Decider
    candidates: Candidates
    removing: bool
    folder: Path
    record_key: bytes = b""
    elsewhere: Elsewhere = no_other_job
    few: bool = False
    rejected: list[Rejected] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_attribute: Counter[str] = field(default_factory=Counter)
    protected: set[str] = field(default_factory=set)
    in_the_way: list[str] = field(default_factory=list)
    """Entries that are to go while new records want their names."""
    unequal: int = 0
    """Records whose entries are not as they want them, rejected ones among them."""
    shared: list[str] = field(default_factory=list)
    """Entries that are to go and that other jobs manage as well."""
    containers: Sequence[Change] = ()
    """What must be made for others, before all of them: their numbers in the plan are known by that."""
    _refused: set[int] = field(default_factory=set)
    _names: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)
    """What is wanted, by kind, as keys to look up."""

    def survey(self, destination: Destination) -> None:
        """Decides about everything, counts the changes, rejects those that want the same name, fetches the images."""
        claims = Claims(self.decider.design.unique, self.decider.naming)
        imaged: list[tuple[int, str]] = []
        removals: set[str] = set()
        going: list[tuple[str, str]] = []
        needing: set[int] = set()
        position = 0
        with self._decisions.open("wb") as decisions:
            for record, decided in self._decided(destination):
                if isinstance(decided, Rejected):
                    self.rejected.append(decided)
                    continue
                claims.add(position, decided)
                if self.few:
                    self._note_names(decided)
                self._count(decided, 1)
                if decided.op in WITH_IMAGE:
                    imaged.append((position, str(decided.id)))
                if decided.op in REMOVING:
                    removals.add(str(decided.id))
                if decided.record is None:
                    going.append((str(decided.id), decided.dn))
                if decided.needs:
                    needing.add(position)
                draft = Draft.of(decided)
                head = (record, draft.key, draft.op, draft.phases)
                decisions.write(b"%s\0%s\n" % (orjson.dumps(head), draft.document))
                position += 1
        self.shared = sorted(self._shared(going))
        self._reject(claims, destination)
        if needing - self._refused:
            self.containers = self.decider.design.containers
        for container in self.containers:
            self._count(container, 1)
        self.in_the_way = sorted(dn for _, id_, dn in claims.held.values() if id_ in removals)
        self._keep_images(destination, [id_ for position, id_ in imaged if position not in self._refused])

    def changes(self) -> Iterator[Draft]:
        """What `survey` counted, in the order of the plan."""
        yield from map(Draft.of, self.containers)
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
            yield from (some[id_] for id_ in self.elsewhere(list(some)))

    def _count(self, change: Change, by: int) -> None:
        self.counts[change.op] += by
        for attribute in change.attributes if change.op != "delete" else ():
            self.by_attribute[attribute.name] += by * (attribute.before != attribute.after or attribute.password)

    def _reject(self, claims: Claims, destination: Destination) -> None:
        """What wants the same name as another change, or one that an entry still has."""
        if claims.wants(NAME) and claims.naming is not None:
            key = lenient(claims.naming.key)
            claims.compare(NAME, ((id_, dn, key(dn)) for id_, dn in self._dns(destination)))
        for attribute in claims.unique:
            if claims.wants(attribute.name):
                claims.compare(attribute.name, self._holders(destination, attribute))
        self._refused = claims.losers
        if self._refused:
            changes = ((position, record, draft.change()) for position, record, draft in self._read())
            for change, rejected in explain(claims, changes):
                self.rejected.append(rejected)
                self._count(change, -1)

    def _note_names(self, change: Change) -> None:
        naming, target = self.decider.naming, target_of(change)
        if naming is not None and target is not None:
            self._names.setdefault(NAME, []).append(naming.split(target)[0])
        for attribute in self.decider.design.unique:
            values = (value for a in change.attributes if a.name == attribute.name for value in a.add)
            self._names.setdefault(attribute.name, []).extend({attribute.name: value} for value in values)

    def _dns(self, destination: Destination) -> Iterator[tuple[str, str]]:
        """(id, DN) of the entries that may have a wanted name."""
        if not self.few:
            yield from self.candidates.dns()
            return
        for page in destination.look_up([], None, keys=self._names[NAME]):
            yield from zip(page.column(ID).to_pylist(), page.column(DN).to_pylist(), strict=True)

    def _holders(self, destination: Destination, attribute: Attribute) -> Iterator[tuple[str, str, str]]:
        """(id, DN, folded value) of the entries of the store that may have a wanted value, whatever the job's query."""
        fold, names = lenient(attribute.fold), [attribute.name]
        pages = (
            destination.look_up(names, None, keys=self._names[attribute.name])
            if self.few
            else destination.read(names, None)
        )
        for page in pages:
            columns = (page.column(name).to_pylist() for name in (ID, DN, attribute.name))
            for id_, dn, values in zip(*columns, strict=True):
                yield from ((id_, dn, fold(value)) for value in values or ())

    @property
    def _decisions(self) -> Path:
        return self.folder / "decisions"

    @property
    def _images(self) -> Path:
        return self.folder / "images"

    def _keep_images(self, destination: Destination, ids: list[str]) -> None:
        rest = iter(ids)
        with self._images.open("wb") as file:
            while some := list(islice(rest, AT_ONCE)):
                found = dict(destination.images(some))
                file.writelines(orjson.dumps(found.get(id_, {})) + b"\n" for id_ in some)


def _with_image(change: Change, image: Mapping[str, list[str]]) -> Change:
    planned = {attribute.name.lower() for attribute in change.attributes}
    rest = ((name, values) for name, values in sorted(image.items()) if name.lower() not in planned)
    return replace(change, image=tuple(Image(name, tuple(map(_storable, values))) for name, values in rest))


def _storable(value: str) -> str:
    """PostgreSQL keeps no NUL characters in its JSON."""
    return value.replace("\0", "\\00")
