"""What else changes when entries are renamed or deleted: the values of others that name them. Pure.

Where a server keeps references whole, values follow by themselves, and the plan notes whom they mean, so that no step
takes that for somebody's hand. Elsewhere they are planned, at the end of the run: then it is known what became of whom.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from msgspec.structs import replace

from ..changes import AttributeChange, Change, Phase, Reference, Step
from ..ports import Attribute
from .comparing import Values, modifies


@dataclass(frozen=True, slots=True)
class Going:
    """An entry that the run renames in a phase, or, without a name `then`, deletes."""

    id: str
    dn: str
    then: str | None
    phase: Phase


@dataclass(frozen=True, slots=True)
class Referrer:
    """An entry with values that name such entries, by attribute."""

    id: str
    version: str
    dn: str
    values: Mapping[str, Values]


@dataclass(frozen=True)
class Following:
    """Lets references follow. `key` gives equal texts for equal names; `kept`: the server itself does so."""

    going: Collection[Going]
    key: Callable[[str], str]
    attribute: Callable[[str], Attribute]
    kept: bool

    def named(self, value: str) -> Going | None:
        """Whom a value names, if that is an entry that goes."""
        return self._by_name.get(self.key(value))

    def follows(self, values: Iterable[str]) -> bool:
        """Whether some of these values name an entry that goes."""
        return any(self.named(value) is not None for value in values)

    def those_of(self, referrers: Iterable[Referrer]) -> dict[str, Referrer]:
        """The entries that are left and name one that goes, by their ids, in the order of their names."""
        gone = {one.id for one in self.going if one.then is None}
        left = (r for r in referrers if r.id not in gone and any(map(self.follows, r.values.values())))
        return {one.id: one for one in sorted(left, key=lambda one: one.dn)}

    def change(self, change: Change, referrer: Referrer | None = None) -> Change:
        """The change with what follows; `referrer` is what its entry says about others."""
        if self.kept:
            return replace(change, attributes=tuple(map(self._noted, change.attributes)))
        if change.op == "delete":
            return change
        there = {a.name for a in change.attributes}
        more = referrer.values.items() if referrer else ()
        planned = (*change.attributes, *(AttributeChange(name, some, some) for name, some in more if name not in there))
        made = {name: step.phase for step in change.steps if step.what == "add" for name in step.attributes}
        followed = {a.name: b for a in planned if (b := self._followed(a, made.get(a.name))) != a}
        attributes = tuple(followed.get(a.name, a) for a in planned if a.name in there or a.name in followed)
        return replace(change, attributes=attributes, steps=self._steps(change.steps, followed))

    def own_change(self, referrer: Referrer) -> Change:
        """Of an entry that nothing else changes; it is called by its name, since no record stands for it. If it gets
        another one, it has that when its values follow."""
        renamed = self._by_id.get(referrer.id)
        dn = str(renamed.then) if renamed else referrer.dn
        empty = Change(referrer.dn, "update", dn, (), (), id=referrer.id, version=referrer.version)
        return self.change(empty, referrer)

    def emptied(self, referrer: Referrer) -> Iterable[str]:
        """The attributes that lose their last value."""
        for name, values in referrer.values.items():
            goes = [self.named(value) for value in values]
            if all(one is not None and one.then is None for one in goes):
                yield name

    def _noted(self, a: AttributeChange) -> AttributeChange:
        """With what its values mean, where they name entries that go."""
        if not self.attribute(a.name).refers:
            return a
        known = {one.dn for one in a.references}
        found = ((value, self.named(value)) for value in dict.fromkeys((*a.before, *a.after)) if value not in known)
        return replace(a, references=(*a.references, *(Reference(value, one.id) for value, one in found if one)))

    def _followed(self, a: AttributeChange, made: Phase | None) -> AttributeChange:
        """`made`: when the entry is made with these values, of which some have their old names until the end then."""
        if not self.attribute(a.name).refers:
            return a
        known = {one.dn: one for one in a.references}
        until, after, references = [], [], []
        for value in a.after:
            reference = known.get(value)
            goes = self._by_id.get(reference.id or "") if reference else self.named(value)
            if goes is None:
                until.append(value)
                after.append(value)
                references += [reference] if reference else []
            elif goes.then is None:  # it goes from among the values when it is gone
                references.append(Reference(value, goes.id))
            else:
                until.append(goes.dn if made is not None and made < goes.phase else goes.then)
                after.append(goes.then)
                references.append(Reference(goes.then, goes.id))
        before = a.before if made is None or until == after else tuple(until)
        return replace(a, before=before, after=tuple(after), references=tuple(references))

    def _steps(self, steps: Iterable[Step], followed: Mapping[str, AttributeChange]) -> tuple[Step, ...]:
        """What follows is written last; but what an entry is made with cannot wait, and is put right then."""
        kept, made_with = [], set[str]()
        for step in steps:
            if step.what == "add":
                made_with = followed.keys() & set(step.attributes)
            rest = tuple(name for name in step.attributes if name not in followed or name in made_with)
            if rest or step.what != "modify":
                kept.append(replace(step, attributes=rest))
        last = [a for name, a in followed.items() if name not in made_with or a.before]
        return (*kept, *modifies(last, self.attribute, Phase.REFERRERS))

    @cached_property
    def _by_name(self) -> Mapping[str, Going]:
        return {self.key(one.dn): one for one in self.going}

    @cached_property
    def _by_id(self) -> Mapping[str, Going]:
        return {one.id: one for one in self.going}
