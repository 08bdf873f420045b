"""Names that only one entry can have: DNs, and the attributes that the provider lists as `unique`. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..changes import Change, Rejected
from ..ports import Attribute, Naming
from .comparing import lenient

NAME = "name"
"""What a DN is called beside attributes."""

Name = tuple[str, str]
"""What is wanted, NAME or an attribute, and the folded text."""


@dataclass
class Claims:
    """Who wants which name: changes are known by their positions alone, so that many of them take little memory.

    Nobody is preferred: of several that want one name, none gets it. `rivals` and `held` are those who get none: what
    they want, and who else wants it, or which entry (id, DN) has it, even if the same plan would free it.
    """

    unique: tuple[Attribute, ...]
    naming: Naming | None
    wanted: dict[Name, int] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    rivals: dict[int, tuple[str, int]] = field(default_factory=dict)
    held: dict[int, tuple[str, str, str]] = field(default_factory=dict)

    def add(self, position: int, change: Change) -> None:
        """Notes what a change wants."""
        names = names_of(change, self.unique, self.naming)
        if names and change.id:
            self.ids[position] = change.id
        for name in names:
            other = self.wanted.setdefault(name, position)
            if other != position:
                self.rivals[position] = (name[0], other)
                self.rivals.setdefault(other, (name[0], position))

    def wants(self, kind: str) -> bool:
        """Whether any change wants a name of a kind."""
        return any(name[0] == kind for name in self.wanted)

    def compare(self, kind: str, entries: Iterable[tuple[str, str, str]]) -> None:
        """Finds the names that entries have; they come as (id, dn, folded name)."""
        for id_, dn, name in entries:
            position = self.wanted.get((kind, name))
            if position is not None and self.ids.get(position) != id_:
                self.held[position] = (kind, id_, dn)

    @property
    def losers(self) -> set[int]:
        """The positions of the changes that cannot be."""
        return self.rivals.keys() | self.held.keys()


def names_of(change: Change, unique: Iterable[Attribute], naming: Naming | None) -> set[Name]:
    """What a change wants that its entry does not have yet."""
    target = target_of(change)
    names = set() if target is None or naming is None else {(NAME, naming.key(target))}
    for attribute in unique:
        fold = lenient(attribute.fold)
        names |= {(a.name, fold(value)) for a in change.attributes if a.name == attribute.name for value in a.add}
    return names


def target_of(change: Change) -> str | None:
    """The DN that a change wants: of a new entry, or of a renamed one."""
    return next((s.target for s in change.steps if s.target), change.dn if change.op == "create" else None)


def explain(claims: Claims, decided: Iterable[tuple[int, str, Change]]) -> Iterator[tuple[int, Change, Rejected]]:
    """The changes that cannot be, by their positions, with the reason. `decided` are all changes again: position,
    record, change."""
    wanted_ids = {id_ for _, id_, _ in claims.held.values()}
    known = {p: (r, c) for p, r, c in decided if p in claims.losers or c.id in wanted_ids}
    owners = {change.id: change for _, change in known.values() if change.id}
    for position in sorted(claims.losers):
        record, change = known[position]
        if position in claims.held:
            kind, id_, dn = claims.held[position]
            reason = f"{kind} still held by {dn}{_of_owner(owners.get(id_), change, claims.naming)}"
        else:
            kind, rival = claims.rivals[position]
            reason = f"{kind} is wanted by {known[rival][0]} (key {known[rival][1].key}) as well"
        yield position, change, Rejected(record, change.key, None if kind == NAME else kind, reason)


def _of_owner(owner: Change | None, change: Change, naming: Naming | None) -> str:
    if owner is None:
        return ""
    target = target_of(owner)
    if naming and change.op != "create" and target is not None and naming.key(target) == naming.key(change.dn):
        return f" (key {owner.key}), which wants {change.dn}: the two swap names"
    return f" (key {owner.key})"
