"""What follows from an edit: runs that end before anybody decided, and jobs that start at other times."""

from typing import Any

import pytest

from placet_scheduler.catalogue import endings, rescheduled, schedule_of
from placet_scheduler.references import Document, Documents, Key
from placet_shared.objects import parse_object
from tests.support.catalogue import catalogue, edited
from tests.support.scheduler import NIGHTLY, TWO_EYES, corp, people
from tests.support.signing import CORP, HR

DEFAULT = TWO_EYES | {"name": "default"}
MAIL = {"host": "smtp", "sender": "placet@corp"}


# ---- runs that nobody has decided about ------------------------------------------------------------------------------

GUARDED = people(workflow="two-eyes", schedule="nightly")
PLAIN = people(name="plain")
FREE = people(name="free", workflow="none")
BEFORE = catalogue(HR, CORP, NIGHTLY, TWO_EYES, GUARDED, PLAIN, FREE)


@pytest.mark.parametrize(
    ("wanted", "ends"),
    [
        (GUARDED | {"extra": "delete"}, {"people"}),
        (GUARDED | {"schedule": None}, {"people"}),
        (HR | {"path": "other.csv"}, {"people", "plain", "free"}),
        (corp(base_dn="dc=other"), {"people", "plain", "free"}),
        (corp(base_dn="dc=other", notifications=MAIL), {"people", "plain", "free"}),
        (TWO_EYES | {"requester_may_approve": True}, {"people"}),
        (DEFAULT, {"plain", "free"}),  # by policy: the default one still decides where limits want a person
        # what changes nothing of what was planned
        (corp(notifications=MAIL), set()),
        (NIGHTLY | {"time_zone": "Europe/Warsaw"}, set()),
        (HR | {"name": "payroll"}, set()),
        (people(name="new"), set()),
        (TWO_EYES | {"name": "three-eyes"}, set()),
        (GUARDED, set()),
        (HR, set()),
    ],
)
def test_an_edit_of_a_job_or_what_it_refers_to_ends_its_run(wanted: Document, ends: set[str]) -> None:
    found = endings(edited(BEFORE, wanted))
    assert found.keys() == ends
    for ending in found.values():
        assert ending.because_of == (wanted["kind"], wanted["name"])
        assert ending.reason == f"{wanted['kind']} {wanted['name']} was edited before the plan was approved"


@pytest.mark.parametrize(
    ("gone", "ends"),
    [
        (("job", "people"), {"people"}),
        (("workflow", "two-eyes"), {"people"}),
        (("workflow", "default"), {"plain", "free"}),
        (("provider", "hr"), {"people", "plain", "free"}),
        (("schedule", "nightly"), set()),
    ],
)
def test_a_deletion_ends_it_too(gone: Key, ends: set[str]) -> None:
    found = endings(edited({**BEFORE, **catalogue(DEFAULT)}, delete=[gone]))
    assert found.keys() == ends
    assert {ending.because_of for ending in found.values()} <= {gone}
    assert all(ending.reason.startswith(f"{gone[0]} {gone[1]} was deleted before") for ending in found.values())


def test_mail_settings_that_go_end_nothing() -> None:
    before = {**BEFORE, **catalogue(corp(notifications=MAIL))}
    assert endings(edited(before, CORP)) == {}


def test_the_job_itself_is_blamed_before_what_it_refers_to() -> None:
    both = edited(BEFORE, HR | {"path": "other.csv"}, GUARDED | {"extra": "delete"})
    blamed = {job: ending.because_of for job, ending in endings(both).items()}
    assert blamed == {"people": ("job", "people"), "plain": ("provider", "hr"), "free": ("provider", "hr")}


def test_pruning_everything_ends_everything() -> None:
    found = endings(edited(BEFORE, prune=True))
    assert {job: ending.because_of for job, ending in found.items()} == {name: ("job", name) for name in found}
    assert found.keys() == {"people", "plain", "free"}


# ---- other times -----------------------------------------------------------------------------------------------------

WEEKLY: dict[str, Any] = {"kind": "schedule", "name": "weekly", "triggers": [{"cron": "0 6 * * 1"}]}
NIGHTS_OF_WARSAW = NIGHTLY | {"time_zone": "Europe/Warsaw"}
SCHEDULED = catalogue(HR, CORP, NIGHTLY, WEEKLY, people(schedule="nightly"), people(name="others"))


@pytest.mark.parametrize(
    ("wanted", "jobs"),
    [
        ([NIGHTS_OF_WARSAW], {"people": NIGHTS_OF_WARSAW}),
        ([people(schedule="weekly")], {"people": WEEKLY}),
        ([people()], {"people": None}),
        ([people(name="others", schedule="weekly")], {"others": WEEKLY}),
        ([people(name="new", schedule="nightly")], {"new": NIGHTLY}),
        ([WEEKLY | {"time_zone": "Europe/Warsaw"}], {}),
        ([people(schedule="nightly", extra="delete")], {}),
        ([HR | {"path": "other.csv"}], {}),
        ([people(name="new")], {}),
        ([NIGHTLY], {}),
        # another name for the same times
        ([NIGHTLY | {"name": "at-night"}, people(schedule="at-night")], {}),
        ([WEEKLY | {"name": "nightly"}], {"people": WEEKLY | {"name": "nightly"}}),
    ],
)
def test_who_starts_at_other_times(wanted: list[Document], jobs: dict[str, Document | None]) -> None:
    found = rescheduled(edited(SCHEDULED, *wanted))
    assert found == {job: parse_object(document) if document else None for job, document in jobs.items()}


def test_a_deleted_job_starts_no_more() -> None:
    assert rescheduled(edited(SCHEDULED, delete=[("job", "people")])) == {"people": None}
    assert rescheduled(edited(SCHEDULED, delete=[("job", "others")])) == {}
    assert rescheduled(edited(SCHEDULED, prune=True)) == {"people": None}


@pytest.mark.parametrize(
    ("job", "documents", "found"),
    [
        ("people", SCHEDULED, NIGHTLY),
        ("others", SCHEDULED, None),
        ("nobody", SCHEDULED, None),
        ("people", catalogue(people(schedule="gone")), None),
    ],
)
def test_the_schedule_of_a_job(job: str, documents: Documents, found: Document | None) -> None:
    assert schedule_of(job, documents) == (parse_object(found) if found else None)
