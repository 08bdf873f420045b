"""References as they are written: under the name that an entry has at that moment. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping

from msgspec.structs import replace

from ..changes import PROVEN, AttributeChange, Reference, Result
from ..planning.comparing import lenient
from ..tasks import Outcome, Task

Places = Mapping[str, str]
"""The names of entries by their ids; what is not among them is gone."""

Key = Callable[[str], str]
"""A name to the text that is the same for equal names."""


class _Unmet(Exception):  # noqa: N818  # the way out of a decision
    """A value that cannot be written, with the outcome of its step."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def ids_of(tasks: Iterable[Task]) -> list[str]:
    """The entries whose names must be known before these steps are written."""
    of_tasks = ((t, one) for t in tasks for a in t.change.attributes for one in a.references)
    return list(dict.fromkeys(id_ for task, one in of_tasks if (id_ := _id_of(one, task)) is not None))


def resolved(task: Task, places: Places, key: Key, *, kept: bool) -> Task | Outcome:
    """The step with the names that entries have now, or why it cannot be written. `kept`: the server itself changes
    references to what is renamed or deleted, so that old values are called by their names of now, too. Elsewhere a
    value that means a deleted entry goes when that entry is gone."""
    if not any(a.references for a in task.change.attributes):
        return task
    try:
        attributes = tuple(
            _named(a, task, places, lenient(key), kept) if a.references else a for a in task.change.attributes
        )
    except _Unmet as unmet:
        return unmet.outcome
    return replace(task, change=replace(task.change, attributes=attributes))


def _named(a: AttributeChange, task: Task, places: Places, key: Key, kept: bool) -> AttributeChange:
    known = {one.dn: one for one in a.references}
    before, after = () if task.step.what == "add" else a.before, a.after
    if task.change.op == "create" and not kept:  # what it was made with had the names of then
        before = tuple(places.get(known[value].id or "", value) if value in known else value for value in before)
    if a.name in task.step.attributes:
        after = tuple(_name_of(known[value], task, places) if value in known else value for value in after)
        if not kept:
            after += tuple(v for v in before if v in known and v not in a.after and known[v].id in places)
        if after != a.after and set(map(key, after)) == set(map(key, before)):
            undone = _undone(a, set(map(key, after)) ^ set(map(key, a.after)), key)
            raise _Unmet(Outcome(Result.SKIPPED, f"depends on the change of {undone}, which was not made"))
    if kept:
        names = ((value, places.get(known[value].id or "") if value in known else value) for value in before)
        before = tuple(name for _, name in names if name is not None)
    return replace(a, before=before, after=after)


def _undone(a: AttributeChange, otherwise: Collection[str], key: Key) -> str:
    """The first entry whose value is not as planned; `otherwise` are the keys of such values."""
    return next((one.dn for one in a.references if key(one.dn) in otherwise), a.references[0].dn)


def _name_of(reference: Reference, task: Task, places: Places) -> str:
    """Raises _Unmet."""
    if reference.key is not None:
        made = task.made.get(reference.key, _NEVER_MADE)
        if made.result is None:
            raise _Unmet(Outcome(None, f"waits for the create of {reference.key}"))
        if made.result not in PROVEN:
            raise _Unmet(Outcome(Result.SKIPPED, f"depends on the create of {reference.key}, which is {made.result}"))
    name = places.get(_id_of(reference, task) or "")
    if name is None:
        raise _Unmet(Outcome(Result.SKIPPED, f"depends on {reference.dn}, which is gone"))
    return name


def _id_of(reference: Reference, task: Task) -> str | None:
    if reference.key is None:
        return reference.id
    return task.made.get(reference.key, _NEVER_MADE).entry_id


_NEVER_MADE = Outcome(Result.SKIPPED)
