"""Who may save what: pure. Jobs and schedules are an editor's; the rest, and how a job is guarded, an admin's alone."""

from placet_shared.errors import ForbiddenError
from placet_shared.identity import Identity

from .catalogue import Edit, Saving

EDITORS = frozenset({"job", "schedule"})
"""The kinds that an editor may change."""

GUARDS = ("workflow", "limits")
"""The fields of a job by which its changes are held back."""


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
    before, after = edit.before.get(saving.key, {}), saving.document
    for field in GUARDS if kind == "job" and after is not None else ():
        if before.get(field) != (after or {}).get(field):
            raise ForbiddenError(f"job {name}: {field}: only an admin may change it; leave it out or ask one")
