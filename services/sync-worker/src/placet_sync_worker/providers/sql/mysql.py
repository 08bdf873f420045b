"""MySQL and MariaDB."""

import re
import socket
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CHAR, ColumnElement, Connection, DateTime, LargeBinary, String, cast, func, text
from sqlalchemy.dialects.mysql import BIT, TIMESTAMP, TINYINT
from sqlalchemy.types import BINARY, TypeEngine, _Binary

from .dialect import Dialect, column_in, digits_of, is_moment, one_line
from .errors import Said, Trouble
from .values import FLAG, Kind, shown, timestamp, whole

BIT_CODE, TIMESTAMP_CODE = 16, 7
TIMES = frozenset({TIMESTAMP_CODE, 10, 12})
"""Timestamps, dates and both in one."""

BY_NUMBER = {
    1045: Trouble.LOGIN, 1044: Trouble.LOGIN, 1698: Trouble.LOGIN, 1251: Trouble.LOGIN,
    1049: Trouble.MISSING, 1146: Trouble.MISSING, 1054: Trouble.MISSING,
    1142: Trouble.RIGHT, 1143: Trouble.RIGHT, 1227: Trouble.RIGHT, 1370: Trouble.RIGHT,
    1062: Trouble.TAKEN, 1586: Trouble.TAKEN, 1792: Trouble.WRITES,
    1205: Trouble.LOCKED, 1213: Trouble.BUSY, 1040: Trouble.BUSY, 1203: Trouble.BUSY, 1226: Trouble.BUSY,
    1021: Trouble.BUSY, 1114: Trouble.BUSY, 1290: Trouble.BUSY, 1836: Trouble.BUSY,
    1969: Trouble.SLOW, 3024: Trouble.SLOW, 1317: Trouble.SLOW,
    0: Trouble.LOST, 1053: Trouble.LOST, 1927: Trouble.LOST, 2002: Trouble.LOST, 2003: Trouble.LOST, 2006: Trouble.LOST,
    2013: Trouble.LOST, 2014: Trouble.LOST, 2055: Trouble.LOST,
}  # fmt: skip


class MySQL(Dialect):
    name = "MySQL"
    octets = "base64"
    now = (
        "SELECT UTC_TIMESTAMP(6),"
        " COALESCE(CONVERT_TZ(UTC_TIMESTAMP(6), '+00:00', @@global.time_zone), UTC_TIMESTAMP(6))"
    )

    # ---- sessions ----------------------------------------------------------------------------------------------------

    def connect_arguments(self, url: Any, seconds: int) -> dict[str, Any]:
        """A server that asks for the password itself gets it through TLS alone."""
        given: dict[str, Any] = {"connect_timeout": 10, "read_timeout": seconds, "write_timeout": seconds}
        if not any(name.startswith("ssl") for name in url.query):
            given["auth_plugin_map"] = {b"mysql_clear_password": _NoClearPassword}
        return given | {"charset": "utf8mb4"}

    def reading(self, connection: Connection, seconds: float) -> Iterable[str]:
        yield "SET SESSION TRANSACTION READ ONLY"
        yield from self._session(connection, seconds)
        yield f"SET SESSION net_write_timeout = {max(60, round(seconds))}"

    def writing(self, connection: Connection, seconds: float) -> Iterable[str]:
        yield from self._session(connection, seconds)
        yield f"SET SESSION innodb_lock_wait_timeout = {max(1, min(5, int(seconds)))}"
        yield "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')"

    @staticmethod
    def _session(connection: Connection, seconds: float) -> Iterable[str]:
        yield "SET SESSION time_zone = '+00:00'"
        if getattr(connection.dialect, "is_mariadb", False):
            yield f"SET SESSION max_statement_time = {max(1, round(seconds))}"
        else:
            yield f"SET SESSION max_execution_time = {max(1, round(seconds * 1000))}"

    def cut(self, connection: Any) -> None:
        with suppress(OSError, AttributeError):
            connection._sock.shutdown(socket.SHUT_RDWR)

    def server_id(self, connection: Connection) -> str:
        variable = "server_uid" if getattr(connection.dialect, "is_mariadb", False) else "server_uuid"
        found = connection.execute(text("SHOW VARIABLES LIKE :name"), {"name": variable}).first()
        return str(found[1]) if found else ""

    def objection(self, connection: Connection, table: str, schema: str | None) -> str | None:
        engines = text(
            "SELECT t.engine FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine"
            " WHERE t.table_schema = COALESCE(:schema, DATABASE()) AND t.table_name = :table"
            " AND e.transactions <> 'YES'"
        )
        found = connection.execute(engines, {"schema": schema, "table": table}).scalar()
        return found and f"its engine {found} has no transactions; ALTER TABLE {table} ENGINE = InnoDB"

    def may_create(self, connection: Connection, schema: str | None) -> bool:
        rights = text(
            "SELECT 1 FROM information_schema.user_privileges WHERE privilege_type = 'CREATE' UNION"
            " SELECT 1 FROM information_schema.schema_privileges WHERE privilege_type = 'CREATE'"
            " AND COALESCE(:schema, DATABASE()) LIKE table_schema"
        )
        return connection.execute(rights, {"schema": schema}).first() is not None

    # ---- columns -----------------------------------------------------------------------------------------------------

    def kind(self, type_: TypeEngine[Any]) -> Kind:
        match type_:
            case TINYINT() if type_.display_width == 1:
                return FLAG
            case BIT():
                return whole(0, 2 ** (type_.length or 1) - 1)
            case TIMESTAMP():
                return timestamp(aware=True, digits=digits_of(type_) or 0)
            case DateTime():
                return timestamp(aware=False, digits=digits_of(type_) or 0)
            case _:
                return super().kind(type_)

    def fold(self, type_: TypeEngine[Any]) -> Callable[[str], str]:
        collation = str(getattr(type_, "collation", None) or "").lower()
        return _folding(collation) if isinstance(type_, String) and collation else str

    def shown(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        match column.type:
            case BINARY() | LargeBinary() | _Binary():
                return func.replace(func.to_base64(column), "\n", "")
            case BIT():
                return cast(column + 0, CHAR)
            case TIMESTAMP():
                return func.concat(func.replace(cast(column, CHAR), " ", "T"), "+00:00")
            case DateTime():
                return func.replace(cast(column, CHAR), " ", "T")
            case String():
                return column
            case _:
                return cast(column, CHAR)

    def exactly(self, shown: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
        """As octets: collations fold, and most of them take no notice of blanks at the end."""
        return _octets(shown) == _octets(value)

    # ---- queries -----------------------------------------------------------------------------------------------------

    def is_time(self, kind: Any) -> bool:
        return kind in TIMES

    def since(self, stamp: str) -> Any:
        """Sessions are in UTC, where MariaDB understands no offset."""
        if not is_moment(stamp):
            return stamp
        found = datetime.fromisoformat(stamp)
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found

    def texts(self, values: Sequence[Any], kind: Any) -> Sequence[str | None] | None:
        if kind == BIT_CODE:
            return [None if one is None else str(int.from_bytes(one)) for one in values]
        if kind == TIMESTAMP_CODE:
            return [None if one is None else f"{shown(one)}+00:00" for one in values]
        return None

    # ---- errors ------------------------------------------------------------------------------------------------------

    def said(self, error: BaseException) -> Said:
        number, words = error.args if len(error.args) == 2 else (0, str(error))
        words = one_line(str(words)) or "the connection was lost"
        trouble = BY_NUMBER.get(number, Trouble.OTHER) if isinstance(number, int) else Trouble.OTHER
        if isinstance(error, OSError):
            trouble = Trouble.LOST
        return Said(trouble, words, column_in(words))


class _NoClearPassword:
    """Answers a server that asks for the password in clear."""

    def __init__(self, connection: Any) -> None: ...

    def authenticate(self, packet: Any) -> Any:
        raise OSError("the server asks for the password in clear; give ssl_ca in the url")


def _octets(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.convert(value.op("USING")(text("utf8mb4"))), BINARY)


def _folding(collation: str) -> Callable[[str], str]:
    """What a collation takes for equal: case, accents unless it says so, blanks at the end in all but the newest."""
    if collation.endswith("_bin") or collation == "binary":
        return str if collation == "binary" else _without_blanks
    accents = re.search(r"_as_|_cs", collation) is not None
    newest = "_0900_" in collation or "_nopad_" in collation

    def fold(value: str) -> str:
        folded = value if collation.endswith("_cs") else value.casefold()
        folded = folded if accents else _without_accents(folded)
        return folded if newest else _without_blanks(folded)

    return fold


def _without_accents(value: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", value) if not unicodedata.combining(one))


def _without_blanks(value: str) -> str:
    return value.rstrip(" ")
