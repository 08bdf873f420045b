"""What saving a set of objects means: pure. The whole set is valid, or nothing is saved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from placet_shared.objects import Object, Schedule, parse_object

from .references import Document, Documents, Key, references

Verdict = Literal["created", "updated", "unchanged", "deleted"]


@dataclass(frozen=True)
class Saving:
    """One object's fate. `document` is None for a deletion."""

    key: Key
    verdict: Verdict
    document: Document | None


@dataclass(frozen=True)
class Edit:
    """The catalogue before and after a set of savings."""

    before: Documents
    savings: Sequence[Saving]
    after: Documents

    @property
    def changed(self) -> set[Key]:
        return {saving.key for saving in self.savings if saving.verdict != "unchanged"}

    def changed_fields(self, saving: Saving) -> tuple[str, ...]:
        """The fields by which an updated object differs from what it was, in the order in which they stand."""
        before, after = self.before.get(saving.key), saving.document
        if before is None or after is None:
            return ()
        return tuple(name for name in {**after, **before} if before.get(name) != after.get(name))

    @property
    def deleted(self) -> list[Key]:
        return [saving.key for saving in self.savings if saving.document is None]


def document_of(parsed: Object) -> dict[str, Any]:
    """The plain document that, saved again, changes nothing: what a person wrote, without defaults."""
    written = parsed.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"kind": parsed.kind, "name": parsed.name} | written


def edit_of(
    before: Documents,
    wanted: Iterable[Object],
    *,
    prune: bool = False,
    delete: Sequence[Key] = (),
    altered: Sequence[Key] = (),
) -> Edit:
    """What becomes of each object that is named, and with `prune` of all that are not; also of those that were altered
    in the database, which are not in `before`: they are made again."""
    documents = {(parsed.kind, parsed.name): document_of(parsed) for parsed in wanted}
    gone = [*delete, *(key for key in [*before, *altered] if prune and key not in documents)]
    savings = [Saving(key, _verdict(before.get(key), document), document) for key, document in documents.items()]
    savings += [Saving(key, "deleted", None) for key in gone]
    after = {key: document for key, document in {**before, **documents}.items() if key not in gone}
    return Edit(before, savings, after)


def _verdict(before: Document | None, document: Document) -> Verdict:
    if before is None:
        return "created"
    return "unchanged" if before == document else "updated"


# ---- what follows ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ending:
    """Why a job's run ends before anybody decided about its plan: the object that was edited or deleted."""

    because_of: Key
    reason: str


def endings(edit: Edit) -> dict[str, Ending]:
    """The jobs whose undecided run these savings end: job, provider (mail settings aside) or workflow have changed."""
    found: dict[str, Ending] = {}
    grave = {saving.key: saving for saving in edit.savings if _matters(edit.before.get(saving.key), saving)}
    for (kind, name), document in edit.before.items():
        blamed = next((grave[key] for key in [(kind, name), *references(document)] if key in grave), None)
        if kind == "job" and blamed is not None:
            done = "edited" if blamed.document is not None else "deleted"
            found[name] = Ending(blamed.key, f"{blamed.key[0]} {blamed.key[1]} was {done} before the plan was approved")
    return found


def _matters(before: Document | None, saving: Saving) -> bool:
    if saving.key[0] == "schedule":
        return False
    return _without_mail(before) != _without_mail(saving.document)


def _without_mail(document: Document | None) -> Document | None:
    return document and {name: value for name, value in document.items() if name != "notifications"}


def rescheduled(edit: Edit) -> Mapping[str, Schedule | None]:
    """The jobs that start at other times than before, each with its schedule; None: never by itself."""
    jobs = {name for documents in (edit.before, edit.after) for kind, name in documents if kind == "job"}
    times = {job: (_triggers(job, edit.before), _triggers(job, edit.after)) for job in jobs}
    return {job: schedule_of(job, edit.after) for job, (old, new) in times.items() if old != new}


def schedule_of(job: str, documents: Documents) -> Schedule | None:
    """The schedule that a job names, if there are both."""
    document = _schedule_document(job, documents)
    schedule = parse_object(document) if document is not None else None
    return schedule if isinstance(schedule, Schedule) else None


def _schedule_document(job: str, documents: Documents) -> Document | None:
    return documents.get(("schedule", str(documents.get(("job", job), {}).get("schedule"))))


def _triggers(job: str, documents: Documents) -> Document | None:
    """A schedule without its name: one that was renamed still means the same times."""
    document = _schedule_document(job, documents)
    return document and {name: value for name, value in document.items() if name != "name"}
