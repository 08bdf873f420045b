"""A change of one entry and its steps: the values that a plan is made of.

What is hashed and stored of them is their JSON. A field that is seldom needed stands there only then, so that plans
keep their hashes when one is added."""

from enum import Enum, StrEnum
from typing import Literal, TypeVar

from msgspec import Struct, field

T = TypeVar("T")

Op = Literal["create", "update", "move", "disable", "delete"]
What = Literal["add", "rename", "modify", "delete"]


class Phase(Enum):
    """The order in which a plan is applied; a phase starts when the one before has finished. References are written
    when what they refer to was made and has its name; referrers of what was moved or removed follow at the end."""

    CONTAINERS = "containers"
    CREATE = "create"
    UPDATE = "update"
    REFERENCES = "references"
    DISABLE = "disable"
    DELETE = "delete"
    REFERRERS = "referrers"

    @property
    def number(self) -> int:
        """As tables have it."""
        return PHASES.index(self)

    def __lt__(self, other: "Phase") -> bool:
        return self.number < other.number


PHASES = tuple(Phase)


REMOVAL_PHASES = frozenset({Phase.DISABLE, Phase.DELETE})
REMOVING_OPS = frozenset[Op]({"disable", "delete"})


class Result(StrEnum):
    """How a step or a change ended. The order of definition is from best to worst: a change has its worst step's."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CONFLICT = "conflict"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


PROVEN = frozenset({Result.APPLIED, Result.ALREADY_APPLIED})
"""The destination is as the step wants it."""


def worst(results: list[Result]) -> Result:
    """The result of a change whose steps ended like this."""
    order = list(Result)
    return max(results, key=order.index)


def _always(value: T) -> T:
    """A default that stands in the JSON all the same."""
    return field(default_factory=lambda: value)


class Reference(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a DN among the values of an attribute means: the entry with an id, or the one that the same run makes for a
    record with this key. `dn` is what it was called, or was to be called, at planning."""

    dn: str
    id: str | None = None
    key: str | None = None


class AttributeChange(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One attribute's values, decoded to text, before and after; an attribute that is absent has none, and a new entry
    has `before` until a later step. `password`: it gets one that is made when the step is written, and that no plan
    knows.

    `references` says of values what they refer to, where that is known: they are written under the name that it has
    then.
    """

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    password: bool = False
    references: tuple[Reference, ...] = ()

    @property
    def add(self) -> tuple[str, ...]:
        """The values that come in, in the order of `after`."""
        old = set(self.before)
        return tuple(value for value in self.after if value not in old)

    @property
    def remove(self) -> tuple[str, ...]:
        """The values that go, in the order of `before`."""
        new = set(self.after)
        return tuple(value for value in self.before if value not in new)

    def part(self, first: int, last: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What one of several modifies writes: `add` and then `remove`, counted through, from `first` up to `last`."""
        add, remove = self.add, self.remove
        return add[first:last], remove[max(0, first - len(add)) : max(0, last - len(add))]


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One write. `target` is the DN after a rename; `attributes` names what an add or a modify writes.

    `part` is set where one attribute has too many values for one modify: the range for `AttributeChange.part`.
    """

    what: What
    phase: Phase
    target: str | None = None
    attributes: tuple[str, ...] = ()
    part: tuple[int, int] | None = None


class Image(Struct, frozen=True, forbid_unknown_fields=True):
    """One attribute as it was at planning: nothing that the change writes or depends on."""

    name: str
    values: tuple[str, ...]


class Change(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a run does to one entry.

    `id` (entryUUID, objectGUID, primary key) and `version` (entryCSN) are the entry's as read at planning, None for a
    create. `dn` is where the entry is when it is written first (for a create: where it will be). `attributes` are
    conditions, also for a delete, whose `after` are empty. `image` is the rest of an entry that is moved, disabled or
    deleted, as far as it can be read, with the groups that name it as `memberOf`: for the approver and for undo.
    `record` is a keyed digest of the source record as it was mapped; None where the change was not made from one. A
    `container` is made for others of the plan: it is told by its name, has no key of the job's, and is linked to no
    record. `needs` are the numbers of the plan's containers that must be there before.
    """

    key: str
    op: Op
    dn: str
    attributes: tuple[AttributeChange, ...]
    steps: tuple[Step, ...]
    id: str | None = _always(None)
    version: str | None = _always(None)
    image: tuple[Image, ...] = _always(())
    record: str | None = None
    container: bool = False
    needs: tuple[int, ...] = ()


class Rejected(Struct, frozen=True):
    """A source record that could not be planned. `key` is None when it could not be read."""

    record: str
    key: str | None
    attribute: str | None
    reason: str
