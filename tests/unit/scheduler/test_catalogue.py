"""What saving a set of objects means, before anything is saved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet_scheduler.catalogue import Edit, document_of
from placet_scheduler.references import Document, Documents, Key
from placet_shared.objects import parse_object
from tests.support.catalogue import catalogue, edited
from tests.support.scheduler import NIGHTLY, TWO_EYES, people
from tests.support.signing import CORP, HR

EVERYTHING = (HR, CORP, NIGHTLY, TWO_EYES, people(workflow="two-eyes", schedule="nightly"))


def verdicts(edit: Edit) -> dict[str, str]:
    return {f"{kind}/{name}": saving.verdict for saving in edit.savings for kind, name in [saving.key]}


@pytest.mark.parametrize("document", EVERYTHING, ids=lambda document: str(document["kind"]))
def test_a_document_is_what_a_person_wrote(document: Document) -> None:
    assert document_of(parse_object(document)) == document


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (people(missing="create", extra="skip", workflow=None), people()),
        (people(limits={"delete": "5%"}), people()),
        (people(limits={"delete": None}), people(limits={"delete": None})),
        (people(give_up_after="1800s"), people()),
        (people(give_up_after="3600s"), people(give_up_after="1h")),
        (people(notify={"enabled": True, "to": ["a@b"]}), people(notify={"to": ["a@b"]})),
        (HR | {"trim": True, "encoding": "latin-1"}, HR | {"encoding": "latin-1"}),
        (NIGHTLY | {"time_zone": "UTC"}, NIGHTLY),
    ],
)
def test_what_is_usual_is_not_kept_so_that_writing_it_changes_nothing(written: Document, kept: Document) -> None:
    assert document_of(parse_object(written)) == kept
    assert verdicts(edited(catalogue(kept), written)) == {f"{kept['kind']}/{kept['name']}": "unchanged"}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((), HR, "created"),
        ((HR,), HR, "unchanged"),
        ((HR,), HR | {"path": "other.csv"}, "updated"),
        ((HR | {"encoding": "latin-1"},), HR, "updated"),
        ((HR,), HR | {"name": "payroll"}, "created"),
        ((HR | {"name": "people"},), people(), "created"),
        ((people(fields=[{"to": "sn", "from": "a"}, {"to": "cn", "from": "b"}]),),
         people(fields=[{"to": "cn", "from": "b"}, {"to": "sn", "from": "a"}]), "updated"),
    ],
)  # fmt: skip
def test_verdicts(before: tuple[Document, ...], after: Document, verdict: str) -> None:
    edit = edited(catalogue(*before), after)
    assert verdicts(edit) == {f"{after['kind']}/{after['name']}": verdict}
    assert edit.changed == ({(after["kind"], after["name"])} if verdict != "unchanged" else set())
    assert edit.after == {**catalogue(*before), **catalogue(after)}


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ((), HR, ()),
        ((HR,), HR, ()),
        ((HR | {"encoding": "latin-1"},), HR | {"path": "other.csv"}, ("path", "encoding")),
    ],
)
def test_the_fields_that_are_other_are_named(before: tuple[Document, ...], after: Document, fields: tuple[str]) -> None:
    edit = edited(catalogue(*before), after)
    assert [edit.changed_fields(saving) for saving in edit.savings] == [fields]


def test_a_deleted_object_has_no_other_fields() -> None:
    edit = edited(catalogue(HR), prune=True)
    assert [edit.changed_fields(saving) for saving in edit.savings] == [()]


def test_what_is_not_named_stays() -> None:
    edit = edited(catalogue(*EVERYTHING), HR | {"path": "other.csv"})
    assert verdicts(edit) == {"provider/hr": "updated"}
    assert edit.after == {**catalogue(*EVERYTHING), ("provider", "hr"): HR | {"path": "other.csv"}}
    assert edit.deleted == []


def test_pruning_deletes_what_is_not_named() -> None:
    edit = edited(catalogue(*EVERYTHING), HR, CORP, people(), prune=True)
    assert verdicts(edit) == {
        "provider/hr": "unchanged", "provider/corp": "unchanged", "job/people": "updated",
        "schedule/nightly": "deleted", "workflow/two-eyes": "deleted",
    }  # fmt: skip
    assert edit.after == catalogue(HR, CORP, people())
    assert edit.deleted == [("schedule", "nightly"), ("workflow", "two-eyes")]


def test_deleting_names_one_object() -> None:
    edit = edited(catalogue(*EVERYTHING), delete=[("job", "people")])
    assert verdicts(edit) == {"job/people": "deleted"}
    assert edit.after == catalogue(HR, CORP, NIGHTLY, TWO_EYES)
    (saving,) = edit.savings
    assert saving.document is None


def test_results_come_in_the_order_in_which_objects_were_given_then_what_was_pruned() -> None:
    edit = edited(catalogue(HR, NIGHTLY), people(), CORP, HR, prune=True)
    assert list(verdicts(edit)) == ["job/people", "provider/corp", "provider/hr", "schedule/nightly"]


# ---- whatever is edited ----------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
KEYS: tuple[Key, ...] = tuple(("provider", name) for name in NAMES)
paths = st.sampled_from(["one.csv", "two.csv"])
catalogues = st.dictionaries(st.sampled_from(KEYS), paths).map(
    lambda found: {key: HR | {"name": key[1], "path": path} for key, path in found.items()}
)


@given(catalogues, catalogues, st.booleans())
def test_the_set_is_what_is_there_afterwards(before: Documents, wanted: Documents, prune: bool) -> None:
    edit = edited(before, *wanted.values(), prune=prune)
    assert edit.after == (wanted if prune else {**before, **wanted})
    assert edit.changed == {key for key in KEYS if before.get(key) != edit.after.get(key)}
    assert set(edit.deleted) == before.keys() - edit.after.keys()
    assert len({saving.key for saving in edit.savings}) == len(edit.savings)


@given(catalogues, catalogues, st.booleans())
def test_a_set_that_comes_again_changes_nothing(before: Documents, wanted: Documents, prune: bool) -> None:
    once = edited(before, *wanted.values(), prune=prune)
    again = edited(once.after, *wanted.values(), prune=prune)
    assert (again.changed, again.after) == (set(), once.after)
