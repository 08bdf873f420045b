"""SQLite."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Text, case, cast, func, literal_column
from sqlalchemy.types import _Binary

from .dialect import Dialect, is_moment, one_line
from .errors import Said, Trouble

BY_NAME = {
    "SQLITE_BUSY": Trouble.LOCKED, "SQLITE_LOCKED": Trouble.LOCKED, "SQLITE_INTERRUPT": Trouble.SLOW,
    "SQLITE_READONLY": Trouble.WRITES, "SQLITE_CANTOPEN": Trouble.RIGHT, "SQLITE_PERM": Trouble.RIGHT,
    "SQLITE_FULL": Trouble.BUSY, "SQLITE_IOERR": Trouble.BUSY,
    "SQLITE_CONSTRAINT_UNIQUE": Trouble.TAKEN, "SQLITE_CONSTRAINT_PRIMARYKEY": Trouble.TAKEN,
}  # fmt: skip


class SQLite(Dialect):
    """A file: opened read-only for reading, and locked for as long as a batch is written."""

    name = "SQLite"
    write_options: Mapping[str, Any] = {}
    now = "SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now'), strftime('%Y-%m-%dT%H:%M:%f', 'now')"

    def cut(self, connection: Any) -> None:
        connection.interrupt()

    def may_create(self, connection: Connection, schema: str | None) -> bool:
        files = connection.exec_driver_sql("PRAGMA database_list").all()
        return all(os.access(row[2], os.W_OK) for row in files if row[1] == "main")

    # ---- columns -----------------------------------------------------------------------------------------------------

    def shown(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A value has a type of its own here, whatever its column's is."""
        if isinstance(column.type, LargeBinary | _Binary):
            return func.hex(column)
        number = func.printf(literal_column("'%!.17g'"), column)
        return case((func.typeof(column) == "real", number), else_=cast(column, Text))

    def bound(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat(" ")
        if isinstance(value, date):
            return value.isoformat()
        return str(value) if isinstance(value, Decimal) else value

    # ---- queries -----------------------------------------------------------------------------------------------------

    def since(self, stamp: str) -> Any:
        """Times are texts here: one with a blank stands before its like with a T, so that none is left out."""
        return stamp.replace("T", " ", 1) if is_moment(stamp) else stamp

    # ---- errors ------------------------------------------------------------------------------------------------------

    def said(self, error: BaseException) -> Said:
        words = one_line(str(error))
        name = str(getattr(error, "sqlite_errorname", ""))
        short = "_".join(name.split("_")[:2])
        trouble = BY_NAME.get(name) or BY_NAME.get(short, Trouble.OTHER)
        if trouble is Trouble.OTHER and words.startswith("no such"):
            trouble = Trouble.MISSING
        column = words.rpartition(".")[2] if "constraint failed: " in words else None
        return Said(trouble, words, column)


def opener(path: str, *, writing: bool, seconds: float) -> Callable[[], sqlite3.Connection]:
    """Opens the file; a lock of somebody else is waited for."""

    def opened() -> sqlite3.Connection:
        mode = "rw" if writing else "ro"
        uri = f"file:{_escaped(path)}?mode={mode}"
        return sqlite3.connect(uri, uri=True, timeout=min(seconds, 5), check_same_thread=False, isolation_level=None)

    return opened


def _escaped(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
