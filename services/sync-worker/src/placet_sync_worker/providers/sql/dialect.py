"""What databases do each in their own way: limits of a session, texts of values, words of errors."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    Time,
    case,
    cast,
    column,
)
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import CHAR, NCHAR, REAL, TypeEngine, UserDefinedType, _Binary

from .errors import Said, Trouble
from .reading import CursorReader, Reader
from .values import ANYTHING, BOOLEAN, DATE, TIME, Kind, decimal, floating, octets, one_of, timestamp, whole, words

BITS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INTEGER": 32, "INT": 32}


class AsIs(UserDefinedType[Any]):
    """The type of a value that goes to the driver as it is: the column decides what becomes of it."""

    cache_ok = True

    def literal_processor(self, dialect: Any) -> Callable[[Any], str]:
        return lambda value: "'" + str(value).replace("'", "''") + "'"


class Dialect:
    """A database of the usual kind; each real one overrides what it does differently."""

    name = "the database"
    octets: Literal["base64", "hex"] = "hex"
    """How `shown` writes bytes."""
    read_options: Mapping[str, Any] = {}
    """SQLAlchemy's options of a connection that only reads; `write_options`: of one that writes."""
    write_options: Mapping[str, Any] = {"isolation_level": "READ COMMITTED"}
    now = "SELECT CURRENT_TIMESTAMP, CURRENT_TIMESTAMP"
    """Its time, in UTC and as its own clock shows it."""

    # ---- sessions ----------------------------------------------------------------------------------------------------

    def connect_arguments(self, url: Any, seconds: int) -> dict[str, Any]:
        """What the driver is told besides the url; an answer takes `seconds` at most."""
        return {}

    def reading(self, connection: Connection, seconds: float) -> Iterable[str]:
        """Statements that make a session read-only, and break off a query after so long."""
        return ()

    def writing(self, connection: Connection, seconds: float) -> Iterable[str]:
        """Statements that limit a session that writes."""
        return ()

    def began(self) -> Iterable[str]:
        """Statements at the start of a transaction that writes."""
        return ()

    def cut(self, connection: Any) -> None:
        """Ends the driver's connection from another thread, whatever it waits for."""
        connection.close()

    def server_id(self, connection: Connection) -> str:
        """What tells this server from another under the same name."""
        return ""

    def table_id(self, connection: Connection, table: str, schema: str | None) -> str:
        """What tells this table from another under the same name."""
        return ""

    def objection(self, connection: Connection, table: str, schema: str | None) -> str | None:
        """Why rows of the table cannot be written safely, and what to do."""
        return None

    def may_create(self, connection: Connection, schema: str | None) -> bool:
        """Whether the account may make a table beside the others."""
        return False

    # ---- columns -----------------------------------------------------------------------------------------------------

    def kind(self, type_: TypeEngine[Any]) -> Kind:
        """What a type holds."""
        match type_:
            case Boolean():
                return BOOLEAN
            case Enum():
                return one_of(type_.enums)
            case Integer():
                return self.integer(type_)
            case Float():
                return floating(single=isinstance(type_, REAL))
            case Numeric():
                return decimal(type_.precision, type_.scale)
            case Date():
                return DATE
            case DateTime():
                return timestamp(aware=bool(type_.timezone), digits=digits_of(type_))
            case Time():
                return ANYTHING if type_.timezone else TIME
            case LargeBinary() | _Binary():
                return octets(type_.length)
            case String():
                return words(type_.length, padded=isinstance(type_, CHAR | NCHAR))
            case _:
                return ANYTHING

    def integer(self, type_: Integer) -> Kind:
        bits = BITS.get(type_.__visit_name__.upper(), 64)
        if getattr(type_, "unsigned", False):
            return whole(0, 2**bits - 1)
        return whole(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def fold(self, type_: TypeEngine[Any]) -> Callable[[str], str]:
        """Gives equal texts for keys that the database takes for equal."""
        return str

    def shown(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The text of a value, made by the database: what is read, and what is compared when it is written."""
        match column.type:
            case Boolean():
                return case((column.is_(True), "TRUE"), (column.is_(False), "FALSE"))
            case String():
                return column
            case _:
                return cast(column, Text)

    def exactly(self, shown: ColumnElement[Any], value: ColumnElement[Any]) -> ColumnElement[bool]:
        """That two texts are the same to the letter, whatever the collation."""
        return shown == value

    def bound(self, value: Any) -> Any:
        """A value of `Kind.parse` as the driver takes it."""
        return value

    def version(self, connection: Connection, table: str, schema: str | None) -> ColumnElement[Any] | None:
        """What changes with each write to a row; None where there is no such thing."""
        return None

    # ---- queries -----------------------------------------------------------------------------------------------------

    def derived(self, query: str) -> str:
        """A query of people's as a table."""
        return f"({alone(query)}) AS q"

    def reader(self, connection: Connection) -> Reader:
        """Reads rows as texts, page by page."""
        return CursorReader(connection, self.texts)

    def read_as(self, name: str, kind: Any) -> ColumnElement[Any]:
        """What is read of a query's column; `kind`: the driver's code of its type."""
        return column(quoted_name(name, True))

    def is_time(self, kind: Any) -> bool:
        """Whether a query's column holds times that the database compares as such; `kind`: the driver's code."""
        return True

    def since(self, stamp: str) -> Any:
        """A time stamp as it was read, to compare a column with."""
        return stamp

    def texts(self, values: Sequence[Any], kind: Any) -> Sequence[str | None] | None:
        """A column's values as texts where `shown` of `sql_values` would not do; `kind`: the driver's type code."""
        return None

    # ---- errors ------------------------------------------------------------------------------------------------------

    def said(self, error: BaseException) -> Said:
        """What a driver's error is about."""
        return Said(Trouble.OTHER, one_line(str(error)), column_in(str(error)))


def alone(query: str) -> str:
    """A query of people's that others go on after; a comment at its end ends with its line."""
    return f"{query.strip().rstrip(';')}\n"


def digits_of(type_: TypeEngine[Any]) -> int | None:
    """The digits of a second that a type keeps, where it says so."""
    found = getattr(type_, "precision", None)
    found = getattr(type_, "fsp", None) if found is None else found
    return found if isinstance(found, int) else None


def one_line(words: str) -> str:
    return " ".join(words.split())


def column_in(words: str) -> str | None:
    """The column that an error names, if it does."""
    found = re.search(r"""column:? ["'`]?(?:\w+\.)*(\w+)""", words, re.IGNORECASE)
    return found[1] if found else None


def is_moment(stamp: str) -> bool:
    """Whether a text is a date or a time, not a number that happens to look like one."""
    return re.match(r"\d{4}-\d\d-\d\d", stamp) is not None
