"""Refuses the changes that want the same name as another one, or a name that an entry still has."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ..changes import Change
from ..ports import DN, ID, Attribute, Destination, Naming
from .candidates import Candidates
from .comparing import lenient
from .decisions import Decisions
from .naming import NAME, Claims, explain, target_of


@dataclass
class Claiming:
    """`looked_up`: not all entries were read, so that those which have a wanted name are looked up."""

    candidates: Candidates
    naming: Naming | None
    looked_up: bool
    _names: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)
    """What is wanted, by kind, as keys to look up."""

    def __post_init__(self) -> None:
        self.claims = Claims(self.candidates.design.unique, self.naming)

    def note(self, position: int, change: Change) -> None:
        """What the change wants."""
        self.claims.add(position, change)
        if not self.looked_up:
            return
        target = target_of(change)
        if self.naming is not None and target is not None:
            self._names.setdefault(NAME, []).append(self.naming.split(target)[0])
        for attribute in self.claims.unique:
            values = (value for a in change.attributes if a.name == attribute.name for value in a.add)
            self._names.setdefault(attribute.name, []).extend({attribute.name: value} for value in values)

    def settle(self, decisions: Decisions, destination: Destination) -> None:
        """Refuses what cannot have what it wants."""
        if self.claims.wants(NAME) and self.naming is not None:
            key = lenient(self.naming.key)
            self.claims.compare(NAME, ((id_, dn, key(dn)) for id_, dn in self._dns(destination)))
        for attribute in self.claims.unique:
            if self.claims.wants(attribute.name):
                self.claims.compare(attribute.name, self._holders(destination, attribute))
        if self.claims.losers:
            changes = ((position, record, draft.change()) for position, record, draft in decisions.read())
            for position, change, rejected in explain(self.claims, changes):
                decisions.refuse(position, change, rejected)

    def in_the_way(self, removals: Collection[str]) -> list[str]:
        """The DNs of entries that are to go, by these ids, while changes want their names."""
        return sorted(dn for _, id_, dn in self.claims.held.values() if id_ in removals)

    def _dns(self, destination: Destination) -> Iterator[tuple[str, str]]:
        """(id, DN) of the entries that may have a wanted name."""
        if not self.looked_up:
            yield from self.candidates.dns()
            return
        for page in destination.look_up([], None, keys=self._names[NAME]):
            yield from zip(page.column(ID).to_pylist(), page.column(DN).to_pylist(), strict=True)

    def _holders(self, destination: Destination, attribute: Attribute) -> Iterator[tuple[str, str, str]]:
        """(id, DN, folded value) of the entries of the store that may have a wanted value, whatever the job's query."""
        fold, names = lenient(attribute.fold), [attribute.name]
        pages = (
            destination.look_up(names, None, keys=self._names[attribute.name])
            if self.looked_up
            else destination.read(names, None)
        )
        for page in pages:
            columns = (page.column(name).to_pylist() for name in (ID, DN, attribute.name))
            for id_, dn, values in zip(*columns, strict=True):
                yield from ((id_, dn, fold(value)) for value in values or ())
