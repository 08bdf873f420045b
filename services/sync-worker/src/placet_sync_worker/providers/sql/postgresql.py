"""PostgreSQL."""

import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from psycopg import Error, pq
from sqlalchemy import ColumnElement, Connection, DateTime, Text, cast, column, func, literal_column, text
from sqlalchemy.dialects.postgresql import BYTEA, CITEXT
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import CHAR, TypeEngine

from .copy import CopyReader
from .dialect import Dialect, column_in, one_line
from .errors import Said, Trouble
from .values import Kind, words

SHAPES: dict[int, Callable[[ColumnElement[Any]], ColumnElement[Any]]] = {
    16: lambda value: func.upper(cast(value, Text)),
    17: lambda value: func.replace(func.encode(value, "base64"), "\n", ""),
    1042: lambda value: cast(value, Text),
    1114: lambda value: func.replace(cast(value, Text), " ", "T"),
    1184: lambda value: func.replace(cast(value, Text), " ", "T"),
}
"""How values of a type (boolean, bytea, character, both timestamps) become text, where not as they are sent anyway."""

TIMES = frozenset({1082, 1114, 1184})
"""Dates and both timestamps."""

BY_STATE = {
    "08": Trouble.LOST, "28": Trouble.LOGIN, "40": Trouble.BUSY, "53": Trouble.BUSY, "57": Trouble.LOST,
    "58": Trouble.BUSY,
    "25006": Trouble.WRITES, "42501": Trouble.RIGHT, "57014": Trouble.SLOW, "55P03": Trouble.LOCKED,
    "42P01": Trouble.MISSING, "42703": Trouble.MISSING, "3F000": Trouble.MISSING, "3D000": Trouble.MISSING,
    "23505": Trouble.TAKEN, "23P01": Trouble.TAKEN,
}  # fmt: skip
"""SQLSTATEs and classes of them."""

AT_LOGIN = {
    "authentication failed": Trouble.LOGIN,
    "no pg_hba.conf entry": Trouble.LOGIN,
    "no password supplied": Trouble.LOGIN,
    "authentication method requirement": Trouble.LOGIN,
    "does not exist": Trouble.MISSING,
    "permission denied for database": Trouble.RIGHT,
    "is not currently accepting connections": Trouble.RIGHT,
}
"""While a connection opens, the driver gives words alone."""


class PostgreSQL(Dialect):
    name = "PostgreSQL"
    octets = "base64"
    read_options: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    now = (
        "SELECT now() AT TIME ZONE 'UTC',"
        " now() AT TIME ZONE (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone')"
    )

    # ---- sessions ----------------------------------------------------------------------------------------------------

    def connect_arguments(self, url: Any, seconds: int) -> dict[str, Any]:
        """A server that asks for the password itself gets it through TLS alone."""
        given = {"connect_timeout": 10, "tcp_user_timeout": 1000 * seconds, "application_name": "placet"}
        secure = url.query.get("sslmode") in ("require", "verify-ca", "verify-full")
        if not secure and "require_auth" not in url.query and pq.version() >= 160000:
            given["require_auth"] = "!password"
        return {name: value for name, value in given.items() if name not in url.query}

    def reading(self, connection: Connection, seconds: float) -> Iterable[str]:
        yield from self._session()
        yield f"SET statement_timeout = {round(seconds * 1000)}"

    def writing(self, connection: Connection, seconds: float) -> Iterable[str]:
        yield from self._session()
        limit = max(1, round(seconds * 1000))
        yield f"SET statement_timeout = {limit}"
        yield f"SET lock_timeout = {min(limit, 5000)}"

    def began(self) -> Iterable[str]:
        """What only COMMIT would refuse would be refused to the whole batch."""
        yield "SET CONSTRAINTS ALL IMMEDIATE"

    @staticmethod
    def _session() -> Iterable[str]:
        """Texts of values are the same whatever the account's settings are."""
        yield "SET TimeZone = 'UTC'"
        yield "SET DateStyle = 'ISO'"
        yield "SET IntervalStyle = 'iso_8601'"
        yield "SET client_encoding = 'UTF8'"
        yield "SET standard_conforming_strings = on"

    def cut(self, connection: Any) -> None:
        with socket.socket(fileno=socket.dup(connection.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)

    def server_id(self, connection: Connection) -> str:
        found = connection.execute(
            text(
                "SELECT system_identifier, oid FROM pg_control_system(), pg_database WHERE datname = current_database()"
            )
        )
        return "/".join(map(str, found.one()))

    def table_id(self, connection: Connection, table: str, schema: str | None) -> str:
        return str(connection.execute(*_regclass("SELECT CAST({} AS oid)", table, schema)).scalar_one())

    def may_create(self, connection: Connection, schema: str | None) -> bool:
        right = text("SELECT has_schema_privilege(coalesce(:schema, current_schema()), 'CREATE')")
        return bool(connection.execute(right, {"schema": schema}).scalar_one())

    # ---- columns -----------------------------------------------------------------------------------------------------

    def kind(self, type_: TypeEngine[Any]) -> Kind:
        if isinstance(type_, CHAR):
            return words(type_.length or 1, padded=True)
        return super().kind(type_)

    def fold(self, type_: TypeEngine[Any]) -> Callable[[str], str]:
        return str.casefold if isinstance(type_, CITEXT) else str

    def shown(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        match column.type:
            case BYTEA():
                return SHAPES[17](column)
            case CHAR():
                return cast(column, Text)
            case DateTime():
                return SHAPES[1114](column)
            case _:
                return super().shown(column)

    def exactly(self, shown: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
        return cast(shown, Text).collate("C") == value

    def version(self, connection: Connection, table: str, schema: str | None) -> ColumnElement[Any] | None:
        kind = connection.execute(*_regclass("SELECT relkind FROM pg_class WHERE oid = {}", table, schema)).scalar()
        return cast(literal_column("xmin"), Text) if kind in (b"r", b"p", "r", "p") else None

    # ---- queries -----------------------------------------------------------------------------------------------------

    def reader(self, connection: Connection) -> CopyReader:
        return CopyReader(connection)

    def is_time(self, kind: Any) -> bool:
        return kind in TIMES

    def read_as(self, name: str, kind: Any) -> ColumnElement[Any]:
        value: ColumnElement[Any] = column(quoted_name(name, True))
        return SHAPES[kind](value) if kind in SHAPES else value

    # ---- errors ------------------------------------------------------------------------------------------------------

    def said(self, error: BaseException) -> Said:
        if not isinstance(error, Error) or error.sqlstate is None:
            words = one_line(str(error))
            trouble = next((trouble for known, trouble in AT_LOGIN.items() if known in words), Trouble.LOST)
            return Said(trouble, words.partition("connection to server")[2].partition("failed: ")[2] or words)
        state, about = error.sqlstate, error.diag
        words = one_line(". ".join(filter(None, (about.message_primary or str(error), about.message_hint))))
        trouble = BY_STATE.get(state) or BY_STATE.get(state[:2], Trouble.OTHER)
        return Said(trouble, words, about.column_name or column_in(words))


def _regclass(sql: str, table: str, schema: str | None) -> tuple[Any, dict[str, Any]]:
    """A statement about a table, and its parameters."""
    name = "quote_ident(:table)" if schema is None else "quote_ident(:schema) || '.' || quote_ident(:table)"
    given = {"table": table} if schema is None else {"table": table, "schema": schema}
    return text(sql.format(f"CAST({name} AS regclass)")), given
