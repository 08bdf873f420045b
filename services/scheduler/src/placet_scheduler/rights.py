"""Who may save what: pure. Jobs and schedules are an editor's; the rest, and how a job is guarded, an admin's alone."""

from placet_shared.errors import ForbiddenError
from placet_shared.identity import Identity
from placet_shared.objects.workflow import DEFAULT

from .catalogue import Edit, Saving
from .references import Document, Documents, own_workflow

EDITORS = frozenset({"job", "schedule"})
"""The kinds that an editor may change."""

GUARDS = ("workflow", "limits", "deliver_to")
"""The fields of a job by which its changes are held back, and by which its passwords are given away."""


def check_rights(caller: Identity, edit: Edit) -> None:
    """Raises ForbiddenError that names the first object and field that the caller may not change."""
    for saving in edit.savings:
        if saving.verdict != "unchanged" and not caller.may("admin"):
            _check(caller, saving, edit)


def _check(caller: Identity, saving: Saving, edit: Edit) -> None:
    kind, name = saving.key
    if kind not in EDITORS:
        raise ForbiddenError(f"{kind} {name}: only an admin may change it; ask one to apply this")
    if not caller.may("editor"):
        raise ForbiddenError(f"{kind} {name}: {caller.user} needs the role editor to change it; ask an admin")
    if kind == "job":
        _check_guards(name, edit)
        _check_way_around(name, edit)


def _check_guards(name: str, edit: Edit) -> None:
    """A job that is deleted has no guards any more, and one that goes to another store leaves its own unguarded."""
    before, after = edit.before.get(("job", name), {}), edit.after.get(("job", name), {})
    how = "leave it out or ask one" if after else "ask one to delete the job"
    for field in GUARDS:
        if _guard(before, field) != _guard(after, field):
            raise ForbiddenError(f"job {name}: {field}: only an admin may change it; {how}")
    if _is_guarded(before) and _store(before) != _store(after):
        raise ForbiddenError(f"job {name}: destination.provider: only an admin may change it while the job is guarded")


def _check_way_around(name: str, edit: Edit) -> None:
    """A job that no workflow holds does not begin to write a store where an admin has guarded another job: it could do
    the same without the guard."""
    before, after = edit.before.get(("job", name), {}), edit.after.get(("job", name), {})
    if _store(after) == _store(before) or _under_workflow(after, edit.after):
        return
    others = [document for (kind, other), document in edit.before.items() if kind == "job" and other != name]
    guarded = sorted(str(job["name"]) for job in others if _store(job) == _store(after) and _is_guarded(job))
    if guarded:
        raise ForbiddenError(
            f"job {name}: workflow: no workflow would hold it, and an admin has guarded {', '.join(guarded)}, which "
            f"writes {_store(after)} too; ask one to save this job, or for a workflow named {DEFAULT}"
        )


def _store(job: Document) -> str | None:
    return job["destination"]["provider"] if job else None


def _guard(job: Document, name: str) -> object:
    if name != "deliver_to":
        return job.get(name)
    made = [field.get("password") or {} for field in job.get("fields", ())]
    return [one["deliver_to"] for one in made if one.get("deliver_to")]


def _is_guarded(job: Document) -> bool:
    return own_workflow(job) is not None or bool(job.get("limits"))


def _under_workflow(job: Document, documents: Documents) -> bool:
    return own_workflow(job) is not None or (job.get("workflow") is None and ("workflow", DEFAULT) in documents)
