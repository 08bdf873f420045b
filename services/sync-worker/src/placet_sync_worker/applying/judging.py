"""What a look at the entry says about a step whose answer was not a plain yes. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from msgspec import Struct

from ..changes import AttributeChange, Result
from ..planning.comparing import lenient
from ..ports import Attribute
from ..tasks import Outcome, Task

Decode = Callable[[str, str], str]
"""(attribute, value) to the text under which equal values are equal."""


def decoding(attribute: Callable[[str], Attribute]) -> Decode:
    """By the syntaxes of attributes. A value that its syntax does not allow may stand in a store: it equals itself."""
    return lambda name, value: lenient(attribute(name).decode)(value)


class Seen(Struct, frozen=True):
    """An entry as it is now: values as text, by attribute name in the plan's spelling."""

    entry_id: str
    version: str
    dn: str
    values: Mapping[str, tuple[str, ...]]


class Again(Enum):
    """The step was not done, and nothing speaks against doing it on the entry as it is now."""

    SEND = "send"


@dataclass(frozen=True)
class Judge:
    """Compares what is there with what was planned. `same_dn` compares two DNs by their RDNs; `shown` says whether an
    attribute can be read: another is no evidence."""

    decode: Decode
    same_dn: Callable[[str, str], bool]
    shown: Callable[[str], bool] = lambda _: True

    def verdict(self, task: Task, found: Sequence[Seen]) -> Outcome | Again:
        """`found` are the entries with the record's key, for a create; else the entry by its id, if it is there."""
        seen = found[0] if found else None
        match task.step.what:
            case "add":
                return self._create(task, found)
            case "rename":
                return self._rename(task, seen)
            case "modify":
                return self._modify(task, seen)
            case "delete":
                return self._delete(task, seen)

    def _create(self, task: Task, found: Sequence[Seen]) -> Outcome | Again:
        if not found:
            return Again.SEND
        if task.change.container:
            return self._container(task, found[0])
        for seen in found:
            if (
                task.maybe_sent
                and self.same_dn(seen.dn, task.change.dn)
                and self.are_after([a for a in task.change.attributes if a.name in task.step.attributes], seen)
            ):
                return Outcome(Result.ALREADY_APPLIED, version=seen.version, entry_id=seen.entry_id)
        return Outcome(Result.CONFLICT, f"an entry with this key is there already: {found[0].dn or found[0].entry_id}")

    def _container(self, task: Task, seen: Seen) -> Outcome:
        """Whoever made it, it is the place that entries are to stand in."""
        if all(
            self._set(a.name, a.after) <= self._set(a.name, seen.values.get(a.name, ())) for a in task.change.attributes
        ):
            return Outcome(Result.ALREADY_APPLIED)
        return Outcome(Result.CONFLICT, f"something else has this name by now: {seen.dn}")

    def _rename(self, task: Task, seen: Seen | None) -> Outcome | Again:
        if seen is None:
            return Outcome(Result.CONFLICT, "the entry was deleted after the plan")
        renamed = [a for a in task.change.attributes if a.name in task.step.attributes]
        if self.same_dn(seen.dn, str(task.step.target)) and self._all_there(renamed, seen):
            return Outcome(Result.ALREADY_APPLIED, version=seen.version)
        if not self.same_dn(seen.dn, task.dn):
            reason = f"planned from {task.dn} to {task.step.target}, but it is now {seen.dn}"
            return Outcome(Result.CONFLICT, reason)
        if changed := self._not_before(task.change.attributes, seen):
            return Outcome(Result.CONFLICT, changed)
        return self._unless_touched(task, seen)

    def _modify(self, task: Task, seen: Seen | None) -> Outcome | Again:
        planned = [a for a in task.change.attributes if a.name in task.step.attributes and self.shown(a.name)]
        if seen is None:
            return Outcome(Result.CONFLICT, "the entry was deleted after the plan")
        if not planned and self.same_dn(seen.dn, task.dn):
            return Again.SEND
        if self.are_after(planned, seen) or self._part_is(planned, task, seen, done=True):
            return Outcome(Result.ALREADY_APPLIED, version=seen.version)
        if not self.same_dn(seen.dn, task.dn):
            return Outcome(Result.CONFLICT, f"planned at {task.dn}, but the entry is now {seen.dn}")
        if not self._part_is(planned, task, seen, done=False) and (changed := self._not_before(planned, seen)):
            return Outcome(Result.CONFLICT, changed)
        return self._unless_touched(task, seen)

    def _delete(self, task: Task, seen: Seen | None) -> Outcome | Again:
        if seen is None:
            return Outcome(Result.ALREADY_APPLIED)
        if not self.same_dn(seen.dn, task.dn):
            return Outcome(Result.CONFLICT, f"planned at {task.dn}, but the entry is now {seen.dn}")
        if changed := self._not_before(task.change.attributes, seen):
            return Outcome(Result.CONFLICT, changed)
        return self._unless_touched(task, seen)

    def _unless_touched(self, task: Task, seen: Seen) -> Outcome | Again:
        """Old values under a new version, after a send without an answer: it may be our write that a hand undid."""
        if task.maybe_sent and seen.version != task.version:
            return Outcome(Result.CONFLICT, "somebody wrote to the entry while our write was unanswered; look at it")
        return Again.SEND

    def _part_is(self, planned: Collection[AttributeChange], task: Task, seen: Seen, *, done: bool) -> bool:
        """Whether the part of a large set that this step writes is there already, or not at all yet."""
        if task.step.part is None:
            return False
        for a in planned:
            add, remove = a.part(*task.step.part)
            now = self._set(a.name, seen.values.get(a.name, ()))
            present, absent = (add, remove) if done else (remove, add)
            if not self._set(a.name, present) <= now or self._set(a.name, absent) & now:
                return False
        return True

    def are_after(self, planned: Collection[AttributeChange], seen: Seen) -> bool:
        """Whether what can be read has the new values."""
        return all(self._is(a.name, a.after, seen) for a in planned if self.shown(a.name))

    def _all_there(self, planned: Collection[AttributeChange], seen: Seen) -> bool:
        """Whether the new values are there to the letter: a name may change its case alone."""
        return all(set(a.after) <= set(seen.values.get(a.name, ())) for a in planned)

    def _not_before(self, planned: Collection[AttributeChange], seen: Seen) -> str | None:
        for a in planned:
            if self.shown(a.name) and not self._is(a.name, a.before, seen):
                before, after, now = map(_show, (a.before, a.after, seen.values.get(a.name, ())))
                how = f"planned from {before} to {after}" if before != after else f"it was {before} at planning"
                return f"{a.name}: {how}, but it is now {now}"
        return None

    def _is(self, name: str, values: tuple[str, ...], seen: Seen) -> bool:
        return self._set(name, values) == self._set(name, seen.values.get(name, ()))

    def _set(self, name: str, values: tuple[str, ...]) -> frozenset[str]:
        return frozenset(self.decode(name, value) for value in values)


def _show(values: tuple[str, ...]) -> str:
    return ", ".join(repr(value) for value in values[:5]) + (" …" if len(values) > 5 else "") if values else "nothing"
