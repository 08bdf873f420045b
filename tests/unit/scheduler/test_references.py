"""What objects refer to, and whether all of it holds after an edit."""

from typing import Any

import pytest

from placet_scheduler.errors import DanglingReferenceError, StillNeededError
from placet_scheduler.references import Document, Key, check_references, own_workflow, references
from tests.support.catalogue import catalogue
from tests.support.scheduler import NIGHTLY, TWO_EYES, corp, people
from tests.support.signing import CORP, HR

DEFAULT = TWO_EYES | {"name": "default"}
FULL = people(workflow="two-eyes", schedule="nightly")
BOTH_PROVIDERS: list[Key] = [("provider", "hr"), ("provider", "corp")]


@pytest.mark.parametrize(
    ("document", "keys"),
    [
        (people(), [*BOTH_PROVIDERS, ("workflow", "default")]),
        (people(workflow="none"), [*BOTH_PROVIDERS, ("workflow", "default")]),
        (people(workflow="default"), [*BOTH_PROVIDERS, ("workflow", "default")]),
        (FULL, [*BOTH_PROVIDERS, ("workflow", "two-eyes"), ("schedule", "nightly")]),
        (people(schedule=None, workflow=None), [*BOTH_PROVIDERS, ("workflow", "default")]),
        *((one, []) for one in (HR, CORP, NIGHTLY, TWO_EYES)),
    ],
)
def test_what_an_object_refers_to(document: Document, keys: list[Key]) -> None:
    assert references(document) == keys


@pytest.mark.parametrize(
    ("named", "own"), [(None, None), ("none", None), ("default", "default"), ("two-eyes", "two-eyes")]
)
def test_a_workflow_of_its_own(named: str | None, own: str | None) -> None:
    assert own_workflow(people(workflow=named)) == own
    assert own_workflow(people()) is None


# ---- what holds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "documents",
    [
        (),
        (HR,),
        (HR, CORP, people()),
        (HR, CORP, people(workflow="none")),
        (HR, CORP, DEFAULT, people()),
        (HR, CORP, DEFAULT, people(workflow="default")),
        (HR, CORP, NIGHTLY, TWO_EYES, FULL),
        (CORP, people(source={"provider": "corp"})),
        (HR, corp(disable={"attribute": "employeeType", "value": "off"}), people(extra="disable")),
    ],
)
def test_a_catalogue_that_is_whole(documents: tuple[Document, ...]) -> None:
    after = catalogue(*documents)
    check_references(after, set(after), [])


@pytest.mark.parametrize(
    ("documents", "field", "sentence"),
    [
        ((CORP, people()), "source.provider", "there is no provider named hr; apply it too"),
        ((HR, people()), "destination.provider", "there is no provider named corp; apply it too"),
        ((HR, CORP, people(workflow="two-eyes")), "workflow", "there is no workflow named two-eyes; apply it too"),
        ((HR, CORP, people(workflow="default")), "workflow", "there is no workflow named default; apply it too"),
        ((HR, CORP, people(schedule="nightly")), "schedule", "there is no schedule named nightly; apply it too"),
        (
            (HR, CORP, TWO_EYES | {"name": "nightly"}, people(schedule="nightly")),
            "schedule",
            "no schedule named nightly",
        ),
        (
            (
                HR,
                {"kind": "provider", "name": "old", "type": "excel", "path": "o.xls"},
                people(destination={"provider": "old"}),
            ),
            "destination.provider",
            "old is a source alone: only a workbook of the kind .xlsx can be written; save it as one",
        ),
        (
            (HR, CORP, people(extra="disable")),
            "extra",
            "provider corp does not say how an entry is disabled; give it disable: {attribute: …, value: …}",
        ),
    ],
)
def test_a_job_that_does_not_find_what_it_needs(documents: tuple[Document, ...], field: str, sentence: str) -> None:
    after = catalogue(*documents)
    with pytest.raises(DanglingReferenceError) as caught:
        check_references(after, {("job", "people")}, [])
    assert caught.value.field == field
    assert str(caught.value).startswith(f"job people: {field}: ")
    assert sentence in str(caught.value)


def test_the_word_none_is_no_name_for_a_workflow() -> None:
    after = catalogue(TWO_EYES | {"name": "none"})
    with pytest.raises(DanglingReferenceError, match="choose another name") as caught:
        check_references(after, set(after), [])
    assert caught.value.field == "name"
    check_references({}, {("workflow", "none")}, [("workflow", "none")])


WITHOUT_DISABLE = (HR, CORP, people(extra="disable"))


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({("provider", "corp")}, True),
        ({("job", "people")}, True),
        ({("provider", "hr")}, True),
        ({("job", "others")}, False),
        (set(), False),
    ],
)
def test_jobs_that_the_edit_touches_are_checked_and_the_others_left_alone(changed: set[Key], refused: bool) -> None:
    """An old mistake, or a rule that came later, does not hinder an edit of something else."""
    after = catalogue(*WITHOUT_DISABLE, people(name="others"))
    if refused:
        with pytest.raises(DanglingReferenceError, match="job people: extra"):
            check_references(after, changed, [])
    else:
        check_references(after, changed, [])


# ---- what is still needed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gone", "left", "users"),
    [
        (HR, (CORP, people()), "people"),
        (CORP, (HR, people()), "people"),
        (NIGHTLY, (HR, CORP, people(schedule="nightly"), people(name="others", schedule="nightly")), "others, people"),
        (TWO_EYES, (HR, CORP, people(workflow="two-eyes")), "people"),
        (DEFAULT, (HR, CORP, people(workflow="default"), people(name="implied")), "people"),
    ],
)
def test_what_a_job_names_may_not_go(gone: Document, left: tuple[Document, ...], users: str) -> None:
    key = gone["kind"], gone["name"]
    with pytest.raises(StillNeededError) as caught:
        check_references(catalogue(*left), {key}, [key])
    assert str(caught.value) == f"{key[0]} {key[1]} is still used by job {users}; change or delete it first"


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        (HR, ()),
        (HR, (CORP, people(source={"provider": "corp"}))),
        (NIGHTLY, (HR, CORP, people())),
        (TWO_EYES, (HR, CORP, people(workflow="none"))),
        (DEFAULT, (HR, CORP, people(), people(name="free", workflow="none"))),
        (people(), (HR, CORP)),
    ],
)
def test_what_no_job_names_may_go(gone: Document, left: tuple[Document, ...]) -> None:
    key: Any = gone["kind"], gone["name"]
    check_references(catalogue(*left), {key}, [key])
