"""Rows by their keys and ids, without reading all."""

from typing import Any

from placet_sync_worker.ports import DN, ID, VERSION
from tests.support.tables import SqlWorld, World


def names(world: World, query: str | None = None, **wanted: Any) -> list[str]:
    store = world.open()
    asked = query or store.default_query(store.object_type(None), ["employee_id"])
    pages = store.look_up(["employee_id", "name"], asked, **wanted)
    found = [row for page in pages for row in page.to_pylist()]
    assert all(row.keys() == {ID, VERSION, DN, "employee_id", "name"} and row[DN] == "" for row in found)
    return sorted(name for row in found for name in row["name"])


def test_rows_are_found_by_key_and_by_id(world: World) -> None:
    ids = [world.put(employee_id=f"e{n}", name=f"Name {n}", room=str(n)) for n in range(250)]
    keys = [{"employee_id": f"e{n}"} for n in range(0, 250, 2)]
    assert names(world, keys=keys) == sorted(f"Name {n}" for n in range(0, 250, 2))
    assert names(world, ids=[ids[3], "-1"]) == ["Name 3"]
    assert names(world, keys=[{"employee_id": "e1", "room": "1"}, {"employee_id": "e2", "room": "1"}]) == ["Name 1"]
    assert names(world) == []


def test_a_key_that_the_column_cannot_hold_is_nobodys(world: World) -> None:
    world.put(employee_id="e'1", name="Ann", room="7")
    assert names(world, keys=[{"room": "seven"}, {"employee_id": "e'1"}, {"employee_id": "x" * 50}]) == ["Ann"]


def test_a_query_of_the_jobs_own_counts(world: World) -> None:
    if not isinstance(world, SqlWorld):
        return
    world.put(employee_id="e1", name="Ann", room="7")
    world.put(employee_id="e2", name="Bob", room="8")
    keys = [{"employee_id": "e1"}, {"employee_id": "e2"}]
    assert names(world, "SELECT id FROM people WHERE room > 7 AND name <> ':x'", keys=keys) == ["Bob"]
