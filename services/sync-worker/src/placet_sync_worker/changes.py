"""A change of one entry and its steps: the values that a plan is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Literal

Op = Literal["create", "update", "move", "disable", "delete"]
What = Literal["add", "rename", "modify", "delete"]


class Phase(IntEnum):
    """The order in which a plan is applied; a phase starts when the one before has finished."""

    CONTAINERS = 0
    CREATE = 1
    UPDATE = 2
    DISABLE = 3
    DELETE = 4


REMOVALS = frozenset({Phase.DISABLE, Phase.DELETE})


class Result(StrEnum):
    """How a step or a change ended. The order of definition is from best to worst: a change has its worst step's."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CONFLICT = "conflict"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


def worst(results: list[Result]) -> Result:
    """The result of a change whose steps ended like this."""
    order = list(Result)
    return max(results, key=order.index)


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute's values, decoded to text, before and after; an attribute that is absent has none."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]

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


@dataclass(frozen=True, slots=True)
class Step:
    """One write. `target` is the DN after a rename; `attributes` names what an add or a modify writes."""

    what: What
    phase: Phase
    target: str | None = None
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a run does to one entry.

    `id` (entryUUID, objectGUID, primary key) and `version` (entryCSN) are the entry's as read at planning, None for a create.
    `dn` is where the entry is (for a create: where it will be).
    """

    key: str
    op: Op
    dn: str
    attributes: tuple[AttributeChange, ...]
    steps: tuple[Step, ...]
    id: str | None = None
    version: str | None = None

    def document(self) -> Mapping[str, Any]:
        """The change in the shape that is hashed and stored: plain JSON."""
        return {
            "key": self.key,
            "id": self.id,
            "version": self.version,
            "dn": self.dn,
            "op": self.op,
            "attributes": [{"name": a.name, "before": [*a.before], "after": [*a.after]} for a in self.attributes],
            "steps": [
                {"what": s.what, "phase": s.phase.name.lower(), "target": s.target, "attributes": [*s.attributes]}
                for s in self.steps
            ],
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
            attributes=tuple(
                AttributeChange(a["name"], tuple(a["before"]), tuple(a["after"])) for a in document["attributes"]
            ),
            steps=tuple(
                Step(s["what"], Phase[s["phase"].upper()], s["target"], tuple(s["attributes"])) for s in document["steps"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A source record that could not be planned. `key` is None when it could not be read."""

    record: str
    key: str | None
    attribute: str | None
    reason: str
