"""Entries by their keys and ids, without reading all."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from placet_sync_worker.ports import DN, ID
from tests.support.directories import GROUPS, World, open_store, person, write
from tests.support.slapd import PEOPLE

QUERY = "(objectClass=person)"


def rows(pages: Iterable[pa.RecordBatch]) -> list[dict[str, Any]]:
    return [row for page in pages for row in page.to_pylist()]


def test_entries_are_found_by_key_as_the_server_compares(world: World) -> None:
    write(world, *(person(f"p{n}", employeeNumber=f"E{n}") for n in range(250)), person("o*(x)", employeeNumber="x\\*"))
    store = open_store(world)
    keys = [{"employeeNumber": f"e{n}"} for n in range(0, 250, 2)]
    found = rows(store.look_up(["employeeNumber"], QUERY, PEOPLE, keys=[*keys, {"employeeNumber": "x\\*"}]))
    assert {row["employeeNumber"][0] for row in found} == {*(f"E{n}" for n in range(0, 250, 2)), "x\\*"}
    assert rows(store.look_up(["sn"], QUERY, GROUPS, keys=keys)) == []
    assert rows(store.look_up(["sn"], "(objectClass=device)", PEOPLE, keys=keys)) == []
    assert rows(store.look_up(["sn"], QUERY, PEOPLE)) == []


def test_all_parts_of_a_key_count(world: World) -> None:
    write(world, person("Ada", title="a"), person("Bo", title="b"))
    found = rows(open_store(world).look_up([], None, keys=[{"cn": "ada", "title": "a"}, {"cn": "Bo", "title": "a"}]))
    assert [row[DN] for row in found] == [f"cn=Ada,{PEOPLE}"]


def test_entries_are_found_by_id(world: World) -> None:
    write(world, *(person(f"p{n}") for n in range(3)))
    store = open_store(world)
    ids = {str(row[DN]): str(row[ID]) for row in rows(store.read([], QUERY))}
    wanted = [ids[f"cn=p1,{PEOPLE}"], "00000000-0000-0000-0000-000000000000"]
    (found,) = rows(store.look_up(["sn"], QUERY, PEOPLE, ids=wanted))
    assert (found[DN], found["sn"]) == (f"cn=p1,{PEOPLE}", ["Sample"])
