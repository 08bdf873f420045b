"""What objects refer to, and whether all of it holds after an edit: pure."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, TypeVar

from placet_shared.objects import Job, parse_object
from placet_shared.objects.workflow import BY_POLICY, DEFAULT

from .errors import DanglingReferenceError, StillNeededError, UnknownObjectError

Key = tuple[str, str]
"""(kind, name)."""

Document = Mapping[str, Any]
"""An object as plain data."""

Documents = Mapping[Key, Document]
"""A catalogue."""

ObjectT = TypeVar("ObjectT")


def find(among: Mapping[Key, ObjectT], key: Key) -> ObjectT:
    """Raises UnknownObjectError."""
    if key not in among:
        raise UnknownObjectError(f"there is no {key[0]} named {key[1]}; see `placet {key[0]} list`")
    return among[key]


def references(document: Document) -> list[Key]:
    """What an object refers to; a job without a workflow of its own is under the default one, there or not."""
    implied = document["kind"] == "job" and own_workflow(document) is None
    return [*_named(document).values(), *([("workflow", DEFAULT)] if implied else [])]


def _named(document: Document) -> dict[str, Key]:
    """What an object refers to by name, so that it must be there; by the field that names it."""
    if document["kind"] != "job":
        return {}
    sides = ("source", "destination")
    found = {f"{side}.provider": ("provider", str(document[side]["provider"])) for side in sides}
    if own := own_workflow(document):
        found["workflow"] = ("workflow", own)
    if document.get("schedule"):
        found["schedule"] = ("schedule", str(document["schedule"]))
    return found


def own_workflow(document: Document) -> str | None:
    """The workflow that a job names, if it is one."""
    name = document.get("workflow")
    return None if name in (None, BY_POLICY) else str(name)


def check_references(after: Documents, changed: Set[Key], deleted: Sequence[Key]) -> None:
    """Every job that the edit touches finds what it refers to. Raises StillNeededError or DanglingReferenceError."""
    if ("workflow", BY_POLICY) in changed and ("workflow", BY_POLICY) in after:
        raise DanglingReferenceError("workflow none: the word none stands for `by policy`; choose another name", "name")
    for key in deleted:
        _refuse_needed(after, key)
    for document in touched(after, changed):
        _check_named(document, after)
        _check_destination(document, after)


def touched(after: Documents, changed: Set[Key]) -> list[Document]:
    """The jobs that an edit touches, in themselves or in what they refer to."""
    jobs = [document for (kind, _), document in after.items() if kind == "job"]
    return [job for job in jobs if not changed.isdisjoint([("job", str(job["name"])), *references(job)])]


def _refuse_needed(after: Documents, gone: Key) -> None:
    users = [name for (_, name), document in after.items() if gone in _named(document).values()]
    if users:
        raise StillNeededError(
            f"{gone[0]} {gone[1]} is still used by job {', '.join(sorted(users))}; change or delete it first"
        )


def _check_named(document: Document, after: Documents) -> None:
    for field, (kind, name) in _named(document).items():
        if (kind, name) not in after:
            raise DanglingReferenceError(
                f"job {document['name']}: {field}: there is no {kind} named {name}; apply it too", field
            )


def _check_destination(document: Document, after: Documents) -> None:
    job = parse_object(document)
    assert isinstance(job, Job)
    destination = parse_object(after["provider", job.destination.provider])
    if reason := getattr(destination, "only_source", None):
        raise DanglingReferenceError(
            f"job {job.name}: destination.provider: {destination.name} is a source alone: {reason}",
            "destination.provider",
        )
    if job.extra == "disable" and getattr(destination, "disable", None) is None:
        raise DanglingReferenceError(
            f"job {job.name}: extra: provider {destination.name} does not say how an entry is disabled; "
            "give it disable: {attribute: …, value: …}",
            "extra",
        )
