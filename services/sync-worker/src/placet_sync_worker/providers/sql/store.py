"""A table of a database as a destination."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Select, literal, select
from sqlalchemy import column as named
from sqlalchemy import table as named_table
from sqlalchemy import text as plain

from placet_shared.chain import DestinationIdentity
from placet_shared.objects import SqlProvider

from ...errors import InvalidNameError, UnknownObjectTypeError
from ...mapping.columns import as_lists
from ...ports import DN, ID, LISTS, PASSWORDS, VERSION, Attribute, ObjectType, RowsTransaction, Safety
from ..surroundings import Surroundings
from .applied import Applied
from .connecting import Database, open_database
from .dialect import alone
from .table import TableColumn, TableShape, look_up, split_name
from .writing import SqlTransaction, writing_rows

IDS_AT_ONCE = 100


@dataclass(frozen=True)
class SqlStore:
    """A `Destination`, and the store that `RowsWriter` writes to. `server` and `table_id` tell it from others of the
    same name; `keeps_applied`: whether the account has, or may make, `placet_applied`."""

    database: Database
    shape: TableShape
    applied: Applied
    server: str
    table_id: str
    keeps_applied: bool

    # ---- what it is --------------------------------------------------------------------------------------------------

    def identity(self) -> DestinationIdentity:
        url = self.database.reader.url
        return DestinationIdentity(
            url=self.database.provider.url,
            bind_dn=url.username or "",
            base_dn=str(self.database.provider.table),
            base_id="/".join(filter(None, (self.server, self.table_id))),
            server=self.database.dialect.name,
        )

    def safety(self) -> Safety:
        return "value" if self.database.writer.dialect.supports_sane_rowcount else "read_back"

    def attribute(self, name: str) -> Attribute:
        """See `Destination`."""
        return self.shape.named(name).attribute

    @property
    def naming(self) -> None:
        """Rows have their key and no other name."""

    def object_type(self, name: str | None) -> ObjectType:
        if name is not None:
            raise UnknownObjectTypeError(f"object_type: {name}: a table has one kind of rows; leave it out")
        return ObjectType(
            given={}, rdn=None, required=self.shape.required, allowed=frozenset(self.shape.columns),
            query=all_of(self.database, str(self.database.provider.table)), no_creates=self._no_creates(),
        )  # fmt: skip

    def _no_creates(self) -> str | None:
        if self.shape.key.enforced or self.keeps_applied:
            return None
        table = self.database.provider.table
        return (
            f"{table} has no unique key, so that a lost answer could make a row twice; give it one, or let the account "
            "keep a table placet_applied beside it"
        )

    def default_query(self, kind: ObjectType, keys: Sequence[str]) -> str:
        return all_of(self.database, str(self.database.provider.table), keys)

    def whole(self) -> None:
        """Each row stands for itself."""

    def protected(self, dn: str, *, removing: bool) -> bool:
        """No row is more than another."""
        return False

    def close(self) -> None:
        self.database.close()

    # ---- reading -----------------------------------------------------------------------------------------------------

    def read(self, attributes: Sequence[str], query: str | None, base: str | None = None) -> Iterator[pa.RecordBatch]:
        """See `Destination`. A query must give the columns of the table's key; its other columns do not matter."""
        shown = [self.shape.named(name).shown for name in attributes]
        for page in self._pages(self._select(shown).where(*self._where(attributes, query, base))):
            yield self._page(page, attributes)

    def look_up(
        self,
        attributes: Sequence[str],
        query: str | None,
        base: str | None = None,
        *,
        keys: Sequence[Mapping[str, str]] = (),
        ids: Sequence[str] = (),
    ) -> Iterator[pa.RecordBatch]:
        """See `Destination`. A key that the columns do not hold is no row's."""
        within = self._where(attributes, query, base)
        texts = [{name: (text,) for name, text in key.items()} for key in keys]
        with self.database.reading() as connection:
            rows = SqlTransaction(self, connection).either(texts, ids, attributes, within)
            while some := list(islice(rows, IDS_AT_ONCE)):
                columns: dict[str, pa.Array] = {
                    ID: pa.array([row.entry_id for row in some], pa.string()),
                    VERSION: pa.array([row.version for row in some], pa.string()),
                    DN: pa.array([""] * len(some), pa.string()),
                }
                columns |= {name: pa.array([row.values[name] for row in some], LISTS) for name in attributes}
                yield pa.RecordBatch.from_pydict(columns)

    def _where(self, attributes: Sequence[str], query: str | None, base: str | None) -> Sequence[ColumnElement[bool]]:
        if base is not None:
            raise InvalidNameError(f"the container {base}: a table has none; leave destination.container out")
        columns = [self.shape.named(name) for name in attributes]
        if query is None:
            return [column.column.is_not(None) for column in columns]
        return self._within(query, columns)

    def _select(self, shown: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """The key and the version of each row, and some of its texts."""
        version = literal("") if self.shape.version is None else self.shape.version
        parts = [*(column.shown for column in self.shape.ids), version, *shown]
        return select(*(part.label(f"c{n}") for n, part in enumerate(parts))).select_from(self.shape.table)

    def _within(self, query: str, columns: Sequence[TableColumn]) -> Sequence[ColumnElement[bool]]:
        """That a row is one of a query's; the default one is known by its text: the key comes first in what is read."""
        table = str(self.database.provider.table)
        for n in range(len(columns) + 1):
            if query == all_of(self.database, table, [column.name for column in columns[:n]]):
                return [column.column.is_not(None) for column in columns[:n]]
        keys = [column.column for column in self.shape.ids]
        given = plain(alone(query).replace(":", r"\:")).columns(*(named(key.name) for key in keys)).subquery("q")
        if len(keys) == 1:
            return [keys[0].in_(select(*given.c))]
        same = (of_query == key for of_query, key in zip(given.c, keys, strict=True))
        return [select(literal(1)).select_from(given).where(*same).exists()]

    def _pages(self, wanted: Select[Any]) -> Iterator[pa.RecordBatch]:
        names = [f"c{n}" for n in range(len(wanted.selected_columns))]
        with self.database.reading() as connection:
            yield from self.database.dialect.reader(connection).pages(wanted, names)

    def _page(self, page: pa.RecordBatch, attributes: Sequence[str]) -> pa.RecordBatch:
        width = len(self.shape.ids)
        columns: dict[str, pa.Array] = {
            ID: self._entry_ids(page),
            VERSION: page.column(width),
            DN: pa.array([""] * page.num_rows, pa.string()),
        }
        for n, name in enumerate(attributes, width + 1):
            columns[name] = as_lists(self._texts(page.column(n), name))
        return pa.RecordBatch.from_pydict(columns)

    def _entry_ids(self, page: pa.RecordBatch) -> pa.Array:
        if len(self.shape.ids) == 1:
            return self._texts(page.column(0), self.shape.ids[0].name)
        rows = zip(*(page.column(n).to_pylist() for n in range(len(self.shape.ids))), strict=True)
        return pa.array([self.shape.entry_id(row) for row in rows], pa.string())

    def _texts(self, shown: pa.Array, name: str) -> pa.Array:
        column = self.shape.named(name)
        return pa.array(map(column.text, shown.to_pylist()), pa.string()) if column.in_hex else shown

    def holds(self, dn: str) -> bool:
        """Rows have no names."""
        return False

    def hidden(self, attributes: Sequence[str], dn: str) -> Sequence[str]:
        """Rows have no names."""
        return ()

    def images(self, ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
        """See `Destination`. Passwords are left out."""
        names = [name for name in self.shape.columns if not any(word in name.lower() for word in PASSWORDS)]
        with self.database.reading() as connection:
            for start in range(0, len(ids), IDS_AT_ONCE):
                for seen in SqlTransaction(self, connection).with_ids(ids[start : start + IDS_AT_ONCE], names):
                    yield seen.entry_id, {name: values for name, values in seen.values.items() if values}

    # ---- writing -----------------------------------------------------------------------------------------------------

    def writing(self, deadline: float) -> AbstractContextManager[RowsTransaction]:
        """See `RowsStore`."""
        return writing_rows(self, deadline)


def all_of(database: Database, table: str, present: Sequence[str] = ()) -> str:
    """The query of a whole table, for people; `present`: columns that must have a value."""
    schema, name = split_name(table)
    rows = select(plain("*")).select_from(named_table(name, schema=schema))
    rows = rows.where(*(named(one).is_not(None) for one in present))
    return " ".join(str(rows.compile(dialect=database.reader.dialect)).split())


def open_sql(provider: SqlProvider, surroundings: Surroundings, job_key: tuple[str, ...] | None = None) -> SqlStore:
    """The table of a provider, looked up; a job's key tells its rows apart where nothing else does. Raises
    DatabaseErrors that name the provider."""
    database = open_database(provider, surroundings)
    dialect = database.dialect
    schema, name = split_name(provider.table or "")
    try:
        with database.reading() as connection:
            shape = look_up(connection, provider, dialect, job_key)
            applied = Applied(shape.table)
            keeps = provider.applied_table and (applied.exists(connection) or dialect.may_create(connection, schema))
            server, table_id = dialect.server_id(connection), dialect.table_id(connection, name, schema)
    except BaseException:
        database.close()
        raise
    return SqlStore(database, shape, applied, server, table_id, keeps)
