"""Oracle, by the thin driver. Statements are compiled in tests; no server was tried."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.oracle import DATE, TIMESTAMP
from sqlalchemy.types import TypeEngine, _Binary

from .dialect import Dialect, column_in, is_moment, one_line
from .errors import Said, Trouble
from .values import Kind, timestamp

BY_CODE = {
    "ORA-01017": Trouble.LOGIN, "ORA-28000": Trouble.LOGIN, "ORA-28001": Trouble.LOGIN, "ORA-01045": Trouble.LOGIN,
    "ORA-00942": Trouble.MISSING, "ORA-00904": Trouble.MISSING, "ORA-12514": Trouble.MISSING,
    "DPY-6001": Trouble.MISSING,
    "ORA-01031": Trouble.RIGHT, "ORA-41900": Trouble.RIGHT, "ORA-01456": Trouble.WRITES,
    "ORA-00001": Trouble.TAKEN, "ORA-00060": Trouble.BUSY, "ORA-08177": Trouble.BUSY, "ORA-01653": Trouble.BUSY,
    "ORA-00054": Trouble.LOCKED, "ORA-30006": Trouble.LOCKED, "DPY-4024": Trouble.SLOW, "ORA-01013": Trouble.SLOW,
    "ORA-03113": Trouble.LOST, "ORA-03114": Trouble.LOST, "ORA-12170": Trouble.LOST, "ORA-12541": Trouble.LOST,
    "DPY-4011": Trouble.LOST, "DPY-1001": Trouble.LOST, "DPY-6005": Trouble.LOST,
}  # fmt: skip


class Oracle(Dialect):
    name = "Oracle"
    now = "SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP), CAST(SYSTIMESTAMP AS TIMESTAMP) FROM DUAL"

    def reading(self, connection: Connection, seconds: float) -> Iterable[str]:
        self._limit(connection, seconds)
        yield from self._session()
        yield "SET TRANSACTION READ ONLY"

    def writing(self, connection: Connection, seconds: float) -> Iterable[str]:
        self._limit(connection, seconds)
        yield from self._session()

    @staticmethod
    def _session() -> Iterable[str]:
        """Texts are compared and written the same whatever the account's settings are."""
        yield "ALTER SESSION SET NLS_COMP = BINARY NLS_SORT = BINARY NLS_NUMERIC_CHARACTERS = '.,' TIME_ZONE = '+00:00'"

    @staticmethod
    def _limit(connection: Connection, seconds: float) -> None:
        driver: Any = connection.connection.driver_connection
        driver.call_timeout = max(1, round(seconds * 1000))

    def cut(self, connection: Any) -> None:
        connection.cancel()

    def server_id(self, connection: Connection) -> str:
        names = "SYS_CONTEXT('USERENV', 'DB_UNIQUE_NAME') || '/' || SYS_CONTEXT('USERENV', 'CON_NAME')"
        return str(connection.execute(text(f"SELECT {names} FROM DUAL")).scalar_one())  # noqa: S608  (names of ours)

    def may_create(self, connection: Connection, schema: str | None) -> bool:
        right = text("SELECT 1 FROM session_privs WHERE privilege IN ('CREATE TABLE', 'CREATE ANY TABLE')")
        return schema is None and connection.execute(right).first() is not None

    # ---- columns -----------------------------------------------------------------------------------------------------

    def kind(self, type_: TypeEngine[Any]) -> Kind:
        if isinstance(type_, DATE):
            return timestamp(aware=False, digits=0)
        return super().kind(type_)

    def shown(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        match column.type:
            case LargeBinary() | _Binary():
                return func.rawtohex(column)
            case TIMESTAMP() if column.type.timezone or column.type.local_timezone:
                return func.to_char(func.sys_extract_utc(column), 'YYYY-MM-DD"T"HH24:MI:SS.FF6"+00:00"')
            case TIMESTAMP():
                return func.to_char(column, 'YYYY-MM-DD"T"HH24:MI:SS.FF6')
            case DateTime():
                return func.to_char(column, 'YYYY-MM-DD"T"HH24:MI:SS')
            case Integer() | Float() | Numeric():
                return func.to_char(column, "TM9")
            case String():
                return column
            case _:
                return func.to_char(column)

    def exactly(self, shown: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
        """`=` is not for large objects."""
        if isinstance(shown.type, Text):
            return func.dbms_lob.compare(shown, func.to_clob(value)) == literal_column("0")
        return super().exactly(shown, value)

    # ---- queries -----------------------------------------------------------------------------------------------------

    def derived(self, query: str) -> str:
        return super().derived(query).replace(") AS q", ") q")

    def since(self, stamp: str) -> Any:
        return datetime.fromisoformat(stamp) if is_moment(stamp) else stamp

    def said(self, error: BaseException) -> Said:
        words = one_line(str(error))
        code = re.search(r"(?:ORA|DPY)-\d+", words)
        return Said(BY_CODE.get(code[0], Trouble.OTHER) if code else Trouble.OTHER, words, column_in(words))
