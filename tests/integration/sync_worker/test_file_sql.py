"""SQL over files: what it gives, and what it never reaches."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from placet_shared.objects import CsvProvider
from placet_sync_worker.errors import QueryError, UnknownColumnError
from placet_sync_worker.ports import RECORD, Window
from placet_sync_worker.providers.csv.provider import open_csv
from placet_sync_worker.providers.files import sql as file_sql
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.files.source import FileSource
from placet_sync_worker.providers.surroundings import Surroundings

PEOPLE = "id,name,dept,left_at\n1,Ann,Sales,2024-01-31\n2,Bob,Temp,\n003,Cyd,,2024-02-01T08:30:00+02:00\n"
Source = Callable[..., FileSource]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A source over `people.csv`, or a file with another name."""

    def make(content: str = PEOPLE, path: str = "people.csv") -> FileSource:
        (tmp_path / "files").mkdir(exist_ok=True)
        (tmp_path / "spool").mkdir(exist_ok=True)
        (tmp_path / "files" / path).write_text(content)
        provider = CsvProvider(name="hr", type="csv", path=path)
        return open_csv(provider, Surroundings(FilesFolder(tmp_path / "files"), tmp_path, {}, tmp_path / "spool"))

    return make


def select(
    source: FileSource, query: str | None, *columns: str, window: Window | None = None
) -> list[dict[str, object]]:
    names = columns or source.columns(query)
    return [row for page in source.read(names, query, window) for row in page.records.to_pylist()]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT * FROM people WHERE dept <> 'Temp'", ["1"]),
        ("SELECT id FROM records WHERE dept IS DISTINCT FROM 'Temp';", ["1", "003"]),
        ("FROM people ORDER BY id DESC -- the last first", ["2", "1", "003"]),
        ("WITH one AS (SELECT * FROM People) SELECT ID AS id FROM one WHERE Name LIKE 'C%'", ["003"]),
        ("SELECT max(id) AS id FROM people", ["2"]),
        ("SELECT count(*) AS id FROM people", ["3"]),
        ("SELECT id FROM people WHERE false", []),
        ("SELECT id FROM people JOIN records r USING (id) WHERE r.name = 'Bob'", ["2"]),
    ],
)
def test_a_query_gives_its_rows(source: Source, query: str, found: list[str]) -> None:
    assert [row["id"] for row in select(source(), query, "id")] == found


def test_a_query_of_a_name_that_stands_twice_in_the_header_says_where(source: Source) -> None:
    made = source("id,name,name\n1,a,b\n")
    with pytest.raises(UnknownColumnError, match=r"^people: name stands twice in the header, in columns 2 \(B\) and"):
        made.columns("SELECT id, name FROM people")
    with pytest.raises(QueryError, match='"nmae" not found'):
        made.columns("SELECT id, nmae FROM people")


def test_records_stand_in_rows_of_the_query_and_columns_are_its_own(source: Source) -> None:
    made, query = source(), "SELECT name AS who, upper(dept) AS unit, [name, dept] AS both FROM people WHERE id = '1'"
    assert made.columns(query) == ["who", "unit", "both"]
    assert select(made, query) == [
        {RECORD: "row 1 of the query", "who": "Ann", "unit": "SALES", "both": ["Ann", "Sales"]}
    ]


def test_a_name_that_is_no_word_is_quoted(source: Source) -> None:
    made = source(path="new people 2024.csv")
    assert [row["id"] for row in select(made, 'SELECT id FROM "new people 2024" LIMIT 1')] == ["1"]


def test_rows_that_cannot_be_read_are_rejected_once(source: Source) -> None:
    pages = list(source(PEOPLE + "4,x\n").read(["id"], "SELECT id FROM people p WHERE id IN (SELECT id FROM records)"))
    assert [one.record for page in pages for one in page.rejected] == ["line 5"]
    pages = list(source(PEOPLE + "4,x\n").read(["id"], "SELECT id FROM people WHERE false"))
    assert [one.record for page in pages for one in page.rejected] == ["line 5"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT dep FROM people", 'column "dep" not found .* "dept"'),
        ("SELECT * FROM peple", "peple does not exist! Did you mean"),
        ("SELECT FROM", "syntax error"),
        ("", "a query is one SELECT"),
        ("SELECT 1; SELECT 2", "a query is one SELECT"),
        ("SELECT 1) AS q; DROP VIEW people; SELECT * FROM (SELECT 1", "syntax error"),
        ("PRAGMA database_list", "a query is one SELECT"),
        ("SET memory_limit = '9GB'", "a query is one SELECT"),
        ("RESET memory_limit", "a query is one SELECT"),
        ("ATTACH '/tmp/other.db'", "a query is one SELECT"),
        ("COPY people TO '/tmp/out.csv'", "a query is one SELECT"),
        ("INSTALL httpfs", "a query is one SELECT"),
        ("LOAD httpfs", "a query is one SELECT"),
        ("CREATE TABLE x AS SELECT 1", "a query is one SELECT"),
        ("EXPLAIN SELECT 1", "a query is one SELECT"),
        ("CALL pragma_version()", "a query is one SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "file system operations are disabled"),
        ("SELECT * FROM read_text('/etc/passwd')", "file system operations are disabled"),
        ("SELECT * FROM read_blob('/etc/passwd')", "file system operations are disabled"),
        ("SELECT * FROM read_parquet('SPOOL/**/*.parquet')", "file system operations are disabled"),
        ("SELECT * FROM glob('/etc/*')", "file system operations are disabled"),
        ("SELECT * FROM '/etc/passwd'", "does not exist"),
        ("SELECT * FROM read_json_auto('https://example.org/x')", "file system operations are disabled"),
        ("SELECT * FROM query('COPY people TO ''/tmp/x''')", "cannot be run"),
        ("SELECT name AS id FROM duckdb_secrets()", "file system operations are disabled"),
        ("SELECT getenv('HOME')", "getenv does not exist"),
        ("SELECT * FROM pages", "does not exist"),
    ],
)
def test_nothing_else_is_reached(source: Source, tmp_path: Path, query: str, reason: str) -> None:
    made = source()
    with pytest.raises(QueryError, match=f"provider hr: people.csv: .*{reason}"):
        select(made, query.replace("SPOOL", str(tmp_path / "spool")), "id")


def test_a_query_that_takes_too_long_is_ended(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_sql, "QUERY_SECONDS", 0.2)
    made = source("id\n" + "".join(f"{number}\n" for number in range(5_000)))
    with pytest.raises(QueryError, match=r"took longer than 0\.2 s; narrow it"):
        select(made, "SELECT count(*) AS id FROM people a, people b, people c WHERE a.id || b.id <> c.id", "id")


def test_what_does_not_fit_into_memory_goes_to_the_disk(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_sql, "MEMORY", "96MB")
    rows = 120_000
    made = source("id,text\n" + "".join(f"{number},{'x' * 700}{number}\n" for number in range(rows)))
    query = "SELECT text, count(*) AS id FROM people GROUP BY text"
    assert sum(page.records.num_rows for page in made.read(["id"], query)) == rows
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_column_that_a_query_lacks_is_named(source: Source) -> None:
    with pytest.raises(UnknownColumnError, match="the query has no column nme; did you mean name"):
        select(source(), "SELECT name FROM people", "nme")


class TestWindow:
    """Changed records alone."""

    @pytest.mark.parametrize("query", [None, "SELECT * FROM people"])
    @pytest.mark.parametrize(
        ("since", "found"),
        [
            (None, ["1", "2", "003"]),
            ("2024-01-31", ["1", "2", "003"]),
            ("2024-01-31 00:00:01", ["2", "003"]),
            ("2024-02-01 06:30", ["2", "003"]),
            ("2024-02-01T06:30:01Z", ["2"]),
            ("2024-02-01T09:00:00+03:00", ["2", "003"]),
        ],
    )
    def test_stamps_are_compared_as_times(
        self, source: Source, query: str | None, since: str | None, found: list[str]
    ) -> None:
        window = Window("left_at", since)
        assert [row["id"] for row in select(source(), query, "id", "left_at", window=window)] == found

    def test_what_is_no_time_is_compared_as_text(self, source: Source) -> None:
        made = source("id,stamp\n1,rev-07\n2,rev-08\n")
        assert [row["id"] for row in select(made, None, "id", window=Window("stamp", "rev-08"))] == ["2"]

    def test_some_keys_come_whatever_their_stamp(self, source: Source) -> None:
        window = Window("left_at", "2025-01-01", ("id", "name"), (("1", "Ann"), ("003", "Bob")))
        found = select(source(), None, "id", "name", "left_at", window=window)
        assert [(row[RECORD], row["id"]) for row in found] == [("line 2", "1"), ("line 3", "2")]

    def test_a_query_without_the_stamp_is_refused(self, source: Source) -> None:
        with pytest.raises(QueryError, match="the query gives no left_at"):
            select(source(), "SELECT id FROM people", "id", window=Window("left_at", "2024-01-01"))

    def test_a_name_that_stands_twice_in_the_header_is_told(self, source: Source) -> None:
        made = source("id,name,stamp,name,name\n1,a,2024-01-01,b,c\n")
        window = Window("stamp", "2024-01-01", ("id",))
        assert [row["id"] for row in select(made, None, "id", window=window)] == ["1"]
        places = r"people\.csv: name stands 3 times in the header, in columns 2 \(B\), 4 \(D\) and 5 \(E\); rename"
        with pytest.raises(UnknownColumnError, match=places):
            select(made, None, "id", "name", window=window)

    def test_a_record_without_a_stamp_is_in_each_window(self, source: Source) -> None:
        made = source("id,stamp\n1,\n2,2024-01-31\n3,2024-02-01\n")
        assert [row["id"] for row in select(made, None, "id", window=Window("stamp", "2024-02-01"))] == ["1", "3"]
        assert made.stamps("stamp", None).unstamped_come

    def test_a_record_with_a_stamp_that_is_no_time_is_in_each_window_of_times(self, source: Source) -> None:
        made = source("id,stamp\n1,01.03.2026 10:00\n2,2024-01-31\n3,soon\n")
        assert [row["id"] for row in select(made, None, "id", window=Window("stamp", "2024-02-01"))] == ["1", "3"]

    def test_the_clock_of_a_file_is_when_it_was_written(self, source: Source) -> None:
        clock = source().stamps("left_at", None).clock
        assert timedelta(0) <= datetime.now(UTC) - clock < timedelta(minutes=5)
