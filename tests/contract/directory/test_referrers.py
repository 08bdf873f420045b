"""References to entries that the same run moves: of new entries that need them."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.applying.referring import resolved
from placet_sync_worker.changes import Phase, Result
from placet_sync_worker.ports import Modification, Operation
from placet_sync_worker.tasks import Task
from tests.support.directories import World, at_once, person, soon, write
from tests.support.planning import Row
from tests.support.references import GROUPED, Sync, dn, group, of
from tests.support.slapd import PEOPLE

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
