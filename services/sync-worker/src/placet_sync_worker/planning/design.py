"""A job, looked up in its source and destination: what is read, compared and written, under the names of the schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from placet_shared.objects import Field, Job, Provider
from placet_shared.objects.provider import DisableSettings

from ..changes import Change
from ..ports import Attribute, ObjectType


@dataclass(frozen=True)
class Options:
    """What planning needs to know besides the job. `disable`, `unique` and `referring`, the attributes that refer to
    entries, are the destination provider's; `kept`: its server itself changes them with the entries."""

    disable: DisableSettings | None = None
    unique: tuple[str, ...] = ()
    referring: tuple[str, ...] = ()
    kept: bool = True
    records: tuple[str, ...] = ()
    """Keys, as shown: plan for these records alone, and no removals."""
    record_key: bytes = b""
    """Of the digests of the records that changes are made from."""
    keeps_passwords: bool = True
    """Whether the workers have a key to keep passwords with until they are taken."""
    explain: bool = False
    """Whether it is kept why these records become what they do."""
    memory_limit: str = "96MB"
    threads: int = 2

    @classmethod
    def of(
        cls,
        destination: Provider,
        records: tuple[str, ...] = (),
        record_key: bytes = b"",
        *,
        keeps_passwords: bool = True,
        explain: bool = False,
    ) -> Self:
        """What a destination's provider says about planning."""
        return cls(
            disable=getattr(destination, "disable", None),
            unique=getattr(destination, "unique", ()),
            referring=getattr(destination, "references", ()),
            kept=getattr(destination, "referential_integrity", True),
            records=records,
            record_key=record_key,
            keeps_passwords=keeps_passwords,
            explain=explain,
        )


@dataclass(frozen=True)
class KeyPart:
    """One pair of the key."""

    column: str
    attribute: Attribute


@dataclass(frozen=True)
class Target:
    """One attribute that the job writes, and how it is made. `match`: its values are names of entries, found by what
    they have in that attribute."""

    field: Field
    attribute: Attribute
    match: Attribute | None = None

    @property
    def name(self) -> str:
        return self.attribute.name

    @property
    def form(self) -> Callable[[str], str] | None:
        """Gives equal texts for values that the job takes for equal; None: the values themselves."""
        return self.attribute.fold if self.field.compare == "matching_rule" else self.attribute.decode


@dataclass(frozen=True)
class Design:
    """Everything that planning needs to know about a job. `columns` are what is read of the source."""

    job: Job
    keys: tuple[KeyPart, ...]
    targets: tuple[Target, ...]
    object_type: ObjectType
    rdn: Attribute | None
    required: tuple[str, ...]
    query: str
    columns: tuple[str, ...]
    disable: tuple[Attribute, DisableSettings] | None
    unique: tuple[Attribute, ...]
    containers: tuple[Change, ...] = ()
    """What makes the place that entries are moved to, where it is missing: the first changes of a plan that moves
    some."""

    @cached_property
    def read(self) -> tuple[str, ...]:
        """The attributes that are read of the destination, each once."""
        names = [part.attribute.name for part in self.keys] + [
            t.name for t in self.targets if not t.field.only_on_create
        ]
        if self.disable:
            names.append(self.disable[0].name)
        return tuple(dict.fromkeys(names))

    @cached_property
    def read_back(self) -> tuple[str, ...]:
        """What must not be hidden, each once: what is read, and what is written and no password."""
        written = [target.name for target in self.targets if target.field.password is None]
        return tuple(dict.fromkeys([*self.read, *written]))

    @cached_property
    def given(self) -> Mapping[str, tuple[str, ...]]:
        """What each new entry gets where no field says otherwise."""
        given = dict(self.object_type.given)
        for target in self.targets:
            given |= self.object_type.given_with.get(target.name, {})
        return given

    @cached_property
    def passwords(self) -> frozenset[str]:
        """What a new entry gets a made password as."""
        return frozenset(target.name for target in self.targets if target.field.password is not None)

    @cached_property
    def target_names(self) -> tuple[str, ...]:
        """In the order of `targets`."""
        return tuple(target.name for target in self.targets)

    @cached_property
    def key_names(self) -> frozenset[str]:
        """The destination's key attributes."""
        return frozenset(part.attribute.name for part in self.keys)

    @cached_property
    def compared(self) -> tuple[int, ...]:
        """The targets, by number, that are compared with what is there."""
        return tuple(n for n, target in enumerate(self.targets) if not target.field.only_on_create)

    @cached_property
    def references(self) -> Mapping[int, Attribute]:
        """The targets, by number, that refer to entries, and what finds these."""
        return {number: target.match for number, target in enumerate(self.targets) if target.match is not None}

    @cached_property
    def found_by(self) -> Mapping[int, Attribute]:
        """The targets, by number, that new entries are referred to by."""
        wanted = {match.name for match in self.references.values()}
        return {number: target.attribute for number, target in enumerate(self.targets) if target.name in wanted}

    @cached_property
    def formed(self) -> tuple[int, ...]:
        """The targets that are compared by form, not by text."""
        return tuple(number for number in self.compared if self.targets[number].form is not None)

    @cached_property
    def place(self) -> dict[str, int]:
        """Where an attribute stands in `read`."""
        return {name: n for n, name in enumerate(self.read)}
