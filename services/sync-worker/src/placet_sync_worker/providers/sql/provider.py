"""Databases as sources: a table's rows or what a query gives, read by the server in a read-only transaction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Select, and_, literal, or_, select
from sqlalchemy import column as named
from sqlalchemy import text as plain
from sqlalchemy.sql.elements import quoted_name

from placet_shared.errors import PlacetError
from placet_shared.objects import SqlProvider

from ...errors import UnknownColumnError, UnusableJobError
from ...hints import nearest
from ...ports import RECORD, Page, Window
from ...stamps import Times, times_by
from ..surroundings import Surroundings
from .connecting import Database, open_database
from .dialect import AsIs
from .errors import QueryRefusedError
from .reading import Reader, numbered
from .store import SqlStore, all_of, open_sql

KEYS_AT_ONCE = 500
"""Keys that one query asks for: each database has another limit, and the lowest is 1,000."""


@dataclass(frozen=True)
class SqlSource:
    """A `Source` over a database. The empty text is no value."""

    database: Database

    def default_query(self) -> str | None:
        """All of the table; None where the provider names none."""
        table = self.database.provider.table
        return all_of(self.database, table) if table else None

    def columns(self, query: str | None = None) -> Sequence[str]:
        """See `Source`. Raises DatabaseErrors."""
        derived = self._derived(query)
        with self.database.reading() as connection:
            return [name for name, _ in self._reader(connection).columns(derived)]

    def read(self, columns: Sequence[str], query: str | None, window: Window | None = None) -> Iterator[Page]:
        """See `Source`. Raises DatabaseErrors and UnknownColumnError. A window is asked for by its stamps first, then
        by keys, so that each query has its index."""
        derived, first = self._derived(query), 1
        with self.database.reading() as connection:
            reader = self._reader(connection)
            kinds = self._kinds(reader, derived, [*columns, *((window.column, *window.key) if window else ())])
            values = [self.database.dialect.read_as(name, kinds[name]) for name in columns] or [literal(1)]
            for condition in self._conditions(window):
                wanted: Select[Any] = select(*values).select_from(_table(derived)).where(*condition)
                for page in reader.pages(wanted, columns or ["1"]):
                    records = [numbered(first, page.num_rows), *(page.columns if columns else ())]
                    yield Page(pa.RecordBatch.from_arrays(records, names=[RECORD, *columns]))
                    first += page.num_rows

    def stamps(self, column: str, query: str | None) -> Times:
        """See `Source`. Raises DatabaseErrors and UnknownColumnError."""
        derived = self._derived(query)
        with self.database.reading() as connection:
            kind = self._kinds(self._reader(connection), derived, [column])[column]
        if not self.database.dialect.is_time(kind):
            raise UnusableJobError(
                f"time_stamp: {column} is no date or time to the database; name a column that is, or make one in the"
                " query, as in CAST(changed AS timestamp)"
            )
        return times_by(self.clock())

    def clock(self) -> str:
        """The server's time with its own offset: stamps without one are by its local time."""
        with self.database.reading() as connection:
            utc, local = map(_moment, connection.exec_driver_sql(self.database.dialect.now).one())
        return local.replace(tzinfo=timezone(local - utc)).isoformat()

    def close(self) -> None:
        self.database.close()

    def _derived(self, query: str | None) -> str:
        asked = query or self.default_query()
        if asked is None:
            name = self.database.provider.name
            raise QueryRefusedError(f"provider {name} names no table; give it `table`, or the job a query")
        return self.database.dialect.derived(asked)

    def _reader(self, connection: Connection) -> Reader:
        return self.database.dialect.reader(connection)

    def _kinds(self, reader: Reader, derived: str, wanted: Iterable[str]) -> dict[str, Any]:
        """The driver's codes of types by column. Raises UnknownColumnError where one is not there exactly once."""
        found = reader.columns(derived)
        names = [name for name, _ in found]
        for name in wanted:
            if names.count(name) != 1:
                raise UnknownColumnError(self._not_one(name, names))
        return dict(found)

    def _not_one(self, name: str, names: list[str]) -> str:
        where = f"provider {self.database.provider.name}: the query"
        if name in names:
            return f"{where} gives {names.count(name)} columns named {name}; give each a name of its own"
        near = nearest(name, names)
        return f"{where} gives no column {name}; " + (f"did you mean {near}?" if near else ", ".join(names))

    def _conditions(self, window: Window | None) -> Iterator[Sequence[ColumnElement[bool]]]:
        """What to ask for, one query after another; no row is in two of them."""
        if window is None or window.since is None:
            yield ()
            return
        stamp = _column(window.column)
        since = literal(self.database.dialect.since(window.since), AsIs())
        if not window.older:
            yield (stamp >= since,)
        for start in range(0, len(window.keys), KEYS_AT_ONCE):
            keys = window.keys[start : start + KEYS_AT_ONCE]
            yield _among(window.key, keys), or_(stamp < since, stamp.is_(None))


def _column(name: str) -> ColumnElement[Any]:
    return named(quoted_name(name, True))


def _among(names: Sequence[str], keys: Sequence[tuple[str, ...]]) -> ColumnElement[bool]:
    columns = [_column(name) for name in names]
    if len(columns) == 1:
        return columns[0].in_([literal(key[0], AsIs()) for key in keys])
    return or_(*(and_(*(c == literal(one, AsIs()) for c, one in zip(columns, key, strict=True))) for key in keys))


def _table(derived: str) -> Any:
    """A query in brackets, whose colons are no parameters."""
    return plain(derived.replace(":", r"\:"))


def _moment(value: Any) -> datetime:
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found.replace(tzinfo=None)


def open_sql_source(provider: SqlProvider, surroundings: Surroundings) -> SqlSource:
    """The source of a provider; it connects when it is asked."""
    return SqlSource(open_database(provider, surroundings))


def try_sql(provider: SqlProvider, surroundings: Surroundings) -> list[dict[str, Any]]:
    """What `placet provider test` tries, up to what fails: the connection, the table as a source, as a destination."""
    steps: list[dict[str, Any]] = []
    try:
        source = open_sql_source(provider, surroundings)
        steps.append(_ok("connect", f"connected; the server's time is {source.clock()}"))
        if provider.table is None:
            return steps
        steps.append(_ok("table", f"columns {', '.join(source.columns())}"))
        page = next(iter(source.read(source.columns()[:1], None)), None)
        steps.append(_ok("read", f"read a page of {page.records.num_rows if page else 0} rows"))
        steps.append(_as_destination(provider, surroundings))
    except PlacetError as error:
        step = ("connect", "table", "read", "write")[len(steps)]
        steps.append({"step": step, "ok": False, "message": str(error)})
    return steps


_HOW = {
    "value": "writes compare the old values",
    "read_back": "the database does not count rows, so that they are read before and after they are written",
}


def _as_destination(provider: SqlProvider, surroundings: Surroundings) -> dict[str, Any]:
    """What it lacks as a destination does not matter to a source."""
    try:
        store: SqlStore = open_sql(provider, surroundings)
    except PlacetError as error:
        return _ok("write", f"as a source only: {error}")
    kept = "lost answers are settled by placet_applied" if store.keeps_applied else "lost answers are settled by values"
    return _ok("write", f"rows are told apart by {', '.join(store.shape.key.columns)}; {_HOW[store.safety()]}; {kept}")


def _ok(step: str, message: str) -> dict[str, Any]:
    return {"step": step, "ok": True, "message": message}
