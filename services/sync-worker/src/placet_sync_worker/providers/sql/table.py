"""A table as its database describes it: what its columns hold, which of them tell rows apart, what can be written."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Inspector,
    MetaData,
    String,
    Table,
    and_,
    bindparam,
    inspect,
    or_,
)
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import LargeBinary, _Binary

from placet_shared.objects import SqlProvider

from ...errors import UnknownAttributeError
from ...hints import hint, nearest
from ...ports import Attribute
from .dialect import AsIs, Dialect
from .errors import TableUnusableError
from .values import Kind

Texts = tuple[str, ...]


@dataclass(frozen=True)
class TableColumn:
    """One column. `shown` is its text as the database makes it."""

    attribute: Attribute
    kind: Kind
    column: Column[Any]
    shown: ColumnElement[Any]
    needed: bool
    dialect: Dialect

    @property
    def name(self) -> str:
        return self.attribute.name

    @property
    def is_text(self) -> bool:
        return isinstance(self.column.type, String)

    @property
    def in_hex(self) -> bool:
        return self.dialect.octets == "hex" and isinstance(self.column.type, LargeBinary | _Binary)

    def text(self, shown: str | None) -> str | None:
        """What people see of what `shown` gave."""
        if shown is None or not self.in_hex:
            return shown
        return base64.b64encode(bytes.fromhex(shown)).decode()

    def as_shown(self, text: str) -> str:
        """What `shown` gives for what people see."""
        return base64.b64decode(text).hex().upper() if self.in_hex else text

    def value(self, texts: Texts) -> Any:
        """What the driver is given. Without a value: NULL, or the empty text where the column must have one. Raises
        ValueError with the column and the reason."""
        if not texts:
            return None if self.column.nullable or not self.is_text else ""
        try:
            return self.dialect.bound(self.kind.parse(texts[0]))
        except ValueError as error:
            raise ValueError(f"{self.name}: {texts[0]!r} is not allowed here: {error}") from error

    def equals(self, parameter: str) -> ColumnElement[bool]:
        """As the database compares it: by an index, if there is one."""
        return self.column == bindparam(parameter, type_=AsIs())

    def holds(self, texts: Texts, parameter: str) -> ColumnElement[bool]:
        """That the value is still the one that was read, to the letter; NULL and the empty text are no value."""
        if texts:
            return self.dialect.exactly(self.shown, bindparam(parameter, type_=String()))
        if self.is_text:
            return or_(self.column.is_(None), self.dialect.exactly(self.shown, bindparam(parameter, type_=String())))
        return self.column.is_(None)


@dataclass(frozen=True)
class Keyed:
    """What tells rows apart: some columns, by the database itself (`enforced`) or only by what the provider says."""

    columns: tuple[str, ...]
    enforced: bool


class TableShape:
    """A table or a view, looked up. `applied`: the table beside it that keeps what was written."""

    def __init__(self, table: Table, key: Keyed, dialect: Dialect, version: ColumnElement[Any] | None) -> None:
        self.table, self.key, self.dialect, self.version = table, key, dialect, version
        self.columns: Mapping[str, TableColumn] = {
            str(column.name): _column(column, dialect, column.name in key.columns) for column in table.columns
        }

    def named(self, name: str) -> TableColumn:
        """The column, whatever the case in which it is asked for. Raises UnknownAttributeError."""
        if name in self.columns:
            return self.columns[name]
        same = [known for known in self.columns if known.lower() == name.lower()]
        if len(same) == 1:
            return self.columns[same[0]]
        raise UnknownAttributeError(f"the table {self.table.name} has no column {name}; {hint(name, self.columns)}")

    @cached_property
    def ids(self) -> tuple[TableColumn, ...]:
        """The columns of the key."""
        return tuple(self.columns[name] for name in self.key.columns)

    def entry_id(self, shown: Sequence[str | None]) -> str:
        """The id of a row whose key is shown like this."""
        texts = [column.text(one) or "" for column, one in zip(self.ids, shown, strict=True)]
        return texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False)

    def key_of(self, entry_id: str) -> Sequence[str]:
        """The texts that `entry_id` put together."""
        return [entry_id] if len(self.ids) == 1 else [str(one) for one in json.loads(entry_id)]

    def is_row(self, entry_id: str, prefix: str) -> tuple[ColumnElement[bool], dict[str, Any]]:
        """The condition that a row has this id, with its parameters."""
        parts: list[ColumnElement[bool]] = []
        given: dict[str, Any] = {}
        for n, (column, text) in enumerate(zip(self.ids, self.key_of(entry_id), strict=True)):
            parts += [column.equals(f"{prefix}{n}"), column.holds((text,), f"{prefix}{n}_text")]
            given |= {f"{prefix}{n}": column.value((text,)), f"{prefix}{n}_text": column.as_shown(text)}
        return and_(*parts), given

    @cached_property
    def required(self) -> frozenset[str]:
        """The columns that a new row must be given."""
        return frozenset(column.name for column in self.columns.values() if column.needed)


def look_up(
    connection: Connection, provider: SqlProvider, dialect: Dialect, job_key: Sequence[str] | None
) -> TableShape:
    """The provider's table. `job_key` tells its rows apart where the table itself does not say what does. Raises
    TableUnusableError."""
    if provider.table is None:
        raise TableUnusableError(f"provider {provider.name} names no table; give it `table`")
    schema, name = split_name(provider.table)
    inspector = inspect(connection)
    try:
        table = Table(name, MetaData(), schema=schema, autoload_with=connection, resolve_fks=False)
    except NoSuchTableError as error:
        raise TableUnusableError(_missing(inspector, provider, name, schema)) from error
    if objection := dialect.objection(connection, name, schema):
        raise TableUnusableError(f"provider {provider.name}: {provider.table} cannot be a destination: {objection}")
    key = _key(inspector, table, provider, job_key)
    return TableShape(table, key, dialect, dialect.version(connection, name, schema))


def split_name(table: str) -> tuple[str | None, str]:
    """Schema and name; the last dot stands between them."""
    schema, _, name = table.rpartition(".")
    return schema or None, name


def _missing(inspector: Inspector, provider: SqlProvider, name: str, schema: str | None) -> str:
    known = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    near = nearest(name, known)
    what = f"did you mean {near}?" if near else "check its name, its schema and the account's rights"
    return f"provider {provider.name}: there is no table {provider.table}; {what}"


def _key(inspector: Inspector, table: Table, provider: SqlProvider, job_key: Sequence[str] | None) -> Keyed:
    if declared := _declared(inspector, table):
        return Keyed(declared[0], True)
    same = {name.lower(): name for name in table.columns.keys()}  # noqa: SIM118  (they are no mapping's)
    names = tuple(same[name.lower()] for name in job_key or () if name.lower() in same)
    if job_key and len(names) == len(job_key):
        return Keyed(names, False)
    raise TableUnusableError(
        f"provider {provider.name}: {provider.table} has no primary or unique key that tells its rows apart, and the "
        "key of a job is none of its columns; give it one"
    )


def _declared(inspector: Inspector, table: Table) -> list[tuple[str, ...]]:
    """Sets of columns in which the database lets no two rows be equal: the primary key first, then the shortest."""
    primary = tuple(column.name for column in table.primary_key)
    unique = [tuple(one["column_names"]) for one in inspector.get_unique_constraints(table.name, table.schema)]
    for index in inspector.get_indexes(table.name, table.schema):
        partial = any(name.endswith("_where") for name in index.get("dialect_options", {}))
        if index["unique"] and not partial and None not in index["column_names"]:
            unique.append(tuple(str(name) for name in index["column_names"]))
    total = [one for one in unique if not any(table.columns[name].nullable for name in one)]
    return [*([primary] if primary else []), *sorted(set(total), key=lambda one: (len(one), one))]


def _column(column: Column[Any], dialect: Dialect, in_key: bool) -> TableColumn:
    kind = dialect.kind(column.type)
    made = column.computed is not None or _made_always(column, dialect)
    by_itself = made or column.server_default is not None or column.identity is not None or _counted(column)
    attribute = Attribute(
        name=str(column.name), single_valued=True, writable=not made, readable=True, has_equality=True,
        fold=dialect.fold(column.type) if isinstance(column.type, String) else kind.form or str, decode=kind.form,
        longest=kind.longest, refusal="is made by the database itself and cannot be written" if made else None,
    )  # fmt: skip
    needed = not by_itself and (in_key or not column.nullable)
    return TableColumn(attribute, kind, column, dialect.shown(column), needed, dialect)


def _made_always(column: Column[Any], dialect: Dialect) -> bool:
    """Whether the database takes no value of ours."""
    identity = column.identity
    return identity is not None and (bool(identity.always) or dialect.name == "SQL Server")


def _counted(column: Column[Any]) -> bool:
    """Whether the database numbers new rows: the first whole number of a primary key, if it is alone."""
    return column is column.table.autoincrement_column if isinstance(column.table, Table) else False
