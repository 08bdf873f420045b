"""The changes of a plan, decided twice: to count them and reject what wants the same name, and to hand them out.

Deciding is quick and always ends alike; so changes need not be kept, and memory does not grow with their number.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from ..changes import Change, Image, Rejected
from ..ports import DN, ID, Attribute, Destination
from ..providers.ldap_names import dn_key
from .candidates import Candidates
from .comparing import Refused, lenient
from .deciding import Decider, Entry, Record
from .naming import NAME, Claims, explain

WITH_IMAGE = frozenset({"move", "disable", "delete"})
IMAGES = 500
"""Entries whose images are asked for at once."""


@dataclass
class Drafts:
    """`protected` says which DNs may not be removed; `removing` whether anything may be."""

    decider: Decider
    candidates: Candidates
    removing: bool
    folder: Path
    rejected: list[Rejected] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_attribute: Counter[str] = field(default_factory=Counter)
    protected: set[str] = field(default_factory=set)
    unequal: int = 0
    """Records whose entries are not as they want them, rejected ones among them."""
    _refused: set[int] = field(default_factory=set)

    def survey(self, destination: Destination) -> None:
        """Counts the changes, rejects those that want the same name, fetches the images."""
        claims = Claims(self.decider.design.unique)
        imaged: list[tuple[int, str]] = []
        for position, (_, decided) in enumerate(self._decided(destination.protected)):
            if isinstance(decided, Rejected):
                self.rejected.append(decided)
                continue
            claims.add(position, decided)
            self._count(decided, 1)
            if decided.op in WITH_IMAGE:
                imaged.append((position, str(decided.id)))
        self._reject(claims, destination)
        self._keep_images(destination, [id_ for position, id_ in imaged if position not in self._refused])

    def changes(self) -> Iterator[Change]:
        """What `survey` counted, in the order of the plan."""
        with self._images.open(encoding="utf-8") as images:
            for position, (_, change) in enumerate(self._decided(self.protected.__contains__)):
                if position in self._refused or isinstance(change, Rejected):
                    continue
                yield _with_image(change, json.loads(next(images))) if change.op in WITH_IMAGE else change

    def _decided(self, protected: Callable[[str], bool]) -> Iterator[tuple[str, Change | Rejected]]:
        """Where the record stands, and what becomes of it; always the same in the same order."""
        for record in self.candidates.creates():
            yield record.record, self._create(record)
        self.unequal = 0
        for record, entry in self.candidates.updates():
            change = self._update(record, entry)
            if change is not None:
                self.unequal += 1
                yield record.record, change
        for key, entry in self.candidates.extras() if self.removing else ():
            if protected(entry.dn):
                self.protected.add(entry.dn)
            elif (removal := self.decider.remove(key, entry)) is not None:
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

    def _count(self, change: Change, by: int) -> None:
        self.counts[change.op] += by
        for attribute in change.attributes if change.op != "delete" else ():
            self.by_attribute[attribute.name] += by

    def _reject(self, claims: Claims, destination: Destination) -> None:
        """What wants the same name as another change, or one that an entry still has."""
        if claims.wants(NAME):
            key = lenient(dn_key)
            claims.compare(NAME, ((id_, dn, key(dn)) for id_, dn in self.candidates.dns()))
        for attribute in claims.unique:
            if claims.wants(attribute.name):
                claims.compare(attribute.name, _holders(destination, attribute))
        self._refused = claims.losers
        if self._refused:
            again = enumerate(self._decided(self.protected.__contains__))
            changes = ((position, record, one) for position, (record, one) in again if isinstance(one, Change))
            for change, rejected in explain(claims, changes):
                self.rejected.append(rejected)
                self._count(change, -1)

    @property
    def _images(self) -> Path:
        return self.folder / "images.jsonl"

    def _keep_images(self, destination: Destination, ids: list[str]) -> None:
        rest = iter(ids)
        with self._images.open("w", encoding="utf-8") as file:
            while some := list(islice(rest, IMAGES)):
                found = dict(destination.images(some))
                file.writelines(json.dumps(found.get(id_, {})) + "\n" for id_ in some)


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
    for page in destination.read([attribute.name], f"({attribute.name}=*)"):
        columns = (page.column(name).to_pylist() for name in (ID, DN, attribute.name))
        for id_, dn, values in zip(*columns, strict=True):
            yield from ((id_, dn, fold(value)) for value in values or ())
