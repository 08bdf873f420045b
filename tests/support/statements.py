"""What the worker says to databases of which no server is at hand: compiled as their drivers get it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, make_url
from sqlalchemy.dialects import mssql, oracle
from sqlalchemy.dialects.mssql import mssqlpython
from sqlalchemy.dialects.oracle import oracledb
from sqlalchemy.schema import CreateTable

from placet_shared.objects import SqlProvider
from placet_sync_worker.providers.sql.applied import Applied
from placet_sync_worker.providers.sql.connecting import DIALECTS, Database
from placet_sync_worker.providers.sql.store import SqlStore
from placet_sync_worker.providers.sql.table import Keyed, TableShape

COMPILERS: Mapping[str, Any] = {"mssql": mssqlpython.dialect, "oracle": oracledb.dialect}
URLS = {"mssql": "mssql://placet@db.example.org/hr", "oracle": "oracle://placet@db.example.org/?service_name=hr"}
_MS: Any = mssql
_ORA: Any = oracle
"""Their types have no types."""

TYPES: Mapping[str, Mapping[str, Any]] = {
    "mssql": {
        "name": _MS.NVARCHAR(20), "notes": _MS.NVARCHAR(None), "photo": _MS.VARBINARY("max"),
        "hired": _MS.DATE(), "seen": _MS.DATETIMEOFFSET(3), "pay": _MS.DECIMAL(10, 2), "active": _MS.BIT(),
        "mark": _MS.TIMESTAMP(), "at": _MS.DATETIME2(3), "share": _MS.FLOAT(), "wakes": _MS.TIME(0),
    },
    "oracle": {
        "name": _ORA.VARCHAR2(20), "notes": _ORA.CLOB(), "photo": _ORA.RAW(200), "hired": _ORA.DATE(),
        "seen": _ORA.TIMESTAMP(timezone=True), "pay": _ORA.NUMBER(10, 2), "at": _ORA.TIMESTAMP(),
        "share": _ORA.BINARY_DOUBLE(),
    },
}  # fmt: skip


class NoRows:
    """The result of what wrote some rows, or of a query that finds none."""

    def __init__(self, rowcount: int) -> None:
        self.rowcount, self.cursor = rowcount, SimpleNamespace(description=())

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    partitions = __iter__


class NoSavepoint:
    is_active = False

    def rollback(self) -> None: ...


@dataclass
class Recorder:
    """A connection that finds nothing and writes all. Keeps each statement in one line; one that lacks a parameter is
    an error."""

    dialect: Any
    said: list[str] = field(default_factory=list)

    def execute(self, statement: Any, parameters: Any = None, **_options: Any) -> NoRows:
        some = parameters if isinstance(parameters, list) else [parameters or {}]
        compiled = statement.compile(dialect=self.dialect, column_keys=list(some[0]) or None)
        for given in some:
            compiled.construct_params(given, _check=True)
        self.said.append(" ".join(str(compiled).split()))
        return NoRows(len(some))

    def exec_driver_sql(self, statement: str, **_options: Any) -> Any:
        self.said.append(" ".join(statement.split()))
        described = [(name, None) for name in ("id", "name", "seen")]
        return SimpleNamespace(cursor=SimpleNamespace(description=described), close=lambda: None)

    def begin_nested(self) -> NoSavepoint:
        return NoSavepoint()


@dataclass(frozen=True)
class Silent:
    """An engine that leads nowhere."""

    dialect: Any
    url: Any


@dataclass(frozen=True)
class RecordedDatabase(Database):
    recorder: Recorder

    @contextmanager
    def reading(self) -> Iterator[Any]:
        yield self.recorder


def recorded(kind: str, *, key: Sequence[str] = ("id",)) -> tuple[SqlStore, Recorder]:
    """A table `hr.people` with a column of each type, as a store; and what is said to its database."""
    compiler = COMPILERS[kind]()
    recorder, engine = Recorder(compiler), Silent(compiler, make_url(URLS[kind]))
    provider = SqlProvider.model_validate({"name": "warehouse", "type": "sql", "url": URLS[kind], "table": "hr.people"})
    columns: list[Column[Any]] = [Column("id", Integer(), primary_key=True), Column("site", String(9), nullable=False)]
    columns += [Column(name, type_) for name, type_ in TYPES[kind].items()]
    table = Table("people", MetaData(), *columns, schema="hr")
    silent: Any = engine
    database = RecordedDatabase(provider, DIALECTS[kind], silent, silent, recorder)
    shape = TableShape(table, Keyed(tuple(key), True), DIALECTS[kind], None)
    return SqlStore(database, shape, Applied(table), "server", "table", True), recorder


def definition(table: Table, kind: str) -> str:
    """CREATE TABLE, in one line."""
    return " ".join(str(CreateTable(table).compile(dialect=COMPILERS[kind]())).split())
