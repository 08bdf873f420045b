"""What can go wrong with a database. A message is one sentence: what, where, what to do."""

from dataclasses import dataclass
from enum import Enum, auto

from placet_shared.errors import PlacetError

from ...errors import WorkerBusyError, WorkerError


class DatabaseError(PlacetError):
    """The database did not do it."""


class DatabaseUnreachableError(WorkerBusyError, DatabaseError):
    """The database does not answer."""


class DatabaseBusyError(WorkerBusyError, DatabaseError):
    """The database cannot do this just now."""


class LoginRefusedError(WorkerError, DatabaseError):
    """The database does not accept the account."""


class QueryRefusedError(WorkerError, DatabaseError):
    """The database refuses the query."""


class QueryTooSlowError(WorkerError, DatabaseError):
    """The query takes longer than the provider allows."""


class TableUnusableError(WorkerError, DatabaseError):
    """The table cannot be used as a destination."""


class DriverMissingError(WorkerError, DatabaseError):
    """The driver of this database is not installed."""


class Trouble(Enum):
    """What an error of a driver is about."""

    LOST = auto()
    BUSY = auto()
    LOCKED = auto()
    SLOW = auto()
    LOGIN = auto()
    RIGHT = auto()
    WRITES = auto()
    """A read-only session was asked to write."""
    MISSING = auto()
    TAKEN = auto()
    """A key that another row has."""
    OTHER = auto()


@dataclass(frozen=True)
class Said:
    """An error of a driver: what it is about, the server's words in one line, and the column that it names."""

    trouble: Trouble
    words: str
    column: str | None = None


def explained(said: Said, where: str, account: str, timeout: str) -> DatabaseError:
    """The one sentence. `where` is the provider and its host, `timeout` the provider's."""
    words = said.words
    match said.trouble:
        case Trouble.LOST:
            return DatabaseUnreachableError(f"{where} cannot be reached ({words}); check the url, and whether it runs")
        case Trouble.BUSY | Trouble.LOCKED:
            return DatabaseBusyError(f"{where} cannot do it just now ({words}); it is tried again")
        case Trouble.SLOW:
            return QueryTooSlowError(
                f"{where} broke the query off after {timeout} ({words}); give it an index, or raise `timeout`"
            )
        case Trouble.LOGIN:
            return LoginRefusedError(
                f"{where} does not let {account} in ({words}); check the user in the url and the secret"
            )
        case Trouble.RIGHT:
            return QueryRefusedError(f"{where} does not allow it ({words}); grant {account} the right")
        case Trouble.WRITES:
            return QueryRefusedError(f"{where} was asked to write by a query ({words}); write one that only reads")
        case Trouble.MISSING:
            return QueryRefusedError(f"{where} does not know it ({words}); check the table and the query")
        case _:
            return QueryRefusedError(f"{where} refuses the query ({words}); try it with `placet query test`")
