"""References to entries that the same run moves: of new entries that need them, and along with a unit."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.applying.referring import resolved
from placet_sync_worker.changes import Phase, Result
from placet_sync_worker.ports import Modification, Operation
from placet_sync_worker.tasks import Task
from tests.support.directories import World, at_once, person, soon, write
from tests.support.planning import Row
from tests.support.references import GROUPED, Sync, dn, group, of, row
from tests.support.slapd import BASE_DN, PEOPLE

AWAY: dict[str, Any] = {**GROUPED, "extra": "move", "move_to": PEOPLE}


@pytest.fixture
def sync(world: World, tmp_path: Path) -> Sync:
    return Sync(world, tmp_path)


def touch(sync: Sync, dn: str, name: str = "description", *values: str) -> None:
    """A hand's edit of what the run has read."""
    by_hand = (Modification("replace", name, tuple(value.encode() for value in values)),)
    assert write(sync.world, Operation("modify", dn, modifications=by_hand))[0].done


# ---- new entries that need a reference ------------------------------------------------------------------------------


@pytest.fixture
def groups(sync: Sync) -> Sync:
    """Group b, which the job manages, and c, which it does not."""
    write(sync.world, person("Ann"), group("b", dn("Ann")), group("c", dn("Ann")))
    sync.link("b", attribute="cn")
    return sync


def test_a_new_entry_that_needs_who_is_moved_away_gets_the_new_name_when_that_is_one(groups: Sync) -> None:
    rows: list[Row] = [{"id": "a", "members": "Ann;b"}]
    groups.plan(rows, AWAY)
    assert [[(step.what, step.phase) for step in change.steps] for change in groups.changes] == [
        [("add", Phase.REFERENCES), ("modify", Phase.REFERRERS)],
        [("rename", Phase.DISABLE)],
    ]
    (member,) = (a for a in groups.changes[0].attributes if a.name == "member")
    assert (member.before, member.after) == ((dn("Ann"), of("b")), (dn("Ann"), dn("b")))
    assert groups.apply(AWAY) == ["create a: applied", "move b: applied"]
    assert groups.value("member", of("a")) == [dn("Ann"), dn("b")]
    assert groups.run(rows, AWAY) == []


def test_who_was_not_moved_away_keeps_the_old_name_in_a_new_entry(groups: Sync) -> None:
    groups.plan([{"id": "a", "members": "Ann;b"}], AWAY)
    touch(groups, of("b"), "description", "By hand")
    done = groups.apply(AWAY)
    assert done[0] == f"create a: skipped (depends on the change of {dn('b')}, which was not made)"
    assert done[1].startswith("move b: conflict")
    assert groups.value("member", of("a")) == [dn("Ann"), of("b")]
    touch(groups, of("b"))
    assert groups.run([{"id": "a", "members": "Ann;b"}], AWAY) == ["move b: applied", f"update {of('a')}: applied"]
    assert groups.value("member", of("a")) == [dn("Ann"), dn("b")]


def test_whom_a_hand_moved_is_called_in_a_new_entry_as_he_is_then(groups: Sync) -> None:
    groups.plan([{"id": "a", "members": "Ann;b"}], AWAY)
    write(groups.world, Operation("rename", of("b"), new_rdn="cn=By hand"))
    create, move = groups.apply(AWAY)
    assert (create, move.partition(" (")[0]) == ("create a: already_applied", "move b: conflict")
    assert groups.value("member", of("a")) == [dn("Ann"), of("By hand")]


def test_a_member_by_name_who_is_renamed_after_the_create_is_followed(groups: Sync) -> None:
    fields = [{"to": "cn", "from": "name"}, {"to": "description", "from": "id"}, {"to": "member", "from": "members"}]
    by_name = {**GROUPED, "key": [{"source": "id", "destination": "description"}], "fields": fields}
    assert groups.run([{"id": "1", "name": "d", "members": dn("Ann")}], by_name) == ["create 1: applied"]
    rows: list[Row] = [{"id": "1", "name": "e", "members": dn("Ann")}, {"id": "2", "name": "f", "members": of("d")}]
    assert groups.run(rows, by_name) == ["create 2: applied", "move 1: applied"]
    assert [step.phase for step in groups.changes[0].steps] == [Phase.CREATE, Phase.REFERRERS]
    assert groups.value("member", of("f")) == [of("e")]
    assert groups.run([rows[0], {**rows[1], "members": of("e")}], by_name) == []


def test_the_name_that_follows_is_written_once_though_its_answer_was_lost(groups: Sync) -> None:
    groups.plan([{"id": "a", "members": "b"}], AWAY)
    create, move = groups.changes
    with closing(groups.open()) as store:
        writer = DirectoryWriter(store, ["cn"])
        (made,) = writer.apply([Task(0, 0, create, False, None, create.dn)], soon())
        (moved,) = writer.apply([Task(1, 0, move, False, move.version, move.dn)], soon())
        assert (made.result, moved.result) == (Result.APPLIED, Result.APPLIED)
        follows = Task(0, 1, create, False, made.version, create.dn, entry_id=made.entry_id)
        named = resolved(follows, {str(move.id): dn("b")}, store.naming.key, kept=False)
        assert isinstance(named, Task)
        groups.world.lose_answers()
        assert [one.code for one in store.directory.write([writer._operation(named)], at_once())] == [None]
    groups.world.mend()
    with closing(groups.open()) as store:
        (again,) = DirectoryWriter(store, ["cn"]).apply([replace(follows, maybe_sent=True)], soon())
    assert again.result is Result.ALREADY_APPLIED
    assert groups.value("member", of("a")) == [dn("b")]
    assert groups.world.writes()[-3:] == [("add", of("a")), ("modrdn", of("b")), ("modify", of("a"))]


# ---- units that are renamed -----------------------------------------------------------------------------------------

SALES, TRADE = f"ou=Sales,{BASE_DN}", f"ou=Trade,{BASE_DN}"
UNITS: dict[str, Any] = {
    "object_type": "organizational_unit",
    "destination": {"provider": "corp", "container": BASE_DN},
    "key": [{"source": "id", "destination": "description"}],
    "fields": [
        {"to": "ou", "from": "name"},
        {"to": "description", "from": "id"},
        {"to": "seeAlso", "from": "boss"},
        {"to": "l", "from": "title"},
    ],
}


def below(unit: str, one: Operation) -> Operation:
    """The add at another place."""
    return replace(one, dn=f"{one.dn.partition(',')[0]},{unit}")


@pytest.fixture
def sales(sync: Sync) -> Sync:
    """A unit with Bob and Cy, of whom Bob stands deeper, and a group; others name them."""
    assert sync.run([row("1", "Sales")], UNITS) == ["create 1: applied"]
    east = f"ou=East,{SALES}"
    unit = Operation("add", east, attributes={"objectClass": (b"organizationalUnit",), "ou": (b"East",)})
    bob, cy = f"cn=Bob,{east}", f"CN=Cy,{SALES}"
    write(
        sync.world, unit, below(east, person("Bob", manager=f"cn=Cy,{SALES}")), below(SALES, person("Cy")),
        person("Ann", manager=bob), group("all", dn("Ann"), bob, cy), group("gone", f"cn=Gone,{SALES}"),
        below(SALES, group("in", cy, dn("Ann"))),
    )  # fmt: skip
    return sync


def test_what_names_others_below_a_unit_follows_when_that_is_renamed(sales: Sync) -> None:
    rows = [row("1", "Trade")]
    assert sales.run(rows, UNITS) == [
        "move 1: applied",
        f"update {dn('Ann')}: applied",
        f"update cn=Bob,ou=East,{SALES}: applied",
        f"update {of('all')}: applied",
        f"update cn=in,{SALES}: applied",
    ]
    assert sales.warnings == ()
    bob, cy = f"cn=Bob,ou=East,{TRADE}", f"cn=Cy,{TRADE}"
    assert sales.value("manager", dn("Ann")) == [bob]
    assert sales.value("member", of("all")) == [dn("Ann"), bob, cy]
    assert sales.value("manager", bob) == [cy]
    assert sales.value("member", f"cn=in,{TRADE}") == [dn("Ann"), cy]
    assert sales.value("member", of("gone")) == [f"cn=Gone,{SALES}"]
    assert sales.run(rows, UNITS) == []


def test_a_unit_that_was_not_renamed_leaves_what_names_others_below_it(sales: Sync) -> None:
    sales.plan([row("1", "Trade")], UNITS)
    touch(sales, SALES, "ou", "Sales", "By hand")
    done = sales.apply(UNITS)
    assert done[0].startswith("move 1: conflict")
    assert [one.partition(": ")[2] for one in done[1:]] == [
        f"skipped (depends on the change of {one}, which was not made)"
        for one in (f"cn=Bob,ou=East,{TRADE}", f"cn=Cy,{TRADE}", f"cn=Bob,ou=East,{TRADE}", f"cn=Cy,{TRADE}")
    ]
    assert sales.value("manager", dn("Ann")) == [f"cn=Bob,ou=East,{SALES}"]


def test_units_themselves_name_others_below_them(sales: Sync) -> None:
    rows = [row("1", "Trade", f"cn=Cy,{SALES}"), row("2", "New", f"cn=Cy,{SALES}")]
    done = sales.run(rows, UNITS)
    assert [one for one in done if one.startswith(("create", "move"))] == ["create 2: applied", "move 1: applied"]
    assert sales.value("seeAlso", TRADE) == sales.value("seeAlso", f"ou=New,{BASE_DN}") == [f"cn=Cy,{TRADE}"]
    there = [{**one, "boss": f"cn=Cy,{TRADE}"} for one in rows]
    assert sales.run(there, UNITS) == []


def test_who_is_renamed_with_a_unit_and_changed_besides_keeps_its_values_and_the_plan_says_so(sales: Sync) -> None:
    east = f"ou=East,{SALES}"
    values = {"description": b"2", "seeAlso": f"cn=Cy,{SALES}".encode()}
    parts = tuple(Modification("replace", name, (value,)) for name, value in values.items())
    write(sales.world, Operation("modify", east, modifications=parts))
    sales.plan([row("1", "Trade"), row("2", "East", title="Low Road")], UNITS)
    assert [change.key for change in sales.changes if change.op == "update"] == [
        "2", dn("Ann"), f"cn=Bob,{east}", of("all"), f"cn=in,{SALES}",
    ]  # fmt: skip
    assert [name.name for name in sales.changes[1].attributes] == ["l"]
    assert [warning.partition(":")[0] for warning in sales.warnings] == [
        f"the run renames what {east} stands below, and changes it besides"
    ]
