"""Who may save what, by the roles of the interface."""

from typing import Any

import pytest

from placet_scheduler.references import Document, Key
from placet_scheduler.rights import check_rights
from placet_shared.errors import ForbiddenError
from placet_shared.identity import Identity, Role
from tests.support.catalogue import catalogue, edited
from tests.support.scheduler import NIGHTLY, TWO_EYES, people
from tests.support.signing import CORP, HR, an_identity

GUARDED = people(workflow="two-eyes", limits={"delete": 3})
LAB = CORP | {"name": "lab"}
TO_LAB = {"destination": {"provider": "lab"}}
WITH_RECEIVERS = [
    {"to": "employeeNumber", "from": "id"},
    {"to": "userPassword", "password": {"deliver_to": ["eve"]}, "only_on_create": True},
]
FREE = people(name="free", workflow="none", **TO_LAB)
BEFORE = catalogue(HR, CORP, LAB, NIGHTLY, TWO_EYES, GUARDED, FREE)
WITH_DEFAULT = {**BEFORE, ("workflow", "default"): TWO_EYES | {"name": "default"}}
OTHERS: tuple[Role, ...] = ("viewer", "approver", "operator")


def eve(*roles: Role) -> Identity:
    return an_identity("eve", "POST", "/api/v1/apply", roles=roles)


def save(caller: Identity, *wanted: Document, **options: Any) -> None:
    check_rights(caller, edited(BEFORE, *wanted, **options))


JOBS_AND_SCHEDULES = [
    GUARDED | {"extra": "delete"},
    GUARDED | {"schedule": "nightly"},
    FREE | {"extra": "delete"},
    people(name="new", **TO_LAB),
    people(name="new", workflow=None, limits={"delete": "5%", "disable": "5%"}, **TO_LAB),
    NIGHTLY | {"time_zone": "Europe/Warsaw"},
    NIGHTLY | {"name": "weekly"},
]
"""What an editor may save; the last limits are those that hold anyway."""

GUARDS = [
    (people(limits={"delete": 3}), "workflow"),
    (GUARDED | {"workflow": "none"}, "workflow"),
    (GUARDED | {"workflow": "other"}, "workflow"),
    (people(workflow="two-eyes"), "limits"),
    (GUARDED | {"limits": {"delete": 4}}, "limits"),
    (GUARDED | {"limits": {"delete": None}}, "limits"),
    (GUARDED | {"limits": {"delete": 3, "create": 10}}, "limits"),
    (people(name="new", workflow="none"), "workflow"),
    (people(name="new", workflow="two-eyes"), "workflow"),
    (people(name="new", limits={"delete": "50%"}), "limits"),
    (people(name="new", fields=WITH_RECEIVERS), "deliver_to"),
]
"""Jobs that are guarded in another way than before, and by which field."""

ADMINS = [
    HR | {"path": "other.csv"},
    HR | {"name": "payroll"},
    CORP | {"notifications": {"host": "smtp", "sender": "placet@corp"}},
    TWO_EYES | {"requester_may_approve": True},
    TWO_EYES | {"name": "default"},
]


@pytest.mark.parametrize("document", [*JOBS_AND_SCHEDULES, *(document for document, _ in GUARDS), *ADMINS])
@pytest.mark.parametrize("roles", [("admin",), ("viewer", "admin")])
def test_an_admin_may_save_all_of_it(document: Document, roles: tuple[Role, ...]) -> None:
    save(eve(*roles), document)
    save(eve(*roles), prune=True)


@pytest.mark.parametrize("document", JOBS_AND_SCHEDULES)
def test_an_editor_may_save_jobs_and_schedules(document: Document) -> None:
    save(eve("editor"), document)
    save(eve("viewer", "editor"), document, HR, TWO_EYES)


@pytest.mark.parametrize(("document", "field"), GUARDS)
def test_an_editor_may_not_change_how_a_job_is_guarded(document: Document, field: str) -> None:
    with pytest.raises(ForbiddenError, match=f"^job {document['name']}: {field}: only an admin may change it"):
        save(eve("editor", *OTHERS), document)


AROUND = [people(name="new"), people(name="new", workflow=None), FREE | {"destination": {"provider": "corp"}}]
"""Jobs that would write, under no workflow, what a guarded job writes."""


@pytest.mark.parametrize("document", AROUND)
def test_an_editor_does_not_go_around_what_guards_a_store(document: Document) -> None:
    with pytest.raises(ForbiddenError, match=f"job {document['name']}: workflow: .* guarded people, which writes corp"):
        save(eve("editor"), document)
    save(eve("admin"), document)


def test_a_job_under_the_default_workflow_is_an_editors() -> None:
    check_rights(eve("editor"), edited(WITH_DEFAULT, people(name="new")))
    with pytest.raises(ForbiddenError):  # it is none under that workflow
        check_rights(eve("editor"), edited(WITH_DEFAULT, FREE | {"destination": {"provider": "corp"}}))


def test_a_guarded_job_stays_where_it_is_and_there() -> None:
    """Else it could be made again without its guards, or another one where it was."""
    for gone in ({"delete": [("job", "people")]}, {"prune": True}):
        with pytest.raises(ForbiddenError, match=r"job people: workflow: .* ask one to delete"):
            save(eve("editor"), HR, CORP, LAB, NIGHTLY, TWO_EYES, FREE, **gone)
    with pytest.raises(ForbiddenError, match=r"job people: destination\.provider: only an admin"):
        save(eve("editor"), GUARDED | TO_LAB)
    only_limits = catalogue(HR, CORP, people(limits={"delete": 3}))
    with pytest.raises(ForbiddenError, match="job people: limits"):
        check_rights(eve("editor"), edited(only_limits, delete=[("job", "people")]))


@pytest.mark.parametrize("document", ADMINS)
@pytest.mark.parametrize("roles", [("editor",), OTHERS, ()])
def test_providers_and_workflows_are_an_admins_alone(document: Document, roles: tuple[Role, ...]) -> None:
    with pytest.raises(ForbiddenError, match=f"^{document['kind']} {document['name']}: only an admin may change it"):
        save(eve(*roles), document)


@pytest.mark.parametrize("document", JOBS_AND_SCHEDULES)
@pytest.mark.parametrize("roles", [(), *((role,) for role in OTHERS), OTHERS])
def test_nobody_else_saves_anything(document: Document, roles: tuple[Role, ...]) -> None:
    with pytest.raises(ForbiddenError, match="eve needs the role editor to change it"):
        save(eve(*roles), document)


@pytest.mark.parametrize(
    ("gone", "who"),
    [
        (("job", "free"), "admin"),
        (("job", "plain"), "editor"),
        (("schedule", "nightly"), "editor"),
        (("provider", "hr"), "admin"),
        (("workflow", "two-eyes"), "admin"),
    ],
)
def test_who_may_change_a_kind_may_delete_it(gone: Key, who: Role) -> None:
    edit = edited({**BEFORE, ("job", "plain"): people(name="plain")}, delete=[gone])
    check_rights(eve(who), edit)
    others: tuple[Role, ...] = ("operator", "viewer") if who == "editor" else ("editor", "operator", "viewer")
    for other in others:
        with pytest.raises(ForbiddenError, match=f"^{gone[0]} {gone[1]}: "):
            check_rights(eve(other), edit)


@pytest.mark.parametrize("roles", [(), OTHERS, ("editor",)])
def test_what_stays_as_it_is_needs_no_right(roles: tuple[Role, ...]) -> None:
    save(eve(*roles), *BEFORE.values())


def test_one_object_that_may_not_be_saved_is_named_among_many() -> None:
    with pytest.raises(ForbiddenError, match="workflow two-eyes: only an admin"):
        save(eve("editor"), HR, CORP, NIGHTLY | {"name": "weekly"}, TWO_EYES | {"requester_may_approve": True})
    with pytest.raises(ForbiddenError, match="workflow two-eyes: only an admin"):
        save(eve("editor"), HR, CORP, LAB, NIGHTLY, GUARDED, prune=True)
