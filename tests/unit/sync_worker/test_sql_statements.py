"""Statements for SQL Server and Oracle, of which no server is at hand: each one that is made is compiled as its driver
gets it, and compared with a file that people have read through."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from placet_sync_worker.ports import Mark, RowWrite, Texts, Window
from placet_sync_worker.providers.sql.provider import SqlSource
from placet_sync_worker.providers.sql.writing import SqlTransaction
from tests.support.statements import COMPILERS, TYPES, definition, recorded

READ = Path(__file__).parent / "statements"
KINDS = tuple(COMPILERS)
ANN: Texts = {"name": ("Ann",)}


def a_write(what: Any, before: Texts, after: Texts) -> RowWrite:
    return RowWrite(what, "7", ANN, before, after, Mark("run", 1, 0), "7")


def as_source(kind: str) -> Iterator[str]:
    store, recorder = recorded(kind)
    source = SqlSource(store.database)
    list(source.read(["id", "name"], None))
    window = Window("seen", "2026-01-31T08:30:00", ("id", "name"), (("7", "Ann"),))
    list(source.read(["id"], "SELECT * FROM hr.people", window))
    yield from recorder.said


def as_destination(kind: str) -> Iterator[str]:
    for key in (("id",), ("id", "site")):
        store, recorder = recorded(kind, key=key)
        list(store.read(["name"], None))
        list(store.read(["id"], store.default_query(store.object_type(None), ["id"])))
        list(store.read(["id"], "SELECT id, site FROM hr.people WHERE site = 'W'; "))
        yield from recorder.said


def as_writer(kind: str) -> Iterator[str]:
    store, recorder = recorded(kind)
    connection: Any = recorder
    table, names = SqlTransaction(store, connection, marks=True), list(TYPES[kind])
    list(table.with_ids(["7", "8"], names))
    list(table.with_keys([ANN], ["id"]))
    table.marked([Mark("run", 1, 0)])
    table.write([a_write("insert", {}, {**ANN, "hired": ("2026-01-31",), "notes": ()})])
    table.write([a_write("update", {**ANN, "notes": ("x",), "photo": ("/wA=",), "pay": ("1.5",)}, {"name": ("Eve",)})])
    table.write([a_write("delete", dict.fromkeys(names, ()), {})])
    yield from recorder.said
    yield definition(store.applied.table, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_statement_is_one_that_was_read_through(kind: str) -> None:
    made = [*as_source(kind), *as_destination(kind), *as_writer(kind)]
    assert made == (READ / f"{kind}.sql").read_text().splitlines()


@pytest.mark.parametrize(
    ("kind", "foreign"),
    [
        ("mssql", [" IS 1", "IS true", " LIMIT ", "(id, site) IN", "::", "||"]),
        ("oracle", [") AS q", " LIMIT ", "::", 'q."id"', "notes = :"]),
    ],
)
def test_nothing_is_said_that_the_database_does_not_know(kind: str, foreign: list[str]) -> None:
    made = "\n".join([*as_source(kind), *as_destination(kind), *as_writer(kind)])
    assert [words for words in foreign if words in made] == []
