"""What a run would do, from two sides to the last change: fakes at both ends, real spool and join between them."""

from itertools import permutations
from pathlib import Path

import pytest

from placet_shared.events import Counts
from placet_shared.objects.provider import DisableSettings
from placet_sync_worker.changes import Phase, Rejected
from placet_sync_worker.errors import (
    EmptySourceError,
    SpoolError,
    StoppedError,
    UnknownAttributeError,
    UnknownColumnError,
    UnusableJobError,
)
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.planner import plan_run
from placet_sync_worker.providers.ldap.errors import DirectoryBusyError
from placet_sync_worker.testing.destination import BASE, PEOPLE, FakeEntry
from placet_sync_worker.testing.links import FakeLinks
from placet_sync_worker.testing.scripts import NoScripts
from placet_sync_worker.testing.source import FakeSource
from tests.support.planning import FIELDS, Scene, person

ROOM = {"to": "roomNumber", "from": "room"}
BOSS = {"to": "manager", "from": "boss"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


# ---- the plain ways --------------------------------------------------------------------------------------------------


def test_an_empty_destination_is_a_first_run(scene: Scene) -> None:
    scene.rows = [person("2", "Bob", "Roe"), person("1", mail="ann@x")]
    plan = scene.plan()
    assert plan.ops() == [("create", "1"), ("create", "2")]
    assert plan.changes[0].dn == f"cn=Ann Low,{PEOPLE}"
    assert plan.counts == Counts(create=2)
    assert plan.by_attribute == {"objectClass": 2, "employeeNumber": 2, "cn": 2, "sn": 2, "mail": 1}
    assert plan.read == (2, 0)
    assert scene.store.queries[0] == ("(&(objectClass=inetOrgPerson)(employeeNumber=*))", PEOPLE)


def test_an_empty_source_ends_the_run_before_anything_is_planned(scene: Scene) -> None:
    scene.entry("a", "1")
    with pytest.raises(EmptySourceError, match="job people: hr has no records; a run would empty the destination"):
        scene.plan(extra="delete")


def test_what_is_hidden_ends_the_run_unless_it_is_a_password(scene: Scene) -> None:
    scene.rows, scene.store.unreadable = [person("1")], frozenset({"userPassword"})
    fields = [*FIELDS, {"to": "userPassword", "password": {}, "only_on_create": True}]
    assert scene.plan(fields=fields).ops() == [("create", "1")]
    scene.entry("a", "1")
    scene.store.unreadable = frozenset({"employeeNumber"})
    with pytest.raises(UnusableJobError, match=r"job people: employeeNumber cannot be .*; let the account read it$"):
        scene.plan()


def test_what_is_as_wanted_is_unchanged_and_gets_a_link(scene: Scene) -> None:
    scene.rows = [person("1"), person("2", "Bob", "Roe")]
    scene.entry("a", "1", mail="kept@x")
    scene.entry("b", "2", "Bob", "Roe")
    scene.links = {"b": "2"}
    plan = scene.plan()
    assert plan.ops() == []
    assert plan.counts == Counts(unchanged=2)
    assert plan.matches == {"a": "1"}


def test_updates_moves_and_creates_come_in_the_order_of_their_phases_and_keys(scene: Scene) -> None:
    scene.rows = [
        person("4", "Dee"),
        person("3", "Cyd", "Lee"),
        person("2", "Bob", "Roe", mail="b@x"),
        person("1", "New"),
    ]
    scene.entry("c", "3", "Cyd", "Low")
    scene.entry("b", "2", "Bob", "Roe")
    plan = scene.plan()
    assert plan.ops() == [("create", "1"), ("create", "4"), ("update", "2"), ("move", "3")]
    assert plan.counts == Counts(create=2, update=1, move=1)
    assert plan.changes[3].steps[0].target == f"cn=Cyd Lee,{PEOPLE}"


def test_a_key_that_differs_from_another_by_its_point_alone_is_created_and_told(scene: Scene) -> None:
    scene.rows = [person(key, f"P{n}") for n, key in enumerate(["1.0", "2.00", "2", "3.0", "4.5", "a5.0", "v"])]
    scene.entry("a", "1", "Ann")
    scene.links = {"a": "1"}
    plan = scene.plan()
    assert ("create", "1.0") in plan.ops()
    (warning,) = plan.warnings
    assert warning.startswith(
        "keys of new records differ from others by .0 alone (1.0: 1, 2.00: 2): if they are the same"
    )
    assert scene.plan(missing="skip").warnings == ()


def test_missing_entries_may_be_left_out(scene: Scene) -> None:
    scene.rows = [person("1")]
    plan = scene.plan(missing="skip")
    assert plan.ops() == []
    assert plan.counts == Counts()


def test_values_are_decoded_by_syntax_and_compared_as_sets(scene: Scene) -> None:
    scene.rows = [person("1", room="007", boss="CN=Zoe,dc=org", mail=["b", "a"])]
    scene.entry("a", "1", roomNumber="7", manager="cn=zoe, dc=org", mail=["a", "b"])
    assert scene.plan(fields=[*FIELDS, ROOM, BOSS]).counts == Counts(unchanged=1)


def test_case_is_a_change_unless_the_matching_rule_is_asked_for(scene: Scene) -> None:
    scene.rows = [person("1", mail="Ann@x")]
    scene.entry("a", "1", mail="ann@X")
    assert scene.plan().counts == Counts(update=1)
    loose = [*FIELDS[:3], {**FIELDS[3], "compare": "matching_rule"}]
    assert scene.plan(fields=loose).counts == Counts(unchanged=1)


def test_empty_values_are_kept_or_cleared(scene: Scene) -> None:
    scene.rows = [person("1", mail=None)]
    scene.entry("a", "1", mail="a@x")
    assert scene.plan().counts == Counts(unchanged=1)
    cleared = scene.plan(empty_values="clear")
    assert [(a.name, a.before, a.after) for a in cleared.changes[0].attributes] == [("mail", ("a@x",), ())]


def test_large_sets_come_in_steps_of_a_thousand(scene: Scene) -> None:
    scene.rows = [person("1", mail=[f"m{n}" for n in range(2500)])]
    scene.entry("a", "1", mail=[f"m{n}" for n in range(100, 200)])
    (change,) = scene.plan().changes
    assert [step.part for step in change.steps] == [(0, 1000), (1000, 2000), (2000, 2400)]


# ---- who belongs to whom ---------------------------------------------------------------------------------------------


def test_a_match_by_folding_alone_is_a_warning(scene: Scene) -> None:
    scene.rows = [person("a1"), person("b2", "Bob")]
    scene.entry("a", "A1")
    scene.entry("b", "b2", "Bob")
    plan = scene.plan(fields=FIELDS[1:])
    assert plan.counts == Counts(unchanged=2)
    assert plan.warnings == ("keys match only when case, spaces and accents are folded: a1",)


def test_records_with_one_key_are_all_rejected_and_their_entry_stays(scene: Scene) -> None:
    scene.rows = [person("x1"), person("X1", "Bob"), person("2", "Cyd")]
    scene.entry("a", "X1")
    scene.entry("b", "2", "Cyd")
    scene.links = {"a": "x1"}
    plan = scene.plan(extra="delete")
    assert plan.ops() == []
    assert plan.rejected == {
        "line 2": "the key stands in other records as well: line 3",
        "line 3": "the key stands in other records as well: line 2",
    }
    assert plan.counts == Counts(unchanged=1, rejected=2)


def test_two_entries_for_one_record_are_its_error_and_both_stay(scene: Scene) -> None:
    scene.rows = [person("1"), person("2", "Bob")]
    scene.entry("a", "1", "One")
    scene.entry("b", "1", "Two")
    scene.entry("c", "2", "Bob")
    scene.links = {"a": "1", "b": "1"}
    plan = scene.plan(extra="delete")
    assert plan.ops() == []
    assert plan.rejected == {"line 2": f"several entries have this key: cn=One Low,{PEOPLE}, cn=Two Low,{PEOPLE}"}


def test_two_records_for_one_entry_are_both_rejected(scene: Scene) -> None:
    scene.rows = [person("1", mail="a@x"), person("2", "Bob", mail="b@x")]
    scene.entry("a", "1", mail=["a@x", "b@x"])
    plan = scene.plan(key=[{"source": "mail", "destination": "mail"}], fields=FIELDS[:3])
    assert plan.ops() == []
    assert set(plan.rejected) == {"line 2", "line 3"}
    assert "has those of other records, too: line 3" in plan.rejected["line 2"]


def test_all_parts_of_a_key_must_match(scene: Scene) -> None:
    scene.rows = [person("1", region="eu"), person("1", "Bob", region="us")]
    scene.entry("a", "1", title="EU")
    key = [{"source": "id", "destination": "employeeNumber"}, {"source": "region", "destination": "title"}]
    plan = scene.plan(key=key)
    assert plan.ops() == [("create", "1, us")]
    assert plan.matches == {"a": "1, eu"}
    assert ("title", ("us",)) in [(a.name, a.after) for a in plan.changes[0].attributes]


def test_a_linked_entry_whose_key_was_edited_by_hand_is_still_the_records_own(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("a", "99")
    scene.links = {"a": "1"}
    plan = scene.plan(extra="delete")
    assert plan.ops() == [("update", "1")]
    assert [(a.name, a.before, a.after) for a in plan.changes[0].attributes] == [("employeeNumber", ("99",), ("1",))]
    assert plan.checks == (
        "the linked entries of 1 record have other keys by now (1: 99): see that they were not given to other people",
    )


def test_a_record_that_changed_its_key_keeps_its_linked_entry(scene: Scene) -> None:
    scene.rows = [person("12"), person("2", "Bob")]
    scene.entry("a", "7")
    scene.entry("b", "2", "Bob")
    scene.links = {"a": "7", "b": "2"}
    plan = scene.plan(extra="delete")
    assert plan.ops() == [("update", "12")]
    assert plan.matches == {"a": "12"}
    assert plan.counts == Counts(update=1, unchanged=1)
    assert plan.checks[0].startswith("1 record with another key than before, but the name and the values of a linked")
    assert "7 → 12" in plan.checks[0]


@pytest.mark.parametrize("difference", ["value", "unlinked", "known", "unreadable"])
def test_another_record_of_the_same_name_does_not_get_an_entry(scene: Scene, difference: str) -> None:
    scene.rows = [person("12", mail="other@x" if difference == "value" else "a@x")]
    scene.entry("a", "7", mail="a@x")
    scene.links = {} if difference == "unlinked" else {"a": "7"}
    if difference == "known":
        scene.rows.append(person("7", "Zoe"))
    if difference == "unreadable":
        scene.rows.append(person("", "Zoe"))
    plan = scene.plan()
    assert plan.rejected["line 2"].startswith("name still held by cn=Ann Low")
    assert "12" not in plan.matches.values()


# ---- what cannot be planned ------------------------------------------------------------------------------------------


def test_a_bad_record_is_named_and_the_others_go_on(scene: Scene) -> None:
    scene.rows = [
        person("1", "Ann", room="upstairs"),
        person("2", "Bob", "", room="1"),
        person("3", "Cyd", room=["1", "2"]),
        person("4", "Dee", mail=["d@x", "D@x"]),
        person("5", "Eve", mail="e\0"),
        person("6", "Fay"),
    ]
    plan = scene.plan(fields=[*FIELDS, ROOM])
    assert plan.ops() == [("create", "6")]
    assert [(r.record, r.key, r.attribute) for r in plan.every_rejected] == [
        ("line 2", "1", "roomNumber"),
        ("line 3", "2", "sn"),
        ("line 4", "3", "roomNumber"),
        ("line 5", "4", "mail"),
        ("line 6", "5", "mail"),
    ]
    assert plan.counts == Counts(create=1, rejected=5)


def test_what_only_new_entries_get_is_no_matter_to_those_that_are_there(scene: Scene) -> None:
    scene.rows = [person("1", room="upstairs"), person("2", "Bob", room="upstairs"), person("3", "Cyd", room="3")]
    scene.entry("a", "1")
    once = [*FIELDS, {**ROOM, "only_on_create": True}]
    plan = scene.plan(fields=once)
    assert plan.ops() == [("create", "3")]
    assert plan.counts == Counts(create=1, unchanged=1, rejected=1)
    assert [(r.record, r.key, r.attribute) for r in plan.every_rejected] == [("line 3", "2", "roomNumber")]


def test_a_name_that_two_records_want_is_nobodys(scene: Scene) -> None:
    scene.rows = [person("1"), person("2"), person("3", "Cyd")]
    plan = scene.plan()
    assert plan.ops() == [("create", "3")]
    assert plan.counts == Counts(create=1, rejected=2)
    assert plan.by_attribute == {"objectClass": 1, "employeeNumber": 1, "cn": 1, "sn": 1}
    assert plan.rejected["line 2"] == "name is wanted by line 3 (key 2) as well"


def test_a_name_that_a_removal_of_the_same_plan_frees_is_still_held(scene: Scene) -> None:
    scene.rows = [person("2", mail="new@x"), person("3", "Cyd")]
    scene.entry("a", "1", mail="old@x")
    scene.entry("c", "3", "Cyd")
    scene.links = {"a": "1"}
    plan = scene.plan(extra="delete")
    assert plan.ops() == [("delete", "1")]
    assert plan.rejected == {"line 2": f"name still held by cn=Ann Low,{PEOPLE} (key 1)"}
    assert f"new records want the names of entries that are to go (cn=Ann Low,{PEOPLE})" in plan.checks[0]


def test_an_extra_is_moved_under_its_own_name_once(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("a", "1")
    scene.entry("b", "2", "Bob")
    scene.store.put("c", f"cn=Cyd Low,ou=Gone,{PEOPLE}", employeeNumber="3", cn="Cyd Low", sn="Low")
    scene.links = {"a": "1", "b": "2", "c": "3"}
    plan = scene.plan(extra="move", move_to=f"ou=Gone,{PEOPLE}")
    (moved,) = plan.changes
    assert (moved.op, moved.key, moved.steps[0].target) == ("move", "2", f"cn=Bob Low,ou=Gone,{PEOPLE}")
    assert (plan.counts, plan.by_attribute) == (Counts(move=1, unchanged=1), {})
    assert {image.name for image in moved.image} == {"objectClass"}


def test_a_place_outside_of_the_store_is_no_place_to_move_to(scene: Scene) -> None:
    scene.rows = [person("1")]
    with pytest.raises(UnusableJobError, match="move_to: dc=elsewhere is no name below"):
        scene.plan(extra="move", move_to="dc=elsewhere")


def test_a_missing_place_to_move_to_ends_the_run_before_anything_is_planned(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.store.absent = frozenset({f"ou=Gone,{PEOPLE}"})
    with pytest.raises(UnusableJobError, match=f"move_to: ou=Gone,{PEOPLE} is missing; create it, or set"):
        scene.plan(extra="move", move_to=f"ou=Gone,{PEOPLE}")


def test_a_missing_place_is_made_before_what_is_moved_there(scene: Scene) -> None:
    gone, years = f"ou=Gone,{PEOPLE}", f"ou=2026,ou=Gone,{PEOPLE}"
    scene.rows = [person("1"), person("4", "Dee")]
    scene.store.absent = frozenset({gone, years})
    scene.entry("a", "1")
    scene.entry("b", "2", "Bob")
    scene.links = {"a": "1", "b": "2"}
    plan = scene.plan(extra="move", move_to=years, create_move_to=True)
    assert plan.ops() == [("create", gone), ("create", years), ("create", "4"), ("move", "2")]
    assert (plan.counts.create, plan.counts.move, plan.by_attribute["ou"]) == (3, 1, 2)
    place, _, _, moved = plan.changes
    assert [(a.name, a.after) for a in place.attributes] == [
        ("objectClass", ("organizationalUnit",)),
        ("ou", ("Gone",)),
    ]
    assert (place.container, place.record, place.steps[0].phase) == (True, None, Phase.CONTAINERS)
    assert (moved.needs, moved.steps[0].phase) == ((0, 1), Phase.DISABLE)
    scene.store.absent = frozenset({years})
    assert scene.plan(extra="move", move_to=years, create_move_to=True).changes[-1].needs == (0,)


def test_nothing_is_made_where_nobody_is_moved(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("a", "1")
    scene.store.absent = frozenset({f"ou=Gone,{PEOPLE}"})
    assert scene.plan(extra="move", move_to=f"ou=Gone,{PEOPLE}", create_move_to=True).ops() == []


def test_only_organizational_units_are_made(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.store.absent = frozenset({f"cn=Gone,{PEOPLE}"})
    with pytest.raises(UnusableJobError, match=f"move_to: cn=Gone,{PEOPLE} is missing and no organizational unit"):
        scene.plan(extra="move", move_to=f"cn=Gone,{PEOPLE}", create_move_to=True)


def test_photos_are_compared_and_planned_in_little_memory(scene: Scene) -> None:
    photos = [f"{number:0>60000}" for number in range(600)]
    scene.rows = [person(f"{n}", f"A{n}", mail=photo) for n, photo in enumerate(photos)]
    for n in range(300):
        scene.entry(f"id{n}", f"{n}", f"A{n}", mail=photos[n] if n else "another")
    plan = scene.plan(options=Options(memory_limit="32MB"))
    assert plan.counts == Counts(create=300, update=1, unchanged=299)
    (update,) = (change for change in plan.changes if change.op == "update")
    assert [(a.before, a.after) for a in update.attributes] == [(("another",), (photos[0],))]


def test_parts_of_a_key_never_run_together(scene: Scene) -> None:
    scene.rows = [person("Kim", last="Lee, Ann"), person("Kim, Lee", last="Ann")]
    scene.store.put("a", f"cn=a,{PEOPLE}", employeeNumber="Kim", cn="Ann Lee\\, Ann", sn="Lee, Ann")
    scene.links = {"a": "Kim, Lee\\, Ann"}
    keys = [{"source": "id", "destination": "employeeNumber"}, {"source": "last", "destination": "sn"}]
    plan = scene.plan(key=keys, fields=[{**one, "only_on_create": True} for one in FIELDS])
    assert plan.ops() == [("create", "Kim\\, Lee, Ann")]
    assert plan.checks == ()


def test_a_protected_entry_is_not_changed_either(scene: Scene) -> None:
    scene.rows = [person("1", mail="new@x")]
    scene.entry("a", "1", mail="old@x")
    scene.store.guarded = frozenset({f"cn=Ann Low,{PEOPLE}"})
    plan = scene.plan()
    assert (plan.ops(), plan.rejected) == ([], {"line 2": f"cn=Ann Low,{PEOPLE} is protected: no run may change it"})


def test_swapped_names_are_both_rejected_and_nothing_of_those_records_is_written(scene: Scene) -> None:
    scene.rows = [person("1", "Bob", mail="new@x"), person("2", "Ann")]
    scene.entry("a", "1", "Ann")
    scene.entry("b", "2", "Bob")
    plan = scene.plan()
    assert plan.ops() == []
    assert plan.counts == Counts(rejected=2)
    assert all("the two swap names" in reason for reason in plan.rejected.values())


def test_unique_attributes_are_looked_up_in_the_whole_store(scene: Scene) -> None:
    scene.rows = [person("1", mail="ann@x"), person("2", "Bob", mail="taken@x")]
    scene.store.put("z", f"cn=z,ou=Other,{BASE}", mail="TAKEN@x")
    plan = scene.plan(options=Options(unique=("mail",)))
    assert plan.ops() == [("create", "1")]
    assert plan.rejected == {"line 3": f"mail still held by cn=z,ou=Other,{BASE}"}


def test_a_unique_value_that_stays_where_it_is_is_no_collision(scene: Scene) -> None:
    scene.rows = [person("1", mail="ann@x", last="Lee")]
    scene.entry("a", "1", mail="ann@x")
    assert scene.plan(options=Options(unique=("mail",))).ops() == [("move", "1")]


# ---- extras ----------------------------------------------------------------------------------------------------------


def with_extras(scene: Scene) -> None:
    """One record with its entry, an extra entry that is linked and one that is not."""
    scene.rows = [person("1")]
    scene.entry("a", "1")
    scene.entry("b", "2", "Bob", title="Boss")
    scene.entry("c", "3", "Cyd")
    scene.links = {"a": "1", "b": "2"}


def test_extras_are_left_alone_unless_the_job_says_otherwise(scene: Scene) -> None:
    with_extras(scene)
    plan = scene.plan()
    assert plan.ops() == []
    assert plan.counts == Counts(unchanged=1, unlinked=1)


def test_only_linked_extras_are_removed_and_the_others_counted(scene: Scene) -> None:
    with_extras(scene)
    plan = scene.plan(extra="delete")
    assert plan.ops() == [("delete", "2")]
    assert plan.counts == Counts(delete=1, unchanged=1, unlinked=1)
    assert plan.by_attribute == {}


def test_a_removal_of_what_another_job_manages_too_is_looked_at_by_a_person(scene: Scene) -> None:
    scene.rows = [person("1")]
    for id_, key, name in (("a", "1", "Ann"), ("b", "2", "Bob"), ("c", "3", "Cyd")):
        scene.entry(id_, key, name)
    scene.links, scene.elsewhere = {"a": "1", "b": "2", "c": "3"}, {"a", "b"}
    for plan in (scene.plan(extra="delete"), scene.plan(extra="move", move_to=f"ou=Left,{BASE}")):
        assert [change.key for change in plan.changes] == ["2", "3"]
        (check,) = plan.checks
        assert check.startswith(f"other jobs manage entries that are to go, too (cn=Bob Low,{PEOPLE}): ")
    assert scene.plan(extra="skip").checks == ()


def test_all_extras_may_be_asked_for(scene: Scene) -> None:
    with_extras(scene)
    plan = scene.plan(extra="delete", extra_scope="all")
    assert plan.ops() == [("delete", "2"), ("delete", "3")]
    assert plan.counts == Counts(delete=2, unchanged=1)


def test_an_unlinked_entry_without_a_key_is_never_removed(scene: Scene) -> None:
    with_extras(scene)
    scene.store.put("d", f"cn=Robot,{PEOPLE}", cn="Robot")
    plan = scene.plan(extra="delete", extra_scope="all")
    assert ("delete", "Robot") not in plan.ops()
    assert plan.counts.unlinked == 1


def test_a_removal_shows_what_goes_with_the_groups_that_name_it(scene: Scene) -> None:
    with_extras(scene)
    scene.store.put("g", f"cn=Staff,ou=Groups,{BASE}", member=[f"cn=Bob Low,{PEOPLE}"])
    (change,) = scene.plan(extra="delete").changes
    assert [a.name for a in change.attributes if a.before] == ["employeeNumber", "cn", "sn"]
    assert {image.name: image.values for image in change.image} == {
        "objectClass": ("inetOrgPerson",),
        "title": ("Boss",),
        "memberOf": (f"cn=Staff,ou=Groups,{BASE}",),
    }


def test_moves_and_disablings_have_images_of_their_own_entries(scene: Scene) -> None:
    with_extras(scene)
    scene.rows = [person("1", "Ann", "Lee", mail=None), *(person(str(n), f"P{n}", "New") for n in range(10, 13))]
    for number in range(10, 13):
        scene.entry(f"id{number}", str(number), f"P{number}", title=f"T{number}")
    plan = scene.plan(extra="disable", options=Options(disable=DisableSettings(attribute="employeeType", value="off")))
    assert plan.ops() == [("move", "1"), ("move", "10"), ("move", "11"), ("move", "12"), ("disable", "2")]
    titles = [{image.name: image.values for image in change.image}.get("title") for change in plan.changes]
    assert titles == [None, ("T10",), ("T11",), ("T12",), ("Boss",)]


def test_what_is_disabled_already_is_not_disabled_again(scene: Scene) -> None:
    with_extras(scene)
    scene.entry("d", "4", "Dee", employeeType="off")
    scene.links["d"] = "4"
    options = Options(disable=DisableSettings(attribute="employeeType", value="off"))
    plan = scene.plan(extra="disable", options=options)
    assert plan.ops() == [("disable", "2")]


def test_protected_entries_stay_and_are_named(scene: Scene) -> None:
    with_extras(scene)
    scene.store.guarded = frozenset({f"cn=Bob Low,{PEOPLE}"})
    plan = scene.plan(extra="delete")
    assert plan.ops() == []
    assert plan.warnings == (f"left alone, since protected: cn=Bob Low,{PEOPLE}",)


def test_entries_outside_the_container_are_not_seen(scene: Scene) -> None:
    with_extras(scene)
    scene.store.put("o", f"cn=Out,ou=Other,{BASE}", employeeNumber="9", cn="Out", sn="Out")
    scene.links["o"] = "9"
    assert scene.plan(extra="delete").ops() == [("delete", "2")]


@pytest.mark.parametrize("how", ["bad value", "duplicate", "link of a bad record"])
def test_a_rejected_record_protects_its_entry(scene: Scene, how: str) -> None:
    with_extras(scene)
    bob = person("2", "Bob", room="upstairs")
    if how == "duplicate":
        scene.rows += [bob, bob]
    else:
        scene.rows.append(bob)
    if how == "link of a bad record":
        scene.store.entries[1] = FakeEntry("b", f"cn=Bob Low,{PEOPLE}", {"employeeNumber": ("77",)})
    plan = scene.plan(extra="delete", extra_scope="all", fields=[*FIELDS, ROOM])
    assert plan.ops() == [("delete", "3")]


@pytest.mark.parametrize("how", ["empty", "ragged", "several"])
def test_a_key_that_cannot_be_read_stops_all_removals_and_the_plan_says_so(scene: Scene, how: str) -> None:
    with_extras(scene)
    if how == "ragged":
        scene.broken = [Rejected("line 9", None, None, "has 1 cells where the first line has 3")]
    else:
        scene.rows.append({**person("", "Zoe"), "id": ["8", "9"] if how == "several" else None})
    options = Options(disable=DisableSettings(attribute="employeeType", value="off"))
    for extra in ("delete", "disable", "move"):
        place = f"ou=Left,{BASE}" if extra == "move" else None
        plan = scene.plan(extra_scope="all", options=options, extra=extra, move_to=place)
        assert plan.ops() == []
        line = "line 9" if how == "ragged" else "line 3"
        assert plan.warnings == (f"no key can be read of 1 record ({line}): nothing is removed",)
        assert list(plan.rejected) == [line]


def test_without_removals_an_unreadable_key_is_only_a_rejected_record(scene: Scene) -> None:
    scene.rows = [person("1"), person("", "Zoe")]
    plan = scene.plan()
    assert plan.ops() == [("create", "1")]
    assert plan.warnings == ()
    assert plan.every_rejected == (Rejected("line 3", None, "id", "the key id is empty"),)


def test_children_go_before_their_parents(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("a", "1")
    scene.store.put("p", f"cn=Parent,{PEOPLE}", employeeNumber="2")
    scene.store.put("k", f"cn=Child,cn=Parent,{PEOPLE}", employeeNumber="3")
    assert scene.plan(extra="delete", extra_scope="all").ops() == [("delete", "3"), ("delete", "2")]


# ---- single records, errors, order -----------------------------------------------------------------------------------


def test_a_run_for_some_records_plans_nothing_else(scene: Scene) -> None:
    with_extras(scene)
    scene.rows += [person("10", "Dee"), person("11", "Eve", ""), person("12", "Fay")]
    plan = scene.plan(extra="delete", extra_scope="all", options=Options(records=("10", "11", "it's gone")))
    assert plan.ops() == [("create", "10")]
    assert list(plan.rejected) == ["line 4"]
    assert plan.warnings == ("the source has no record with the key it's gone",)


def test_a_job_that_cannot_run_is_named(scene: Scene) -> None:
    scene.rows = [person("1")]
    with pytest.raises(UnknownAttributeError, match="job people: fields: the schema has no attribute nonsense"):
        scene.plan(fields=[*FIELDS, {"to": "nonsense", "static": "x"}])
    with pytest.raises(
        UnknownColumnError, match=r"job people: mail: the source has no column mial; did you mean mail\?"
    ):
        scene.plan(fields=[*FIELDS[:3], {"to": "mail", "from": "mial"}])


def test_a_read_that_breaks_off_plans_nothing(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("a", "1")
    scene.store.fails_after = 0
    with pytest.raises(DirectoryBusyError, match="job people: the connection was cut"):
        scene.plan()


def test_a_spool_that_cannot_be_written_is_one_sentence(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="job people: the work in progress cannot be kept in PLACET_SPOOL"):
        plan_run(
            scene.job(), FakeSource([person("1")]), scene.store, FakeLinks(), tmp_path / "gone", scripts=NoScripts()
        )


def test_planning_stops_when_it_is_asked_to(scene: Scene, tmp_path: Path) -> None:
    source = FakeSource([person("1")])
    with pytest.raises(StoppedError):
        plan_run(scene.job(), source, scene.store, FakeLinks(), tmp_path, scripts=NoScripts(), stopped=lambda: True)


def test_the_plan_does_not_depend_on_the_order_of_either_side(scene: Scene) -> None:
    people = [person("1", mail="new"), person("2", "Bob", "Roe"), person("3", "Cyd"), person("3", "Dup")]
    with_extras(scene)
    entries, plans = list(scene.store.entries), []
    for order in permutations(range(3)):
        scene.rows = [people[n] for n in order] + [people[3]]
        scene.store.entries = [entries[n] for n in order]
        plans.append(scene.plan(extra="delete").changes)
    assert all(plan == plans[0] for plan in plans)


def test_many_pages_of_both_sides_are_one_plan(scene: Scene) -> None:
    scene.rows = [person(str(n), f"P{n}", mail="new" if n % 10 == 0 else None) for n in range(3500)]
    for number in range(500, 4000):
        scene.entry(f"id{number}", str(number), f"P{number}")
        scene.links[f"id{number}"] = str(number)
    plan = scene.plan(extra="delete")
    assert plan.counts == Counts(create=500, update=300, delete=500, unchanged=2700)
    assert len({change.key for change in plan.changes}) == 1300
