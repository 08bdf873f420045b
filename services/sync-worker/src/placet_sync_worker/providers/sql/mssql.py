"""SQL Server. Statements are compiled in tests; no server was tried."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Float,
    LargeBinary,
    String,
    Time,
    case,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.mssql import BIT, DATETIMEOFFSET, TIMESTAMP
from sqlalchemy.types import TypeEngine, _Binary

from .dialect import Dialect, column_in, is_moment, one_line
from .errors import Said, Trouble

BY_WORDS = {
    "login failed": Trouble.LOGIN,
    "cannot open database": Trouble.LOGIN,
    "permission was denied": Trouble.RIGHT,
    "invalid object name": Trouble.MISSING,
    "invalid column name": Trouble.MISSING,
    "duplicate key": Trouble.TAKEN,
    "deadlock": Trouble.BUSY,
    "lock request time out": Trouble.LOCKED,
    "timeout expired": Trouble.SLOW,
    "communication link failure": Trouble.LOST,
    "unable to establish connection": Trouble.LOST,
    "server is not found": Trouble.LOST,
    "tcp provider": Trouble.LOST,
}
"""The driver gives no numbers, only words."""


class SqlServer(Dialect):
    """It has no read-only transactions: what a query writes is rolled back, and an account that may only read is the
    real fence."""

    name = "SQL Server"
    now = "SELECT SYSUTCDATETIME(), SYSDATETIME()"

    def writing(self, connection: Connection, seconds: float) -> Iterable[str]:
        yield f"SET LOCK_TIMEOUT {min(5000, max(1, round(seconds * 1000)))}"
        yield "SET XACT_ABORT OFF"

    def server_id(self, connection: Connection) -> str:
        return str(connection.execute(text("SELECT CONCAT(@@SERVERNAME, '/', DB_ID())")).scalar_one())

    def table_id(self, connection: Connection, table: str, schema: str | None) -> str:
        named = text("SELECT OBJECT_ID(CONCAT(QUOTENAME(COALESCE(:schema, SCHEMA_NAME())), '.', QUOTENAME(:name)))")
        return str(connection.execute(named, {"schema": schema, "name": table}).scalar_one())

    def may_create(self, connection: Connection, schema: str | None) -> bool:
        right = text("SELECT HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'CREATE TABLE')")
        return bool(connection.execute(right).scalar_one())

    def fold(self, type_: TypeEngine[Any]) -> Callable[[str], str]:
        """Blanks at the end never count."""
        collation = str(getattr(type_, "collation", None) or "").upper()
        if isinstance(type_, String) and "_CI" in collation:
            return lambda value: value.rstrip(" ").casefold()
        return (lambda value: value.rstrip(" ")) if isinstance(type_, String) else str

    def shown(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        match column.type:
            case TIMESTAMP():
                return _converted(_converted(column, "binary(8)"), "varchar(16)", 2)
            case LargeBinary() | _Binary():
                return _converted(_converted(column, "varbinary(max)"), "varchar(max)", 2)
            case BIT():
                return case((column == literal_column("1"), "TRUE"), (column == literal_column("0"), "FALSE"))
            case DATETIMEOFFSET():
                return func.replace(_converted(column, "varchar(40)", 127), "Z", "+00:00")
            case DateTime():
                return _converted(column, "varchar(40)", 126)
            case Date():
                return _converted(column, "varchar(10)", 23)
            case Time():
                return _converted(column, "varchar(16)", 121)
            case Float():
                return _converted(column, "varchar(40)", 3)
            case String():
                return column
            case _:
                return _converted(column, "nvarchar(max)")

    def exactly(self, shown: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
        """As octets: `=` takes no notice of blanks at the end, whatever the collation."""
        return _octets(shown) == _octets(value)

    def since(self, stamp: str) -> Any:
        return datetime.fromisoformat(stamp) if is_moment(stamp) else stamp

    def said(self, error: BaseException) -> Said:
        words = one_line(str(error))
        trouble = next((found for known, found in BY_WORDS.items() if known in words.lower()), Trouble.OTHER)
        return Said(trouble, words, column_in(words))


def _converted(value: ColumnElement[Any], type_: str, style: int | None = None) -> ColumnElement[Any]:
    styles: tuple[Any, ...] = () if style is None else (literal_column(str(style)),)
    return func.convert(literal_column(type_), value, *styles)


def _octets(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return _converted(_converted(value, "nvarchar(max)"), "varbinary(max)")
