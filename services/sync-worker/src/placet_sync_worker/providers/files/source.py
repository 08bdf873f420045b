"""A file as a source: its table as it is, or what SQL makes of its tables."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from placet_shared.errors import PlacetError

from ...changes import Rejected
from ...errors import QueryError, SourceMovedError, UnknownColumnError
from ...ports import RECORD, Page, Window
from ...stamps import Times
from ...workspace import workspace
from .folder import FilesFolder, FileState
from .sql import RECORDS, Engine, locked_down, narrowing, spool_pages
from .tables import Format, Tables, no_column, once, where


@dataclass(frozen=True)
class FileSource:
    """A `Source` over one file. Without a query: all rows of the table that the provider names.

    In queries all columns are text, an empty cell is NULL, and a row that cannot be read is rejected whatever the query
    asks for.
    """

    format: Format
    files: FilesFolder
    spool: Path

    def default_query(self) -> None:
        """All of the table."""

    def columns(self, query: str | None = None) -> Sequence[str]:
        """The names in the header, or `1`, `2`, … where there is none; with a query, what it gives."""
        with self._opened() as tables:
            if query is None:
                return tables.columns(tables.main)
            with self._engine() as engine:
                _add_headers(engine, tables)
                with _naming_doubles(tables):
                    return list(engine.columns(query))

    def read(self, columns: Sequence[str], query: str | None, window: Window | None = None) -> Iterator[Page]:
        """See `Source`. Raises SourceMovedError where the file changed meanwhile. Only stamps that are times in ISO
        8601 are compared as such."""
        with self._opened() as tables:
            if query is None and (window is None or window.since is None):
                yield from tables.pages(tables.main, columns)
                return
            with self._engine() as engine:
                yield from self._selected(engine, tables, columns, query, window)

    def stamps(self, column: str, query: str | None) -> Times:
        """See `Source`. The clock is the time at which the file was last written: no honest stamp in it is later."""
        return Times(datetime.fromtimestamp(int(self._path().stat().st_mtime), UTC), unstamped_come=True)

    def close(self) -> None: ...

    def _selected(
        self, engine: Engine, tables: Tables, columns: Sequence[str], query: str | None, window: Window | None
    ) -> Iterator[Page]:
        rejected: list[Rejected] = []
        if query is None:
            asked_for = (*columns, window.column, *window.key) if window else columns
            names = list(dict.fromkeys(asked_for))
            engine.db.register("placet rows", self._spooled(engine, tables, tables.main, names, rejected))
            asked = 'SELECT * FROM "placet rows"'
        else:
            self._add_mentioned(engine, tables, query, rejected)
            asked = query
        more = narrowing(engine, window, engine.columns(asked)) if window else ""
        wanted = [*([RECORD] if query is None else []), *columns]
        done = 0
        for batch in engine.pages(asked, list(dict.fromkeys(wanted)), more):
            yield Page(batch if query is None else _numbered(batch, done), tuple(rejected))
            done, rejected = done + batch.num_rows, []
        if rejected:
            yield Page(pa.RecordBatch.from_pydict({name: pa.array([], pa.string()) for name in (RECORD, *columns)}),
                       tuple(rejected))  # fmt: skip

    def _add_mentioned(self, engine: Engine, tables: Tables, query: str, rejected: list[Rejected]) -> None:
        """Only what the query reads is read."""
        _add_headers(engine, tables)
        mentioned = engine.mentioned(query)
        for name in tables.names():
            aliases = [name] if name.lower() != RECORDS else []
            aliases += [RECORDS] if name == tables.main else []
            if not mentioned.isdisjoint(map(str.lower, aliases)):
                data = self._spooled(engine, tables, name, once(tables.columns(name)), rejected)
                for alias in aliases:
                    engine.add(alias, data)

    def _spooled(
        self, engine: Engine, tables: Tables, table: str, columns: Sequence[str], rejected: list[Rejected]
    ) -> Any:
        path = engine.folder / f"table-{tables.names().index(table)}.parquet"
        return spool_pages(path, columns, _without_faults(tables.pages(table, columns), rejected))

    @contextmanager
    def _opened(self) -> Iterator[Tables]:
        path = self._path()
        before = FileState.of(path)
        with closing(self.format.open(path)) as tables:
            yield tables
        if FileState.of(path) != before:
            raise SourceMovedError(f"{where(self.format.provider)} was changed while it was read; it is read again")

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        with workspace(self.spool) as folder, locked_down(where(self.format.provider), folder) as engine:
            yield engine

    def _path(self) -> Path:
        provider = self.format.provider
        return self.files.find(provider.name, provider.path)


def try_file(source: FileSource, header: str) -> list[dict[str, Any]]:
    """What `placet provider test` tries: the header, and the first page of records."""
    try:
        columns = source.columns()
        first = {"step": header, "ok": True, "message": f"columns {', '.join(columns)}"}
        page = next(iter(source.read(once(columns)[:1], None)), None)
        read = page.records.num_rows if page else 0
        return [
            first,
            {"step": "read", "ok": True, "message": f"read a page of {read} record{'' if read == 1 else 's'}"},
        ]
    except PlacetError as error:
        return [{"step": "read", "ok": False, "message": str(error)}]


def _add_headers(engine: Engine, tables: Tables) -> None:
    """All tables without their rows."""
    for name in tables.names():
        engine.declare(name, once(tables.columns(name)))
    engine.declare(RECORDS, once(tables.columns(tables.main)))


@contextmanager
def _naming_doubles(tables: Tables) -> Iterator[None]:
    """A query knows no column whose name stands twice in a header: the engine would call it missing."""
    try:
        yield
    except QueryError as error:
        for table in tables.names():
            columns = tables.columns(table)
            for name in columns:
                if name not in once(columns) and f'"{name}"' in str(error):
                    raise UnknownColumnError(no_column(columns, name, table)) from error
        raise


def _without_faults(pages: Iterator[Page], rejected: list[Rejected]) -> Iterator[Page]:
    """Rows with a fault are rejected: whether the query needs what cannot be read is not known."""
    for page in pages:
        rejected += page.rejected
        bad: dict[int, str] = {}
        for fault in page.faults:
            bad.setdefault(fault.row, f"{fault.column}: {fault.reason}")
        records = page.records
        rejected += [Rejected(records.column(RECORD)[row].as_py(), None, None, why) for row, why in bad.items()]
        kept = records.filter(pa.array([row not in bad for row in range(records.num_rows)])) if bad else records
        yield Page(kept)


def _numbered(batch: pa.RecordBatch, done: int) -> pa.RecordBatch:
    """A row of a query stands in no line of the file."""
    places = pa.array([f"row {done + number + 1} of the query" for number in range(batch.num_rows)], pa.string())
    return pa.RecordBatch.from_arrays([places, *batch.columns], names=[RECORD, *batch.schema.names])
