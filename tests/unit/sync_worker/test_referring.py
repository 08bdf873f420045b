"""References as they are written, loops among them, and what follows when entries go."""

import json
from functools import partial

import pytest
from msgspec.structs import replace

from placet_sync_worker.applying.referring import ids_of, resolved
from placet_sync_worker.changes import AttributeChange, Change, Phase, Reference, Result, Step
from placet_sync_worker.plan import canonical, parse_change
from placet_sync_worker.planning.carrying import Carrying
from placet_sync_worker.planning.loops import loops_of
from placet_sync_worker.planning.referrers import Following, Going, Referrer
from placet_sync_worker.providers.active_directory.values import fold as ad_fold
from placet_sync_worker.providers.ldap.names import dn_key
from placet_sync_worker.tasks import Outcome, Task
from placet_sync_worker.testing.destination import FakeDestination

ANN, BOB, CY = "cn=Ann,dc=x", "cn=Bob,dc=x", "cn=Cy,dc=x"
BY_ID, BY_KEY = Reference(BOB, id="b"), Reference(CY, key="3")


def a_task(*references: Reference, before: tuple[str, ...] = (), after: tuple[str, ...] = (), **more: object) -> Task:
    member = AttributeChange("member", before, after or tuple(one.dn for one in references), references=references)
    change = Change("g", "update", "cn=g", (member,), (Step("modify", Phase.REFERENCES, None, ("member",)),), "g", "v1")
    return replace(Task(0, 0, change, False, "v1", "cn=g"), **more)


def values(task: Task | Outcome) -> tuple[tuple[str, ...], tuple[str, ...]]:
    assert isinstance(task, Task)
    return task.change.attributes[0].before, task.change.attributes[0].after


def test_a_change_keeps_its_references_in_its_document_and_has_no_word_of_none() -> None:
    change = a_task(BY_ID, BY_KEY).change
    assert json.loads(canonical(change))["attributes"] == [
        {"name": "member", "before": [], "after": [BOB, CY],
         "references": [{"dn": BOB, "id": "b"}, {"dn": CY, "key": "3"}]}
    ]  # fmt: skip
    assert parse_change(canonical(change)) == change
    assert canonical(AttributeChange("sn", (), ("Low",))) == b'{"after":["Low"],"before":[],"name":"sn"}'


def test_names_are_those_of_now() -> None:
    task = a_task(BY_ID, BY_KEY, made={"3": Outcome(Result.APPLIED, entry_id="c")})
    assert ids_of([task]) == ["b", "c"]
    places = {"b": "cn=Robert,dc=x", "c": CY}
    assert values(resolved(task, places, dn_key, kept=False)) == ((), ("cn=Robert,dc=x", CY))


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        ({}, Outcome(Result.SKIPPED, "depends on the create of 3, which is skipped")),
        ({"3": Outcome(None)}, Outcome(None, "waits for the create of 3")),
        ({"3": Outcome(Result.CONFLICT)}, Outcome(Result.SKIPPED, "depends on the create of 3, which is conflict")),
        ({"3": Outcome(Result.APPLIED, entry_id="c")}, Outcome(Result.SKIPPED, f"depends on {CY}, which is gone")),
    ],
)
def test_what_is_not_there_yet_or_any_more_is_no_reference(made: dict[str, Outcome], outcome: Outcome) -> None:
    assert resolved(a_task(BY_KEY, made=made), {}, dn_key, kept=False) == outcome


def test_old_values_are_called_by_their_new_names_where_the_server_changes_them() -> None:
    task = a_task(BY_ID, before=(ANN, BOB), after=(ANN,))
    assert values(resolved(task, {"b": "cn=Robert,dc=x"}, dn_key, kept=True)) == ((ANN, "cn=Robert,dc=x"), (ANN,))
    assert values(resolved(task, {}, dn_key, kept=True)) == ((ANN,), (ANN,))


def test_elsewhere_a_value_goes_when_what_it_means_is_gone() -> None:
    task = a_task(BY_ID, before=(ANN, BOB), after=(ANN,))
    assert values(resolved(task, {}, dn_key, kept=False)) == ((ANN, BOB), (ANN,))
    assert resolved(task, {"b": BOB}, dn_key, kept=False) == Outcome(
        Result.SKIPPED, f"depends on the change of {BOB}, which was not made"
    )


def test_a_new_entry_has_until_the_end_what_it_was_made_with_whoever_was_renamed_before() -> None:
    robert, away = "cn=Robert,dc=x", "cn=Cy,ou=Left,dc=x"
    made_with, then = (robert, CY), (robert, away)
    task = a_task(Reference(robert, id="b"), Reference(away, id="c"), before=made_with, after=then)
    task = replace(task, change=replace(task.change, op="create"))
    places = {"b": robert, "c": away}
    assert values(resolved(task, places, dn_key, kept=False)) == (made_with, then)
    assert values(resolved(task, places | {"b": BOB}, dn_key, kept=False)) == ((BOB, CY), (BOB, away))
    assert isinstance(resolved(task, {"b": BOB, "c": CY}, dn_key, kept=False), Outcome)


def test_names_are_the_same_by_the_rules_of_the_store() -> None:
    jose, written = "cn=Jos\u00e9,dc=x", "CN=Jose,DC=x"
    task = a_task(Reference("cn=Joe,dc=x", id="b"), before=(jose,))
    skipped = Outcome(Result.SKIPPED, "depends on the change of cn=Joe,dc=x, which was not made")
    assert resolved(task, {"b": written}, partial(dn_key, folding=ad_fold), kept=False) == skipped
    assert values(resolved(task, {"b": written}, dn_key, kept=False))[1] == (written,)


def test_loops_are_found_each_once() -> None:
    assert list(loops_of({1: [2], 2: [3], 3: []})) == []
    assert list(loops_of({1: [2, 9], 2: [3], 3: [1], 4: [1], 5: [5], 6: [7]})) == [(1, 2, 3), (5,)]
    assert list(loops_of({1: [2], 2: [1, 3], 3: [4], 4: [3]})) == [(1, 2), (3, 4)]


def following(*going: Going, kept: bool = False) -> Following:
    return Following(going, dn_key, FakeDestination().attribute, kept)


RENAMED = Going("b", BOB, "cn=Bob Low,dc=x", Phase.UPDATE)
DELETED = Going("c", CY, None, Phase.DELETE)


def test_values_follow_at_the_end_and_say_whom_they_mean() -> None:
    referrer = Referrer("g", "v1", "cn=g", {"member": (ANN, "CN=bob, DC=x", CY)})
    change = following(RENAMED, DELETED).own_change(referrer)
    (member,) = change.attributes
    assert member.after == (ANN, "cn=Bob Low,dc=x")
    assert member.references == (Reference("cn=Bob Low,dc=x", id="b"), Reference(CY, id="c"))
    assert change.steps == (Step("modify", Phase.REFERRERS, None, ("member",)),)
    assert (change.op, change.key, change.id, change.version) == ("update", "cn=g", "g", "v1")


def test_what_follows_is_a_part_of_the_change_of_an_entry_that_has_one() -> None:
    title, steps = AttributeChange("title", (), ("Dr",)), (Step("modify", Phase.UPDATE, None, ("title",)),)
    change = Change("1", "update", ANN, (title,), steps, "a", "v1")
    whole = following(RENAMED).change(change, Referrer("a", "v2", ANN, {"manager": (BOB,)}))
    assert [(a.name, a.after) for a in whole.attributes] == [("title", ("Dr",)), ("manager", ("cn=Bob Low,dc=x",))]
    assert whole.steps == (*steps, Step("modify", Phase.REFERRERS, None, ("manager",)))
    assert following(RENAMED).change(change) == change


def test_a_new_reference_to_what_is_moved_away_is_written_when_it_was() -> None:
    change = a_task(BY_ID).change
    whole = following(RENAMED).change(change)
    assert whole.attributes[0].after == ("cn=Bob Low,dc=x",)
    assert whole.steps == (Step("modify", Phase.REFERRERS, None, ("member",)),)


def made_with(phase: Phase, *references: Reference) -> Change:
    """A new group that needs its members."""
    member = AttributeChange("member", (), (ANN, BOB), references=references)
    return Change("g", "create", "cn=g", (member,), (Step("add", phase, attributes=("member",)),))


def test_what_an_entry_is_made_with_before_a_move_is_put_right_after_it() -> None:
    for references in ((BY_ID,), ()):
        whole = following(RENAMED).change(made_with(Phase.CREATE, *references))
        (member,) = whole.attributes
        assert (member.before, member.after) == ((ANN, BOB), (ANN, "cn=Bob Low,dc=x"))
        assert [(step.what, step.phase) for step in whole.steps] == [("add", Phase.CREATE), ("modify", Phase.REFERRERS)]
        assert [step.attributes for step in whole.steps] == [("member",), ("member",)]


def test_what_an_entry_is_made_with_after_a_move_is_right() -> None:
    change = made_with(Phase.REFERENCES, BY_ID)
    whole = following(RENAMED).change(change)
    assert (whole.attributes[0].before, whole.attributes[0].after) == ((), (ANN, "cn=Bob Low,dc=x"))
    assert whole.steps == change.steps


def test_a_new_entry_has_old_names_until_others_have_their_new_ones() -> None:
    change = following(RENAMED).change(made_with(Phase.CREATE, Reference(ANN, id="a"), BY_ID))
    add = Task(0, 0, change, False, None, "cn=g")
    modify = replace(add, position=1)
    before, after = {"a": ANN, "b": BOB}, {"a": ANN, "b": "cn=Bob Low,dc=x"}
    assert values(resolved(add, before, dn_key, kept=False)) == ((), (ANN, BOB))
    assert values(resolved(modify, after, dn_key, kept=False)) == ((ANN, BOB), (ANN, "cn=Bob Low,dc=x"))
    assert resolved(modify, before, dn_key, kept=False) == Outcome(
        Result.SKIPPED, "depends on the change of cn=Bob Low,dc=x, which was not made"
    )


def test_what_stands_below_a_renamed_unit_is_carried_along() -> None:
    naming = FakeDestination().naming
    units = [
        Going("s", "ou=Sales,dc=x", "ou=Trade,dc=x", Phase.UPDATE),
        Going("e", "ou=East,OU=Sales, DC=x", "ou=Ost,ou=Sales,dc=x", Phase.DISABLE),
    ]
    carrying = Carrying(units, naming)
    bob = carrying.carried("b", "cn=Bob\\, Low,ou=Deep,ou=sales,dc=x")
    assert bob == Going("b", "cn=Bob\\, Low,ou=Deep,ou=sales,dc=x", "cn=Bob\\, Low,ou=Deep,ou=Trade,dc=x", Phase.UPDATE)
    cy = carrying.carried("c", "cn=Cy,ou=East,ou=Sales,dc=x")
    assert cy is not None
    assert (cy.then, cy.phase) == ("cn=Cy,ou=Ost,ou=Sales,dc=x", Phase.DISABLE)
    others = ["ou=Sales,dc=x", "dc=x", "cn=Di,ou=Wholesales,dc=x", "nobody", "wrong=x,ou=Sales,dc=x"]
    assert [carrying.carried("o", one) for one in others] == [None] * len(others)
    assert [one.id for one in carrying.outermost()] == ["s"]
    assert not any(Carrying([], naming).named_among([bob.dn]))


def test_who_is_carried_along_stands_there_when_its_values_follow() -> None:
    carried = Going("g", "cn=g,ou=Sales,dc=x", "cn=g,ou=Trade,dc=x", Phase.UPDATE)
    change = following(RENAMED, carried).own_change(Referrer("g", "v1", carried.dn, {"member": (BOB,)}))
    assert (change.key, change.dn) == ("cn=g,ou=Sales,dc=x", "cn=g,ou=Trade,dc=x")


def test_where_the_server_changes_references_the_plan_only_says_whom_they_mean() -> None:
    manager = AttributeChange("manager", (BOB,), (ANN,))
    change = Change("1", "update", ANN, (manager,), (Step("modify", Phase.UPDATE, None, ("manager",)),), "a", "v1")
    noted = following(RENAMED, kept=True).change(change)
    assert noted == replace(change, attributes=(replace(manager, references=(BY_ID,)),))
