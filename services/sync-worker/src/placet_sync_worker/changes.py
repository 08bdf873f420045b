"""A change of one entry and its steps: the values that a plan is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Literal

Op = Literal["create", "update", "move", "disable", "delete"]
What = Literal["add", "rename", "modify", "delete"]


class Phase(IntEnum):
    """The order in which a plan is applied; a phase starts when the one before has finished. References are written
    when what they refer to was made and has its name; referrers of what was moved or removed follow at the end."""

    CONTAINERS = 0
    CREATE = 1
    UPDATE = 2
    REFERENCES = 3
    DISABLE = 4
    DELETE = 5
    REFERRERS = 6


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


@dataclass(frozen=True, slots=True)
class Reference:
    """What a DN among the values of an attribute means: the entry with an id, or the one that the same run makes for a
    record with this key. `dn` is what it was called, or was to be called, at planning."""

    dn: str
    id: str | None = None
    key: str | None = None

    def document(self) -> Mapping[str, str]:
        """Plain JSON."""
        return {"dn": self.dn, **({"id": self.id} if self.id is not None else {"key": str(self.key)})}


KEYS = 3
"""Of the document of an attribute that is nothing special."""


@dataclass(frozen=True, slots=True)
class AttributeChange:
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

    def document(self) -> Mapping[str, Any]:
        """Plain JSON. A key that is seldom needed stands there only then: plans keep their hashes."""
        seldom: dict[str, Any] = {"password": True} if self.password else {}
        if self.references:
            seldom["references"] = [one.document() for one in self.references]
        return {"name": self.name, "before": [*self.before], "after": [*self.after], **seldom}

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "AttributeChange":
        """What `document()` described."""
        before, after = tuple(document["before"]), tuple(document["after"])
        if len(document) == KEYS:
            return cls(document["name"], before, after)
        references = tuple([Reference(r["dn"], r.get("id"), r.get("key")) for r in document.get("references", ())])
        return cls(document["name"], before, after, document.get("password", False), references)

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


@dataclass(frozen=True, slots=True)
class Step:
    """One write. `target` is the DN after a rename; `attributes` names what an add or a modify writes.

    `part` is set where one attribute has too many values for one modify: the range for `AttributeChange.part`.
    """

    what: What
    phase: Phase
    target: str | None = None
    attributes: tuple[str, ...] = ()
    part: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """One attribute as it was at planning: nothing that the change writes or depends on."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
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
    id: str | None = None
    version: str | None = None
    image: tuple[Image, ...] = ()
    record: str | None = None
    container: bool = False
    needs: tuple[int, ...] = ()

    def document(self) -> Mapping[str, Any]:
        """The change in the shape that is hashed and stored: plain JSON."""
        seldom = {"record": self.record, "container": self.container or None, "needs": [*self.needs] or None}
        return {
            "key": self.key,
            "id": self.id,
            "version": self.version,
            "dn": self.dn,
            "op": self.op,
            "attributes": [a.document() for a in self.attributes],
            "steps": [
                {
                    "what": s.what,
                    "phase": s.phase.name.lower(),
                    "target": s.target,
                    "attributes": [*s.attributes],
                    "part": [*s.part] if s.part else None,
                }
                for s in self.steps
            ],
            "image": [{"name": i.name, "values": [*i.values]} for i in self.image],
            **{name: given for name, given in seldom.items() if given is not None},
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "Change":
        """The change that `document()` described."""
        return cls(
            key=document["key"],
            id=document["id"],
            version=document["version"],
            dn=document["dn"],
            op=document["op"],
            attributes=tuple(map(AttributeChange.parse, document["attributes"])),
            steps=tuple(
                [
                    Step(
                        s["what"],
                        Phase[s["phase"].upper()],
                        s["target"],
                        tuple(s["attributes"]),
                        (s["part"][0], s["part"][1]) if s["part"] else None,
                    )
                    for s in document["steps"]
                ]
            ),
            image=tuple(Image(i["name"], tuple(i["values"])) for i in document["image"]),
            record=document.get("record"),
            container=document.get("container", False),
            needs=tuple(document.get("needs", ())),
        )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A source record that could not be planned. `key` is None when it could not be read."""

    record: str
    key: str | None
    attribute: str | None
    reason: str
