"""Which changes of a plan moved in the source: fakes at both ends, real spool and join between them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from placet_sync_worker.changes import Rejected
from placet_sync_worker.errors import EmptySourceError
from placet_sync_worker.planning import rereading
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.rereading import CHANGED, GONE, REJECTED, THERE, UNREADABLE
from placet_sync_worker.testing.scripts import NoScripts
from placet_sync_worker.testing.source import FakeSource
from tests.support.planning import FIELDS, Row, Scene, Seen, person

OPTIONS = Options(record_key=b"the plan's own")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """One record to create, one to update, one entry to delete and two that stay."""
    scene = Scene(tmp_path)
    scene.rows = [person("1"), person("2", "Bob", mail=["b@x", "a@x"]), person("3", "Cyd"), person("4", "Dee")]
    for number, name in enumerate(("Bob", "Cyd", "Dee", "Eve"), 2):
        scene.entry(f"id{number}", str(number), name)
    scene.links = {f"id{number}": str(number) for number in range(2, 6)}
    return scene


def plan(scene: Scene, **job: Any) -> Seen:
    found = scene.plan(options=OPTIONS, **{"extra": "delete", **job})
    assert found.ops() == [("create", "1"), ("update", "2"), ("delete", "5")]
    return found


def moved(scene: Scene, planned: Seen, options: Options = OPTIONS, **job: Any) -> dict[str, list[str]]:
    """Keys of changes by why they moved."""
    scene.plans += 1
    folder = scene.folder / f"look-{scene.plans}"
    folder.mkdir()
    scene.store.closed = False
    source = FakeSource(scene.rows, ["id", "first", "last", "mail", "room", "boss", "region"], scene.broken)
    found = rereading.moved(
        scene.job(**{"extra": "delete", **job}), source, scene.store, enumerate(planned.changes),
        iter(scene.links.items()), folder, scripts=NoScripts(), options=options,
    )  # fmt: skip
    return {why: [planned.changes[number].key for number in numbers] for why, numbers in found.items() if numbers}


def row(scene: Scene, key: str) -> Row:
    return next(row for row in scene.rows if row["id"] == key)


def test_a_source_that_is_as_it_was_moved_nothing(scene: Scene) -> None:
    planned = plan(scene)
    row(scene, "2")["mail"] = ["a@x", "b@x"]
    scene.rows.reverse()
    assert moved(scene, planned) == {}


def test_what_the_plan_changes_nothing_of_may_move(scene: Scene) -> None:
    planned = plan(scene)
    row(scene, "3")["last"] = "Else"
    scene.rows.append(person("6", "New"))
    assert moved(scene, planned) == {}


MOVES: dict[str, tuple[Callable[[Scene], object], dict[str, list[str]]]] = {
    "another value of a new one": (lambda s: row(s, "1").update(last="Else"), {CHANGED: ["1"]}),
    "another value": (lambda s: row(s, "2").update(mail="c@x"), {CHANGED: ["2"]}),
    "no value": (lambda s: row(s, "2").update(mail=None), {CHANGED: ["2"]}),
    "a value back to what the entry has": (lambda s: row(s, "2").update(mail=None, last="Low"), {CHANGED: ["2"]}),
    "gone": (lambda s: s.rows.remove(row(s, "1")), {GONE: ["1"]}),
    "another key": (lambda s: row(s, "2").update(id="7"), {GONE: ["2"]}),
    "its key twice": (lambda s: s.rows.append(person("2")), {REJECTED: ["2"]}),
    "a bad value": (lambda s: row(s, "2").update(last="\0"), {REJECTED: ["2"]}),
    "an extra that is back": (lambda s: s.rows.append(person("5")), {THERE: ["5"]}),
    "an extra that is back with a bad value": (lambda s: s.rows.append(person("5", last="\0")), {THERE: ["5"]}),
    "a key that cannot be read": (lambda s: s.rows.append(person("")), {UNREADABLE: ["5"]}),
    "a line that cannot be read": (
        lambda s: setattr(s, "broken", [Rejected("line 9", None, None, "cells")]),
        {UNREADABLE: ["5"]},
    ),
}


@pytest.mark.parametrize("how", MOVES)
def test_a_record_that_moved_keeps_its_change_from_being_written(scene: Scene, how: str) -> None:
    planned = plan(scene)
    move, expected = MOVES[how]
    move(scene)
    assert moved(scene, planned) == expected


def test_an_entry_is_kept_by_its_keys_as_the_store_compares_them_and_by_its_link(scene: Scene) -> None:
    scene.entry("idA", "Ab", "Abe")
    scene.entry("idB", "by hand", "Ben")
    scene.links |= {"idA": "Ab", "idB": "9"}
    planned = scene.plan(options=OPTIONS, extra="delete")
    assert planned.counts.delete == 3
    scene.rows += [person("aB", "Abe"), person("9", "Ben")]
    assert moved(scene, planned) == {THERE: ["Ab", "by hand"]}


def test_an_entry_that_is_to_be_moved_away_is_kept_by_its_key(scene: Scene) -> None:
    scene.entry("idA", "Ab", "Abe")
    scene.links = {"idA": "Ab"}
    planned = scene.plan(options=OPTIONS, extra="move", move_to="ou=Left,dc=example,dc=org")
    scene.rows.append(person("aB", "Abe"))
    assert moved(scene, planned, extra="move", move_to="ou=Left,dc=example,dc=org") == {THERE: ["Ab"]}


def test_what_only_new_entries_get_counts_for_them_alone(scene: Scene) -> None:
    fields = [*FIELDS, {"to": "roomNumber", "from": "room", "only_on_create": True}]
    planned = plan(scene, fields=fields)
    row(scene, "2")["room"] = "7"
    assert moved(scene, planned, fields=fields) == {}
    row(scene, "1")["room"] = "7"
    assert moved(scene, planned, fields=fields) == {CHANGED: ["1"]}


def test_a_change_of_no_record_is_not_compared(scene: Scene) -> None:
    planned = plan(scene)
    planned.changes = [structs.replace(change, record=None) for change in planned.changes]
    scene.rows = [person("3", "Cyd")]
    assert moved(scene, planned) == {}


def test_digests_of_another_key_are_other_ones(scene: Scene) -> None:
    planned = plan(scene)
    assert moved(scene, planned, replace(OPTIONS, record_key=b"another")) == {CHANGED: ["1", "2"]}


def test_an_empty_source_is_no_reason_to_remove_anything(scene: Scene) -> None:
    planned = plan(scene)
    scene.rows = []
    with pytest.raises(EmptySourceError, match="job people: hr has no records by now"):
        moved(scene, planned)
