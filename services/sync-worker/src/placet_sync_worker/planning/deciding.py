"""What becomes of one record and its entry: a change, or nothing. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from ..changes import AttributeChange, Change, Op, Phase, Reference, Rejected, Step
from ..errors import InvalidNameError, UnknownAttributeError
from ..keys import shown_key
from ..ports import Attribute, Naming
from .comparing import Refused, Values, compare, compare_name, lenient, modifies
from .design import Design


@dataclass(frozen=True, slots=True)
class Record:
    """A source record as mapped: the parts of its key, and values by target. `late` says what is wrong with what only a
    new entry gets: attribute and reason, or nothing. `references` are what names among the values refer to; `number` is
    the record's place in the source; `given` is what the source says of targets whose values are names that were found
    by it."""

    record: str
    keys: tuple[str, ...]
    values: tuple[Values, ...]
    late: Values = ()
    references: Mapping[str, Reference] = field(default_factory=dict)
    number: int = -1
    given: Mapping[int, Values] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return shown_key(self.keys)

    def rejected(self, refused: Refused) -> Rejected:
        return Rejected(self.record, self.key, refused.attribute, refused.reason)


@dataclass(frozen=True, slots=True)
class Entry:
    """A destination entry: values by place in `Design.read`."""

    id: str
    version: str
    dn: str
    values: tuple[Values, ...]


@dataclass(frozen=True)
class Decider:
    """Decides for one job. `attribute` looks up any attribute of the destination; `naming` is None where its entries
    have no names; `whole` is the destination's version where it is written as a whole; `half_made` are the ids of
    entries whose creation is not finished."""

    design: Design
    attribute: Callable[[str], Attribute]
    naming: Naming | None
    whole: str | None = None
    half_made: Collection[str] = ()

    def create(self, record: Record) -> Change:
        """A new entry. Raises Refused."""
        if record.late:
            raise Refused(*record.late)
        wanted = self._wanted(record)
        self._check_required(wanted)
        self._check_key(record, wanted)
        dn = self._name(wanted)
        wanted = {**self.design.given, **wanted}
        attributes = self._made(wanted, record)
        return Change(record.key, "create", dn, attributes, self._creation(attributes), version=self.whole)

    def _wanted(self, record: Record) -> dict[str, Values]:
        """What the record gives to a new entry."""
        values = zip(self.design.target_names, record.values, strict=True)
        wanted = {name: given if len(given) == 1 else tuple(dict.fromkeys(given)) for name, given in values if given}
        return wanted | dict.fromkeys(self.design.passwords, ())

    def _made(self, wanted: Mapping[str, Values], record: Record) -> tuple[AttributeChange, ...]:
        """What comes late has until then what its type says."""
        late, passwords = self.design.object_type.late, self.design.passwords
        changes = [AttributeChange(name, late.get(name, ()), some, name in passwords) for name, some in wanted.items()]
        return tuple([_referring(change, record) for change in changes] if record.references else changes)

    def _creation(self, attributes: Sequence[AttributeChange]) -> tuple[Step, ...]:
        """The add, and what comes after it; the last of that at the end, as an account is enabled when it has all else.
        References follow the others, since what they refer to may be new too; an entry that must not be without them is
        made among them."""
        kind, required = self.design.object_type, self.design.required
        referring = [a for a in attributes if a.references]
        after = [a for a in referring if a.name not in required]
        phase = Phase.CONTAINERS if kind.holds else Phase.CREATE
        phase = Phase.REFERENCES if len(after) < len(referring) else phase
        names = [a.name for a in attributes]
        late = [name for name in kind.late if name in names]
        later = {*late, *(a.name for a in after)}
        add = Step("add", phase, attributes=tuple([name for name in names if name not in later]))
        lately = (Step("modify", phase, attributes=(name,)) for name in late[:-1])
        following = modifies(after, self.attribute, Phase.REFERENCES)
        end = Phase.REFERENCES if following else max(phase, Phase.UPDATE)
        return (add, *lately, *following, *(Step("modify", end, attributes=(name,)) for name in late[-1:]))

    def _name(self, wanted: dict[str, Values]) -> str:
        """The name of a new entry."""
        if self.naming is None or self.design.rdn is None:
            return ""
        rdn = self.design.rdn.name
        return self.naming.join({rdn: wanted[rdn][0]}, str(self.design.job.destination.container))

    def update(self, record: Record, entry: Entry) -> Change | None:
        """What makes the entry as the record wants it; None where it is. Raises Refused."""
        late = self._left(record) if entry.id in self.half_made else {}
        change = self._difference(record, entry, late)
        if not late:
            return change
        rest, steps = (change.attributes, change.steps) if change else ((), ())
        end = max([Phase.UPDATE, *(step.phase for step in steps)])
        left = tuple(Step("modify", end, attributes=(name,)) for name in late)
        return Change(record.key, "create", entry.dn, (*rest, *self._made(late, record)), (*steps, *left), id=entry.id,
                      version=entry.version)  # fmt: skip

    def _left(self, record: Record) -> dict[str, Values]:
        """What comes late of a creation that was only begun: its entry is new until it has all of that."""
        if record.late:
            raise Refused(*record.late)
        wanted = {**self.design.given, **self._wanted(record)}
        return {name: wanted[name] for name in self.design.object_type.late if name in wanted}

    def _difference(self, record: Record, entry: Entry, without: Collection[str]) -> Change | None:
        names, parent = self._names(entry.dn)
        names_then = dict(names)
        changes = []
        clear = self.design.job.empty_values == "clear"
        for number in self.design.compared:
            target, after = self.design.targets[number], record.values[number]
            if target.name in without:
                continue
            before = entry.values[self.design.place[target.name]]
            if target.name in names:
                named = names[target.name]
                change, names_then[target.name] = compare_name(target, before, after, named, clear=clear)
            else:
                required = target.name in self.design.required
                change = compare(target, before, after, clear=clear, required=required)
            if change is not None:
                changes.append(_referring(change, record))
        if not changes:
            return None
        renamed = tuple(name for name in names if names[name] != names_then[name])
        plain = [c for c in changes if c.name not in renamed and not c.references]
        rest = modifies(plain, self.attribute, Phase.UPDATE)
        rest += modifies([c for c in changes if c.references], self.attribute, Phase.REFERENCES)
        steps = tuple(rest)
        if renamed:
            assert self.naming is not None
            then = self.naming.join(names_then, parent)
            steps = (Step("rename", Phase.UPDATE, target=then, attributes=renamed), *rest)
        op: Op = "move" if renamed else "update"
        return Change(record.key, op, entry.dn, tuple(changes), steps, id=entry.id, version=entry.version)

    def _names(self, dn: str) -> tuple[dict[str, str], str]:
        """The attributes that name an entry, with their values, and where it stands."""
        if self.naming is None:
            return {}, ""
        try:
            return self.naming.split(dn)
        except (InvalidNameError, UnknownAttributeError) as error:
            raise Refused(None, f"the name of its entry cannot be read: {error}") from error

    def remove(self, key: str, entry: Entry) -> Change | None:
        """What becomes of an entry that no record wants; None where that was done already. Raises Refused."""
        if self.design.disable is not None:
            return self._disable(key, entry)
        if self.design.job.move_to is not None:
            return self._move_away(key, entry, self.design.job.move_to)
        values = zip(self.design.read, entry.values, strict=True)
        attributes = tuple(AttributeChange(name, before, ()) for name, before in values)
        step = Step("delete", Phase.DELETE, attributes=tuple(a.name for a in attributes))
        return Change(key, "delete", entry.dn, attributes, (step,), id=entry.id, version=entry.version)

    def _move_away(self, key: str, entry: Entry, container: str) -> Change | None:
        """Under its own name; that all else stays as it was read is a condition."""
        assert self.naming is not None
        names, parent = self._names(entry.dn)
        if self.naming.within(parent, container):
            return None
        values = zip(self.design.read, entry.values, strict=True)
        attributes = tuple(AttributeChange(name, before, before) for name, before in values)
        step = Step("rename", Phase.DISABLE, target=self.naming.join(names, container))
        needs = tuple(range(len(self.design.containers)))
        return Change(key, "move", entry.dn, attributes, (step,), id=entry.id, version=entry.version, needs=needs)

    def _disable(self, key: str, entry: Entry) -> Change | None:
        assert self.design.disable is not None
        attribute, settings = self.design.disable
        before, form = entry.values[self.design.place[attribute.name]], lenient(attribute.decode)
        if {form(value) for value in before} == {form(settings.value)}:
            return None
        change = AttributeChange(attribute.name, before, (settings.value,))
        step = Step("modify", Phase.DISABLE, attributes=(attribute.name,))
        return Change(key, "disable", entry.dn, (change,), (step,), id=entry.id, version=entry.version)

    def _check_required(self, wanted: dict[str, Values]) -> None:
        naming = (self.design.rdn.name,) if self.design.rdn else ()
        for name in (*naming, *self.design.required):
            if name not in wanted:
                kind = self.design.job.object_type or "a new entry"
                raise Refused(name, f"{kind} needs {name}, and the record gives no value for it")

    def _check_key(self, record: Record, wanted: dict[str, Values]) -> None:
        """An entry that would not be found by its own key would be created again by each run."""
        for part, text in zip(self.design.keys, record.keys, strict=True):
            name, fold = part.attribute.name, lenient(part.attribute.fold)
            if fold(text) not in {fold(value) for value in wanted.get(name, ())}:
                found = ", ".join(wanted.get(name, ())) or "nothing"
                raise Refused(
                    name, f"the entry would not be found again: its key is {text}, but {name} becomes {found}"
                )


def _referring(change: AttributeChange, record: Record) -> AttributeChange:
    """The change with what its new values refer to."""
    if not record.references:
        return change
    known = (record.references.get(value) for value in change.add)
    return replace(change, references=tuple(one for one in known if one))
