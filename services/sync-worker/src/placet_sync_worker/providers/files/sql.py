"""SQL over tables of files: DuckDB, locked down. It reaches the tables that it is given and nothing else."""

# ruff: noqa: S608  # identifiers are quoted; people's own SQL is one SELECT in an engine that reaches nothing

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from ...errors import QueryError
from ...ports import RECORD, Page, Window
from .tables import place_of

MEMORY = "256MB"
QUERY_SECONDS = 120.0
PAGE_ROWS = 5_000
RECORDS = "records"
"""The table that the provider names, whatever it is called."""


def ident(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Engine:
    """One engine. `whose` names the provider in errors; `folder` is an empty one for what does not fit into memory."""

    whose: str
    folder: Path
    db: duckdb.DuckDBPyConnection
    seconds: float
    _numbers: Iterator[int] = field(default_factory=count)

    def declare(self, table: str, columns: Sequence[str]) -> None:
        """A table without its rows: enough to see what a query reads and gives."""
        named = ", ".join(f"{ident(name)} VARCHAR" for name in columns) or "nothing VARCHAR"
        self.db.execute(f"CREATE OR REPLACE TABLE {ident(table)} ({named})")

    def add(self, table: str, source: Any) -> None:
        """The rows of a declared table, as an Arrow table or dataset; `@record` is not shown to queries."""
        hidden = f"placet {next(self._numbers)}"
        self.db.register(hidden, source)
        shown = [name for name in source.schema.names if name != RECORD]
        columns = ", ".join(map(ident, shown)) or "NULL AS nothing"
        self.db.execute(f"DROP TABLE {ident(table)}")
        self.db.execute(f"CREATE VIEW {ident(table)} AS SELECT {columns} FROM {ident(hidden)}")

    def mentioned(self, query: str) -> set[str]:
        """The declared tables that a query reads, in small letters; all where that cannot be told."""
        try:
            found = self.db.get_table_names(self.checked(query))
        except duckdb.Error:  # it does not look tables up, and fails over `JOIN … USING`
            found = {name for (name,) in self.db.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        return {name.lower() for name in found}

    def columns(self, query: str) -> dict[str, str]:
        """The columns that a query gives, with their types."""
        with self._limits():
            described = self.db.execute(f"DESCRIBE SELECT * FROM (\n{self.checked(query)}\n) AS q").fetchall()
        return {str(row[0]): str(row[1]) for row in described}

    def pages(self, query: str, columns: Sequence[str] | None = None, more: str = "") -> Iterator[pa.RecordBatch]:
        """The rows of a query as texts, or lists of texts; read to the end within the time limit, then handed out.
        `more` is SQL of ours that narrows it, with `q` for the query."""
        types = self.columns(query)
        for name in columns or ():
            place_of(list(types), name, f"{self.whose}: the query")
        texts = ", ".join(f"CAST({ident(c)} AS {_text(types[c])}) AS {ident(c)}" for c in columns or types) or "1"
        sql = f"SELECT {texts} FROM (\n{self.checked(query)}\n) AS q {more}"
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix="result-", suffix=".parquet") as spool:
            with self._limits():
                reader = self.db.sql(sql).to_arrow_reader(PAGE_ROWS)
                with pq.ParquetWriter(spool.name, reader.schema) as writer:
                    for batch in reader:
                        writer.write_batch(batch)
            yield from pq.ParquetFile(spool.name).iter_batches(PAGE_ROWS)

    def checked(self, query: str) -> str:
        """The text of one SELECT. Raises QueryError for anything else."""
        try:
            statements = duckdb.extract_statements(query)
        except duckdb.Error as error:
            raise self._said(error) from error
        if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
            raise QueryError(f"{self.whose}: a query is one SELECT, and nothing else")
        return str(statements[0].query).strip().rstrip(";")

    @contextmanager
    def _limits(self) -> Iterator[None]:
        timer = Timer(self.seconds, self.db.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException as error:
            raise QueryError(f"{self.whose}: the query took longer than {self.seconds:g} s; narrow it") from error
        except duckdb.OutOfMemoryException as error:
            raise QueryError(f"{self.whose}: the query needs more than {MEMORY} of memory; narrow it") from error
        except duckdb.Error as error:
            raise self._said(error) from error
        finally:
            timer.cancel()

    def _said(self, error: duckdb.Error) -> QueryError:
        lines = [line.strip() for line in str(error).splitlines()]
        told = " ".join(lines[: lines.index("")] if "" in lines else lines)
        return QueryError(f"{self.whose}: the query cannot be run: {told}")


@contextmanager
def locked_down(whose: str, folder: Path) -> Iterator[Engine]:
    """An engine without files, network, extensions, Python's variables and settings that could be changed."""
    db = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "threads": "2",
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
        }
    )
    try:
        for setting in ("TimeZone = 'UTC'", "enable_external_access = false", "lock_configuration = true"):
            db.execute(f"SET {setting}")
        yield Engine(whose, folder, db, QUERY_SECONDS)
    finally:
        db.close()


def spool_pages(path: Path, columns: Sequence[str], pages: Iterator[Page]) -> ds.Dataset:
    """A table as a file that is read piece by piece. A cell with a fault is empty in it."""
    schema = pa.schema([(name, pa.string()) for name in (RECORD, *columns)])
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        for page in pages:
            writer.write_batch(page.records.cast(schema))
    return ds.dataset(path)


def narrowing(engine: Engine, window: Window, columns: Mapping[str, str]) -> str:
    """The condition of a window: stamps are compared as times where the mark is one (ISO 8601, UTC unless they say
    otherwise), else as texts; a record without a stamp, or with one that is no time, is in each window, so that none is
    lost."""
    if window.since is None:
        return ""
    for name in (window.column, *window.key):
        if name not in columns:
            raise QueryError(
                f"{engine.whose}: the query gives no {name}, by which changed records are found; select it"
            )
    stamp, since = f"CAST(q.{ident(window.column)} AS VARCHAR)", "'" + window.since.replace("'", "''") + "'"
    times = f"coalesce(TRY_CAST({stamp} AS TIMESTAMPTZ) >= TRY_CAST({since} AS TIMESTAMPTZ), true)"
    texts = f"coalesce({stamp} >= {since}, true)"
    newer = f"CASE WHEN TRY_CAST({since} AS TIMESTAMPTZ) IS NULL THEN {texts} ELSE {times} END"
    among = "false"
    if window.key and window.keys:
        names = [f"k{number}" for number in range(len(window.key))]
        keys = pa.table(
            {n: pa.array(c, pa.string()) for n, c in zip(names, zip(*window.keys, strict=True), strict=True)}
        )
        engine.db.register("placet keys", keys)
        equal = " AND ".join(f"k.{n} = CAST(q.{ident(c)} AS VARCHAR)" for n, c in zip(names, window.key, strict=True))
        among = f'EXISTS (SELECT 1 FROM "placet keys" k WHERE {equal})'
    return f"WHERE NOT {newer} AND {among}" if window.older else f"WHERE {newer} OR {among}"


def _text(kind: str) -> str:
    return "VARCHAR[]" if kind.endswith("[]") else "VARCHAR"
