"""What saving a set of objects means: pure. The whole set is valid, or nothing is saved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from placet_shared.identity import Identity
from placet_shared.objects import Job, LdapProvider, Object, parse_object
from placet_shared.objects.provider import IDENTITY_STORES

from .errors import DanglingReferenceError, StillNeededError

Key = tuple[str, str]
"""(kind, name)."""

Verdict = Literal["created", "updated", "unchanged", "deleted"]

BY_POLICY = "none"
"""The workflow of a job that policy decides about."""

KINDS = ("provider", "schedule", "workflow", "job")
"""In the order in which they can be saved: what is referred to first."""


@dataclass(frozen=True)
class Saving:
    """One object's fate. `document` is None for a deletion."""

    key: Key
    verdict: Verdict
    document: Mapping[str, Any] | None


def document_of(parsed: Object) -> dict[str, Any]:
    """The plain document that, saved again, changes nothing: what a person wrote, without defaults."""
    return parsed.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {
        "kind": parsed.kind,
        "name": parsed.name,
    }


def decide(
    current: Mapping[Key, Mapping[str, Any]], wanted: Iterable[Object], *, prune: bool, delete: Sequence[Key] = ()
) -> list[Saving]:
    """What becomes of each object named, and with `prune` of those that are not named. References must hold afterwards."""
    documents = {(parsed.kind, parsed.name): document_of(parsed) for parsed in wanted}
    savings = [Saving(key, _verdict(current.get(key), document), document) for key, document in documents.items()]
    gone = [*delete, *(key for key in current if prune and key not in documents)]
    savings += [Saving(key, "deleted", None) for key in gone]
    after = {**current, **documents}
    for key in gone:
        after.pop(key, None)
    check_references(after)
    return savings


def _verdict(before: Mapping[str, Any] | None, document: Mapping[str, Any]) -> Verdict:
    if before is None:
        return "created"
    return "unchanged" if before == document else "updated"


def check_references(catalogue: Mapping[Key, Mapping[str, Any]]) -> None:
    """Every job's providers, workflow and schedule exist and fit. Raises InvalidError that names job and field."""
    for (kind, name), document in catalogue.items():
        if kind == "job":
            job = parse_object(document)
            assert isinstance(job, Job)
            _check_job(name, job, catalogue)


def _check_job(name: str, job: Job, catalogue: Mapping[Key, Mapping[str, Any]]) -> None:
    wanted = [
        ("source.provider", ("provider", job.source.provider)),
        ("destination.provider", ("provider", job.destination.provider)),
    ]
    if job.workflow not in (None, BY_POLICY):
        wanted.append(("workflow", ("workflow", str(job.workflow))))
    if job.schedule is not None:
        wanted.append(("schedule", ("schedule", job.schedule)))
    for field, key in wanted:
        if key not in catalogue:
            raise DanglingReferenceError(
                f"job {name}: {field}: there is no {key[0]} named {key[1]}; apply it too", field
            )
    destination = parse_object(catalogue["provider", job.destination.provider])
    if getattr(destination, "type", "") not in IDENTITY_STORES:
        raise DanglingReferenceError(
            f"job {name}: destination.provider: {destination.name} is no identity store; choose one of type ldap",
            "destination.provider",
        )
    if job.extra == "disable" and isinstance(destination, LdapProvider) and destination.disable is None:
        raise DanglingReferenceError(
            f"job {name}: extra: provider {destination.name} does not say how entries are disabled; "
            "give it disable: {attribute: …, value: …}",
            "extra",
        )


def needed_by(catalogue: Mapping[Key, Mapping[str, Any]], key: Key) -> list[str]:
    """The jobs that refer to an object."""
    return [name for (kind, name), document in catalogue.items() if kind == "job" and key in references(document)]


def references(document: Mapping[str, Any]) -> set[Key]:
    """What a job's document refers to, the default workflow included where it has none of its own."""
    found = {("provider", document["source"]["provider"]), ("provider", document["destination"]["provider"])}
    found.add(("workflow", document.get("workflow") or "default"))
    if document.get("schedule"):
        found.add(("schedule", document["schedule"]))
    return found


def refuse_needed(before: Mapping[Key, Mapping[str, Any]], gone: Sequence[Key], after: set[Key]) -> None:
    """A deletion of something that a remaining job names is refused. Raises StillNeededError."""
    for key in gone:
        if key == ("workflow", "default"):
            continue
        users = [name for name in needed_by(before, key) if ("job", name) in after]
        if users:
            raise StillNeededError(f"{key[0]} {key[1]} is used by job {', '.join(users)}; change or delete it first")


def check_rights(caller: Identity, savings: Sequence[Saving], current: Mapping[Key, Mapping[str, Any]]) -> None:
    """Jobs and schedules are an editor's; providers, workflows, and a job's workflow and limits are an admin's alone."""
    for saving in savings:
        if saving.verdict == "unchanged":
            continue
        kind = saving.key[0]
        if kind in ("job", "schedule"):
            caller.require("editor")
        else:
            caller.require("admin")
        before, after = current.get(saving.key, {}), saving.document or {}
        guarded = [name for name in ("workflow", "limits") if before.get(name) != after.get(name)]
        if kind == "job" and guarded and saving.document is not None and not caller.may("admin"):
            caller.require("admin")


def ends_run(job: str, savings: Sequence[Saving], before: Mapping[Key, Mapping[str, Any]]) -> str | None:
    """Why an undecided run of the job ends, or None: job, providers (mail settings aside) or workflow were edited."""
    document = before.get(("job", job))
    for saving in savings:
        if saving.verdict in ("unchanged", "created") and saving.key != ("workflow", "default"):
            continue
        mine = saving.key == ("job", job) or (document is not None and saving.key in references(document))
        if mine and saving.key[0] != "schedule" and _matters(before.get(saving.key), saving):
            return f"{saving.key[0]} {saving.key[1]} was {'edited' if saving.document else 'deleted'}"
    return None


def _matters(before: Mapping[str, Any] | None, saving: Saving) -> bool:
    if saving.verdict == "unchanged":
        return False
    old, new = dict(before or {}), dict(saving.document or {})
    old.pop("notifications", None)
    new.pop("notifications", None)
    return old != new
