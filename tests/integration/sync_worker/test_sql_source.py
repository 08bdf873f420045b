"""Databases as sources: complete, read-only, limited in time, values as texts."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from placet_shared.errors import PermanentError, PlacetError, TransientError
from placet_sync_worker.errors import UnknownColumnError
from placet_sync_worker.ports import RECORD, Window
from placet_sync_worker.providers.sql.errors import QueryRefusedError, QueryTooSlowError
from placet_sync_worker.providers.sql.provider import SqlSource, open_sql_source, try_sql
from placet_sync_worker.providers.sql.reading import PAGE_ROWS
from tests.support.mariadb import Mariadb
from tests.support.postgres import Postgres
from tests.support.tables import SqlWorld, mariadb_world, postgres_world, sqlite_world

KINDS = ("sqlite", "postgresql", "mariadb")
MakeWorld = Callable[..., SqlWorld]


@pytest.fixture(params=KINDS)
def make_world(request: pytest.FixtureRequest, tmp_path: Path) -> MakeWorld:
    """A database with an empty table `people`; settings of the provider by keyword."""
    if request.param == "sqlite":
        return lambda **settings: sqlite_world(tmp_path, **settings)
    if request.param == "postgresql":
        return lambda **settings: postgres_world(request.getfixturevalue("postgres"), **settings)
    return lambda **settings: mariadb_world(request.getfixturevalue("mariadb"), **settings)


@pytest.fixture
def world(make_world: MakeWorld) -> SqlWorld:
    return make_world()


def opened(world: SqlWorld, **settings: Any) -> SqlSource:
    return open_sql_source(world.provider.model_copy(update=settings), world.surroundings)


def read(
    source: SqlSource, *columns: str, query: str | None = None, window: Window | None = None
) -> list[dict[str, Any]]:
    return [row for page in source.read(columns, query, window) for row in page.records.to_pylist()]


def refused(world: SqlWorld, query: str, **settings: Any) -> PlacetError:
    source = opened(world, **settings)
    with pytest.raises(PlacetError) as caught:
        read(source, *source.columns(query), query=query)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("provider warehouse: ")
    return caught.value


def fill(world: SqlWorld, count: int) -> None:
    """People from 1 on."""
    with world.hand.begin() as connection:
        rows = [(f"e{n}", f"Name {n}", n) for n in range(1, count + 1)]
        mark = "?" if world.kind == "sqlite" else "%s"
        sql = f"INSERT INTO people (employee_id, name, room) VALUES ({mark}, {mark}, {mark})"
        for start in range(0, count, 1000):
            connection.exec_driver_sql(sql, rows[start : start + 1000])


# ---- what comes ------------------------------------------------------------------------------------------------------


def test_a_table_is_read_page_by_page_with_a_number_for_each_row(world: SqlWorld) -> None:
    fill(world, PAGE_ROWS + 7)
    source = opened(world)
    assert source.columns() == ["id", "employee_id", "name", "mail", "room", "hired"]
    pages = list(source.read(["name", "employee_id"], None))
    assert [page.records.num_rows for page in pages] == [PAGE_ROWS, 7]
    assert pages[0].records.schema.types == [pa.string()] * 3
    rows = [row for page in pages for row in page.records.to_pylist()]
    assert [row[RECORD] for row in rows] == [f"row {n}" for n in range(1, PAGE_ROWS + 8)]
    assert {row["employee_id"]: row["name"] for row in rows} == {f"e{n}": f"Name {n}" for n in range(1, PAGE_ROWS + 8)}


def test_the_default_query_is_all_of_the_table(world: SqlWorld) -> None:
    assert opened(world).default_query() == "SELECT * FROM people"
    without = opened(world, table=None)
    assert without.default_query() is None
    with pytest.raises(
        QueryRefusedError, match="provider warehouse names no table; give it `table`, or the job a query"
    ):
        without.columns()


def test_a_query_gives_its_own_columns(world: SqlWorld) -> None:
    fill(world, 3)
    query = "SELECT room AS \"Room No\", name || ':x%' AS who FROM people WHERE room > 1 -- the others are away"
    if world.kind == "mariadb":
        query = query.replace('"', "`").replace("name || ':x%'", "concat(name, ':x%')")
    source = opened(world, table=None)
    assert source.columns(query) == ["Room No", "who"]
    found = read(source, "who", "Room No", query=query)
    assert sorted((row["Room No"], row["who"]) for row in found) == [("2", "Name 2:x%"), ("3", "Name 3:x%")]


def test_nothing_is_read_of_an_empty_table(world: SqlWorld) -> None:
    assert read(opened(world), "name") == []


def test_texts_arrive_as_they_are(world: SqlWorld) -> None:
    hard = ['say "x", 1', "new\nline\r\n", "zażółć 🦀", "back\\slash \\N \\.", "", "NULL", " blanks ", ","]
    for n, one in enumerate(hard):
        world.put(employee_id=f"{n}", name="x", mail=one)
    world.put(employee_id="none", name="x")
    found = {row["employee_id"]: row["mail"] for row in read(opened(world), "employee_id", "mail")}
    assert found == {**{f"{n}": one for n, one in enumerate(hard)}, "none": None}
    assert [row["mail"] for row in read(opened(world), "mail") if row["mail"] is None] == [None]


TYPES = {
    "postgresql": [
        ("smallint", "7", "7"), ("bigint", "-9000000000", "-9000000000"), ("numeric(10,2)", "1.5", "1.50"),
        ("double precision", "0.1", "0.1"), ("real", "0.1", "0.1"), ("boolean", "true", "TRUE"),
        ("double precision", "1", "1"), ("numeric(10,0)", "1", "1"),
        ("boolean", "false", "FALSE"), ("date", "'2026-01-31'", "2026-01-31"),
        ("timestamp", "'2026-01-31 08:30:00.5'", "2026-01-31T08:30:00.5"),
        ("timestamptz", "'2026-01-31 08:30:00+02'", "2026-01-31T06:30:00+00"), ("time", "'08:30'", "08:30:00"),
        ("bytea", "decode('ff00', 'hex')", "/wA="), ("char(5)", "'ab'", "ab"), ("text", "'x'", "x"),
        ("uuid", "'6fc75703-ea51-467b-8436-8fd5fc9f1708'", "6fc75703-ea51-467b-8436-8fd5fc9f1708"),
        ("text[]", "'{a,b}'", "{a,b}"), ("jsonb", """'{"a": 1}'""", '{"a": 1}'),
    ],
    "mariadb": [
        ("tinyint", "7", "7"), ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
        ("decimal(10,2)", "1.5", "1.50"), ("double", "0.1", "0.1"), ("float", "0.1", "0.1"), ("bool", "true", "1"),
        ("double", "1", "1"), ("double", "-1e20", "-100000000000000000000"), ("decimal(10,0)", "1", "1"),
        ("date", "'2026-01-31'", "2026-01-31"), ("datetime(3)", "'2026-01-31 08:30:00.5'", "2026-01-31T08:30:00.5"),
        ("timestamp", "'2026-01-31 08:30:00'", "2026-01-31T08:30:00+00:00"), ("time", "'108:30'", "108:30:00"),
        ("blob", "0xff00", "/wA="), ("char(5)", "'ab'", "ab"), ("bit(3)", "5", "5"), ("year", "2026", "2026"),
        ("enum('a','b')", "'b'", "b"), ("json", """'{"a": 1}'""", '{"a": 1}'),
    ],
    "sqlite": [
        ("integer", "7", "7"), ("numeric", "1.5", "1.5"), ("real", "0.1", "0.1"), ("boolean", "1", "1"),
        ("real", "1", "1"), ("double", "1e20", "100000000000000000000"), ("numeric(10,0)", "1.0", "1"),
        ("text", "'2026-01-31 08:30:00'", "2026-01-31 08:30:00"), ("blob", "x'ff00'", "/wA="), ("", "'x'", "x"),
    ],
}  # fmt: skip


def test_values_are_texts_in_the_forms_of_the_interface(world: SqlWorld) -> None:
    types = TYPES[world.kind]
    world.execute("CREATE TABLE kinds (" + ", ".join(f"c{n} {kind}" for n, (kind, _, _) in enumerate(types)) + ")")
    for values in ([value for _, value, _ in types], ["NULL"] * len(types)):
        with world.hand.begin() as connection:
            plain = {"no_parameters": True}
            connection.exec_driver_sql("SET time_zone = '+00:00'") if world.kind == "mariadb" else None
            connection.exec_driver_sql(f"INSERT INTO kinds VALUES ({', '.join(values)})", execution_options=plain)
    full, empty = read(opened(world, table="kinds"), *(f"c{n}" for n in range(len(types))))
    assert [(kind, full[f"c{n}"]) for n, (kind, _, _) in enumerate(types)] == [(kind, text) for kind, _, text in types]
    assert set(empty.values()) == {"row 2", None}


# ---- what has changed ------------------------------------------------------------------------------------------------


def test_a_window_asks_for_stamps_and_for_keys(world: SqlWorld) -> None:
    fill(world, 1200)
    source = opened(world)
    keys = tuple((f"e{n}",) for n in range(1, 1200, 2))
    window = Window("room", "1190", ("employee_id",), keys)
    found = read(source, "employee_id", window=window)
    assert [row[RECORD] for row in found] == [f"row {n}" for n in range(1, len(found) + 1)]
    wanted = {f"e{n}" for n in range(1, 1201) if n % 2 or n >= 1190}
    assert len(found) == len(wanted)
    assert {row["employee_id"] for row in found} == wanted
    assert len(read(source, "name", window=Window("room", None))) == 1200
    two = Window("room", "9999", ("employee_id", "name"), (("e1", "Name 1"), ("e2", "Name 1"), ("e3", "O'\\a:b%")))
    assert [row["employee_id"] for row in read(source, "employee_id", window=two)] == ["e1"]
    world.set("e3", name="O'\\a:b%")
    assert [row["employee_id"] for row in read(source, "employee_id", window=two)] == ["e1", "e3"]


def test_stamps_are_asked_for_in_the_form_in_which_they_were_read(world: SqlWorld) -> None:
    kind = {"postgresql": "timestamptz", "mariadb": "timestamp(6) NULL", "sqlite": "timestamp"}[world.kind]
    world.execute(f"CREATE TABLE stamped (id integer PRIMARY KEY, at {kind})")
    with world.hand.begin() as connection:
        connection.exec_driver_sql("SET time_zone = '+00:00'") if world.kind == "mariadb" else None
        for n in range(1, 6):
            connection.exec_driver_sql(f"INSERT INTO stamped VALUES ({n}, '2026-01-0{n} 08:30:00')")
        connection.exec_driver_sql("INSERT INTO stamped VALUES (9, NULL)")
    source = opened(world, table="stamped")
    stamps = {row["id"]: row["at"] for row in read(source, "id", "at")}
    later = read(source, "id", window=Window("at", stamps["3"], ("id",), (("1",), ("4",), ("9",))))
    assert sorted(row["id"] for row in later) == ["1", "3", "4", "5", "9"]


def test_an_index_on_the_stamps_is_used(postgres: Postgres) -> None:
    world = postgres_world(postgres)
    fill(world, 5000)
    world.execute("CREATE INDEX by_room ON people (room)")
    world.execute("ANALYZE people")
    before = world.execute("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'by_room'")[0][0]
    assert len(read(opened(world), "name", window=Window("room", "4990"))) == 11
    query = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'by_room'"
    assert _until(lambda: world.execute(query)[0][0] > before)


def _until(true: Callable[[], bool]) -> bool:
    """Statistics come when the session has ended."""
    deadline = datetime.now(UTC).timestamp() + 20
    while datetime.now(UTC).timestamp() < deadline:
        if true():
            return True
    return False


def test_the_clock_is_the_servers_with_its_offset(world: SqlWorld) -> None:
    if world.kind == "postgresql":
        world.execute(f"ALTER DATABASE \"{world.hand.url.database}\" SET TimeZone = 'Asia/Kolkata'")
    told = datetime.fromisoformat(opened(world).clock())
    assert told.tzinfo is not None
    assert abs((told - datetime.now(UTC)).total_seconds()) < 60
    if world.kind == "postgresql":
        assert str(told.utcoffset()) == "5:30:00"


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; DROP TABLE people",
        "SELECT 1 AS a) AS q; DROP TABLE people; SELECT * FROM (SELECT 1 AS a",
        "DELETE FROM people",
        "DROP TABLE people",
        "SELEC 1",
        "SELECT name FROM people /*",
        "SELECT 'x",
        "",
    ],
)
def test_a_query_is_one_that_reads(world: SqlWorld, query: str) -> None:
    fill(world, 2)
    if query:
        assert isinstance(refused(world, query), QueryRefusedError)
    assert len(world.rows()) == 2


def test_what_a_query_calls_cannot_write(postgres: Postgres) -> None:
    world = postgres_world(postgres)
    world.execute("CREATE FUNCTION sneaky() RETURNS integer LANGUAGE sql AS 'DELETE FROM people RETURNING 1'")
    fill(world, 2)
    error = refused(world, "SELECT sneaky() AS x")
    assert "was asked to write by a query (cannot execute DELETE in a read-only transaction)" in str(error)
    assert len(world.rows()) == 2


def test_what_a_query_calls_cannot_write_in_mariadb(mariadb: Mariadb) -> None:
    world = mariadb_world(mariadb)
    body = "BEGIN DELETE FROM people; RETURN 1; END"
    world.execute(f"CREATE FUNCTION sneaky() RETURNS integer MODIFIES SQL DATA {body}")
    fill(world, 2)
    assert "was asked to write by a query" in str(refused(world, "SELECT sneaky() AS x"))
    assert len(world.rows()) == 2


def test_a_query_that_takes_too_long_is_broken_off(make_world: MakeWorld) -> None:
    world = make_world(timeout="1s")
    slow = {
        "postgresql": "SELECT pg_sleep(30) AS x",
        "mariadb": "SELECT sleep(30) AS x, count(*) FROM information_schema.columns a, information_schema.columns b,"
        " information_schema.columns c",
        "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS x FROM n",
    }[world.kind]
    began = datetime.now(UTC)
    error = refused(world, slow)
    assert isinstance(error, QueryTooSlowError | TransientError)
    assert (datetime.now(UTC) - began).total_seconds() < 20
    if isinstance(error, QueryTooSlowError):
        assert "after 1s" in str(error)
        assert "raise `timeout`" in str(error)


def test_a_column_that_was_renamed_is_missed_by_name(world: SqlWorld) -> None:
    source = opened(world)
    with pytest.raises(UnknownColumnError, match=r"the query gives no column emploee_id; did you mean employee_id\?"):
        read(source, "emploee_id")
    error = refused(world, "SELECT emploee_id FROM people")
    assert isinstance(error, PermanentError)
    assert "emploee_id" in str(error)
    assert "check the table and the query" in str(error)


def test_a_table_that_is_not_there_is_missed_by_name(world: SqlWorld) -> None:
    steps = try_sql(world.provider.model_copy(update={"table": "peeple"}), world.surroundings)
    assert [(step["step"], step["ok"]) for step in steps] == [("connect", True), ("table", False)]
    assert "peeple" in steps[1]["message"]
    assert "check the table and the query" in steps[1]["message"]


def test_a_provider_is_tried_step_by_step(world: SqlWorld) -> None:
    fill(world, 3)
    connect, table, reading, writing = try_sql(world.provider, world.surroundings)
    assert all(step["ok"] for step in (connect, table, reading, writing))
    assert "columns id, employee_id" in table["message"]
    assert reading["message"] == "read a page of 3 rows"
    assert writing["message"] == (
        "rows are told apart by id; writes compare the old values; lost answers are settled by placet_applied"
    )
