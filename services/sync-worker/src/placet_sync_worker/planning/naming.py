"""Names that only one entry can have: DNs, and the attributes that the provider lists as `unique`. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..changes import Change, Op, Rejected
from ..ports import Attribute
from ..providers.ldap_names import dn_key
from .comparing import lenient

NAME = "name"
"""What a DN is called beside attributes."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """A change that wants names."""

    record: str
    key: str
    id: str | None
    dn: str
    target: str | None
    op: Op
    attributes: tuple[str, ...]


@dataclass
class Claims:
    """Who wants which name, by the position of changes in the plan. Nobody is preferred: none of several gets it."""

    unique: tuple[Attribute, ...]
    wanted: dict[tuple[str, object], list[int]] = field(default_factory=dict)
    claimants: dict[int, Claimant] = field(default_factory=dict)

    def add(self, position: int, record: str, change: Change) -> None:
        """Notes what a change wants."""
        target = target_of(change)
        names: list[tuple[str, object]] = [] if target is None else [(NAME, dn_key(target))]
        for attribute in self.unique:
            fold = lenient(attribute.fold)
            new = [value for a in change.attributes if a.name == attribute.name for value in a.add]
            names += [(attribute.name, fold(value)) for value in new]
        for name in names:
            self.wanted.setdefault(name, []).append(position)
        if names:
            attributes = tuple(a.name for a in change.attributes)
            self.claimants[position] = Claimant(record, change.key, change.id, change.dn, target, change.op, attributes)

    def wants(self, kind: str) -> bool:
        """Whether any change wants a name of a kind."""
        return any(name[0] == kind for name in self.wanted)

    def contested(self) -> Iterator[tuple[int, Rejected]]:
        """The changes that want what another one wants."""
        for (kind, _), positions in self.wanted.items():
            for position in positions if len(positions) > 1 else ():
                other = self.claimants[next(p for p in positions if p != position)]
                reason = f"{kind} is wanted by {other.record} (key {other.key}) as well"
                yield position, self._rejected(position, kind, reason)

    def held(self, kind: str, entries: Iterable[tuple[str, str, object]]) -> Iterator[tuple[int, Rejected]]:
        """The changes that want what an entry has: entries come as (id, dn, folded name). What an entry gives up in the
        same plan is still held."""
        owners = {claimant.id: claimant for claimant in self.claimants.values() if claimant.id and claimant.target}
        for id_, dn, name in entries:
            for position in self.wanted.get((kind, name), ()):
                claimant = self.claimants[position]
                if claimant.id != id_:
                    yield position, self._rejected(position, kind, _still_held(kind, claimant, dn, owners.get(id_)))

    def _rejected(self, position: int, kind: str, reason: str) -> Rejected:
        claimant = self.claimants[position]
        return Rejected(claimant.record, claimant.key, None if kind == NAME else kind, reason)


def target_of(change: Change) -> str | None:
    """The DN that a change wants: of a new entry, or of a renamed one."""
    return change.dn if change.op == "create" else next((s.target for s in change.steps if s.target), None)


def _still_held(kind: str, claimant: Claimant, dn: str, owner: Claimant | None) -> str:
    if owner is None:
        return f"{kind} still held by {dn}"
    if claimant.id and owner.target and dn_key(owner.target) == dn_key(claimant.dn):
        return f"{kind} still held by {dn} (key {owner.key}), which wants {claimant.dn}: the two swap names"
    return f"{kind} still held by {dn} (key {owner.key})"
