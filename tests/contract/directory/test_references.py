"""References are planned by whom they mean, and written under the name that it has then."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from placet_sync_worker.changes import Phase
from placet_sync_worker.plan import canonical
from placet_sync_worker.ports import Modification, Operation
from tests.support.directories import GROUPS, World, person, write
from tests.support.planning import Row
from tests.support.references import GROUPED, PERSONS, Sync, dn, group, of, row
from tests.support.slapd import PEOPLE


@pytest.fixture
def sync(world: World, tmp_path: Path) -> Sync:
    return Sync(world, tmp_path)


def test_a_manager_who_is_there_already(sync: Sync) -> None:
    write(sync.world, person("Boss", employeeNumber="B 7"))
    rows = [row("1", "Ann", "b  7"), row("2", "Bob")]
    assert sync.run(rows) == ["create 1: applied", "create 2: applied"]
    assert sync.value("manager", dn("Ann")) == [dn("Boss")]
    assert sync.run(rows) == []
    assert sync.run([row("1", "Ann"), row("2", "Bob")]) == []
    assert sync.run([row("1", "Ann"), row("2", "Bob")], empty_values="clear") == ["update 1: applied"]
    assert sync.value("manager", dn("Ann")) == []


def test_managers_who_are_made_by_the_same_run_also_of_each_other(sync: Sync) -> None:
    rows = [row("1", "Ann", "3"), row("2", "Bob", "1"), row("3", "Cy", "2"), row("4", "Di", "4")]
    assert sync.run(rows) == [f"create {n}: applied" for n in (1, 2, 3, 4)]
    assert [sync.value("manager", dn(name)) for name in ("Ann", "Bob", "Cy", "Di")] == [
        [dn("Cy")], [dn("Ann")], [dn("Bob")], [dn("Di")],
    ]  # fmt: skip
    assert sync.run(rows) == []


def test_references_follow_when_all_others_have_their_names(sync: Sync) -> None:
    sync.run([row("1", "Ann")])
    sync.plan([row("1", "Ann Low", "2", title="Dr"), row("2", "Bob")])
    assert [[(step.what, step.phase) for step in change.steps] for change in sync.changes] == [
        [("add", Phase.CREATE)],
        [("rename", Phase.UPDATE), ("modify", Phase.UPDATE), ("modify", Phase.REFERENCES)],
    ]
    (manager,) = (json.loads(canonical(a)) for a in sync.changes[1].attributes if a.name == "manager")
    assert manager == {
        "name": "manager", "before": [], "after": [dn("Bob")], "references": [{"dn": dn("Bob"), "key": "2"}],
    }  # fmt: skip


def test_who_refers_to_nobody_or_to_several_is_rejected_and_so_is_who_refers_to_that_record(sync: Sync) -> None:
    write(
        sync.world, person("One", employeeNumber="9"), replace(person("Two", employeeNumber="9"), dn=f"cn=Two,{GROUPS}")
    )
    rows = [row("1", "Ann", "17"), row("2", "Bob", "1"), row("3", "Cy", "9"), row("4", "Di", "5"), row("5", "")]
    assert sync.run(rows) == [
        "1: manager: no entry has employeeNumber 17",
        "2: manager: the record that has employeeNumber 1 (line 2) gets no entry",
        f"3: manager: several have employeeNumber 9: cn=One,{PEOPLE}, cn=Two,{GROUPS}",
        "4: manager: the record that has employeeNumber 5 (line 6) gets no entry",
        "5: user needs cn, and the record gives no value for it",
    ]


def test_a_manager_who_was_renamed_by_hand_after_the_plan_is_still_meant(sync: Sync) -> None:
    write(sync.world, person("Boss", employeeNumber="7"))
    sync.plan([row("1", "Ann", "7")])
    write(sync.world, Operation("rename", dn("Boss"), new_rdn="cn=Chief"))
    write(sync.world, person("Boss", employeeNumber="8"))
    assert sync.apply() == ["create 1: applied"]
    assert sync.value("manager", dn("Ann")) == [dn("Chief")]


def test_a_manager_who_is_gone_or_was_not_made_is_waited_for_by_the_next_run(sync: Sync) -> None:
    write(sync.world, person("Boss", employeeNumber="7"))
    sync.plan([row("1", "Ann", "7"), row("2", "Bob", "3"), row("3", "Cy")])
    write(sync.world, Operation("delete", dn("Boss")), person("Other", employeeNumber="3"))
    write(sync.world, person("Boss", employeeNumber="99"))
    assert sync.apply() == [
        f"create 1: skipped (depends on {dn('Boss')}, which is gone)",
        "create 2: skipped (depends on the create of 3, which is conflict)",
        f"create 3: conflict (an entry with this key is there already: {dn('Other')})",
    ]
    assert sync.value("manager", dn("Ann")) == []
    again = sync.run([row("1", "Ann"), row("2", "Bob", "3"), row("3", "Other")])
    assert again == ["update 2: applied", "update 3: applied"]


def test_a_step_that_was_sent_without_an_answer_is_not_sent_again(sync: Sync) -> None:
    write(sync.world, person("Boss", employeeNumber="7"))
    sync.run([row("1", "Ann")])
    sync.plan([row("1", "Ann", "7")])
    sync.apply()
    before = len(sync.world.writes())
    assert sync.apply() == ["update 1: already_applied"]
    assert len(sync.world.writes()) == before


def test_groups_get_members_as_values_to_add_and_to_remove(sync: Sync) -> None:
    sync.run([row("1", "Ann"), row("2", "Bob"), row("3", "Cy")])
    assert sync.run([{"id": "g", "members": "Ann; Bob ;ann"}], GROUPED) == ["create g: applied"]
    assert sync.value("member", f"cn=g,{GROUPS}") == [dn("Ann"), dn("Bob")]
    assert sync.run([{"id": "g", "members": "BOB;Ann"}], GROUPED) == []
    assert sync.run([{"id": "g", "members": "Bob;Cy"}], GROUPED) == ["update g: applied"]
    assert sync.value("member", f"cn=g,{GROUPS}") == [dn("Bob"), dn("Cy")]
    (member,) = sync.changes[0].attributes
    assert (member.add, member.remove) == ((dn("Cy"),), (dn("Ann"),))
    assert sync.run([{"id": "g", "members": "Bob;Nobody"}], GROUPED) == ["g: member: no entry has cn Nobody"]


def test_groups_in_groups_are_made_whichever_comes_first(sync: Sync) -> None:
    sync.run([row("1", "Ann")])
    rows: list[Row] = [{"id": "a", "members": "b;Ann"}, {"id": "b", "members": "c"}, {"id": "c", "members": "Ann"}]
    assert sync.run(rows, GROUPED) == ["create a: applied", "create b: applied", "create c: applied"]
    assert sync.value("member", f"cn=a,{GROUPS}") == [f"cn=Ann,{PEOPLE}", f"cn=b,{GROUPS}"]
    assert sync.run(rows, GROUPED) == []


def test_groups_that_need_each_other_are_named(sync: Sync) -> None:
    sync.run([row("1", "Ann")])
    rows: list[Row] = [
        {"id": "a", "members": "b"}, {"id": "b", "members": "c;Ann"}, {"id": "c", "members": "a"},
        {"id": "d", "members": "a"}, {"id": "e", "members": "Ann"},
    ]  # fmt: skip
    loop = "member: none of a, b, c can be made first, since each needs the next; leave one of them out"
    lost = "d: member: the record that has cn a (line 2) gets no entry"
    assert sync.run(rows, GROUPED) == ["create e: applied", *(f"{key}: {loop}" for key in "abc"), lost]


def test_whom_the_run_deletes_nobody_can_refer_to(sync: Sync) -> None:
    sync.run([row("1", "Ann"), row("2", "Bob")])
    sync.link("1", "2")
    assert sync.run([row("1", "Ann", "2")], extra="delete") == [
        "delete 2: applied",
        f"1: manager: {dn('Bob')} is deleted by this run; let the record refer to another",
    ]


def test_what_somebody_else_made_of_it_meanwhile_is_a_conflict(sync: Sync) -> None:
    write(sync.world, person("Boss", employeeNumber="7"), person("Chief", employeeNumber="8"))
    sync.run([row("1", "Ann", "7")])
    sync.plan([row("1", "Ann", "8")])
    other = (Modification("replace", "manager", (dn("Ann").encode(),)),)
    write(sync.world, Operation("modify", dn("Ann"), modifications=other))
    (outcome,) = sync.apply()
    assert outcome.startswith("update 1: conflict (manager: planned from")


# ---- what refers to entries that are renamed, moved or deleted ------------------------------------------------------


@pytest.fixture
def staff(sync: Sync) -> Sync:
    """Ann, whose manager is Bob, and Cy, in groups that somebody made by hand."""
    sync.run([row("1", "Ann", "2"), row("2", "Bob"), row("3", "Cy")])
    sync.link("1", "2", "3")
    write(sync.world, group("all", dn("Ann"), dn("BOB"), dn("Cy")), group("one", dn("Bob")), group("other", dn("Cy")))
    return sync


def test_what_names_an_entry_follows_when_it_is_renamed(staff: Sync) -> None:
    renamed = [row("1", "Ann", "2", title="Dr"), row("2", "Bob Low"), row("3", "Cy")]
    assert staff.run(renamed) == [
        "update 1: applied", "move 2: applied", f"update {of('all')}: applied", f"update {of('one')}: applied",
    ]  # fmt: skip
    assert staff.value("manager", dn("Ann")) == [dn("Bob Low")]
    assert staff.value("member", of("all")) == [dn("Ann"), dn("Bob Low"), dn("Cy")]
    assert staff.value("member", of("one")) == [dn("Bob Low")]
    assert staff.counts == {"update": 3, "move": 1, "unchanged": 1}
    assert staff.run(renamed) == []


def test_a_rename_that_was_not_done_leaves_what_names_the_entry(staff: Sync) -> None:
    staff.plan([row("1", "Ann", "2"), row("2", "Bob Low"), row("3", "Cy Low")])
    write(staff.world, Operation("modify", dn("Bob"), modifications=(Modification("replace", "sn", (b"Hand",)),)))
    done = staff.apply()
    assert done[0].startswith("move 2: conflict")
    assert done[1:] == [
        "move 3: applied",
        f"update {dn('Ann')}: skipped (depends on the change of {dn('Bob Low')}, which was not made)",
        f"update {of('all')}: applied",
        f"update {of('one')}: skipped (depends on the change of {dn('Bob Low')}, which was not made)",
        f"update {of('other')}: applied",
    ]
    assert sorted(map(str.lower, staff.value("member", of("all")))) == [
        dn("Ann").lower(), dn("Bob").lower(), dn("Cy Low").lower(),
    ]  # fmt: skip


def test_what_names_an_entry_follows_when_it_is_moved_away(staff: Sync) -> None:
    people = [row("1", "Ann"), row("3", "Cy")]
    done = staff.run(people, extra="move", move_to=GROUPS)
    assert done == ["move 2: applied", *(f"update {one}: applied" for one in (dn("Ann"), of("all"), of("one")))]
    assert staff.value("member", of("one")) == [of("Bob")]
    assert staff.value("manager", dn("Ann")) == [of("Bob")]


def test_what_names_an_entry_goes_when_it_is_deleted(staff: Sync) -> None:
    write(staff.world, Operation("delete", of("one")))
    assert staff.run([row("1", "Ann"), row("3", "Cy")], extra="delete") == [
        "delete 2: applied", f"update {dn('Ann')}: applied", f"update {of('all')}: applied",
    ]  # fmt: skip
    assert staff.value("member", of("all")) == [dn("Ann"), dn("Cy")]
    assert staff.value("manager", dn("Ann")) == []


def test_the_last_member_of_a_group_that_needs_one_is_not_deleted(staff: Sync) -> None:
    assert staff.run([row("1", "Ann", "2")], extra="delete") == [
        f"2: {of('one')} needs a member, and has no other; give it another first, or remove it",
        f"3: {of('other')} needs a member, and has no other; give it another first, or remove it",
    ]
    assert staff.value("member", of("one")) == [dn("Bob")]


def test_who_was_not_deleted_stays_a_member(staff: Sync) -> None:
    write(staff.world, Operation("delete", of("one")), Operation("delete", of("other")))
    staff.plan([row("1", "Ann")], extra="delete")
    write(staff.world, Operation("modify", dn("Bob"), modifications=(Modification("replace", "sn", (b"Hand",)),)))
    done = staff.apply()
    assert [one.partition(" (")[0] for one in done] == [
        "delete 2: conflict", "delete 3: applied", f"update {dn('Ann')}: skipped", f"update {of('all')}: applied",
    ]  # fmt: skip
    assert [one.lower() for one in staff.value("member", of("all"))] == [dn("Ann").lower(), dn("Bob").lower()]


def test_who_is_set_once_is_looked_for_once(sync: Sync) -> None:
    once = {**PERSONS, "fields": [*PERSONS["fields"][:-1], {**PERSONS["fields"][-1], "only_on_create": True}]}
    write(sync.world, person("Boss", employeeNumber="7"))
    assert sync.run([row("1", "Ann", "7")], once) == ["create 1: applied"]
    assert sync.value("manager", dn("Ann")) == [dn("Boss")]
    assert sync.run([row("1", "Ann", "17"), row("2", "Bob", "17")], once) == [
        "2: manager: no entry has employeeNumber 17"
    ]
