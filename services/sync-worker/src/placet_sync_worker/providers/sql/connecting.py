"""Opens databases: a connection for each piece of work, limited in time; errors come out as one sentence."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from placet_shared.clock import boot_seconds
from placet_shared.objects import SqlProvider
from placet_shared.objects.base import format_duration
from placet_shared.objects.provider import SQL_DRIVERS

from ..files.folder import FilesFolder
from ..surroundings import Surroundings
from .dialect import Dialect
from .errors import (
    DatabaseBusyError,
    DatabaseError,
    DriverMissingError,
    Said,
    Trouble,
    explained,
)
from .mssql import SqlServer
from .mysql import MySQL
from .oracle import Oracle
from .postgresql import PostgreSQL
from .sqlite import SQLite, opener

DIALECTS: Mapping[str, Dialect] = {
    "postgresql": PostgreSQL(),
    "mysql": MySQL(),
    "mariadb": MySQL(),
    "sqlite": SQLite(),
    "mssql": SqlServer(),
    "oracle": Oracle(),
}
GRACE = 5
"""Seconds that a server has to break a query off by itself before its connection is cut."""


@dataclass(frozen=True)
class Database:
    """A provider's database. `reader` and `writer` open it under the same account."""

    provider: SqlProvider
    dialect: Dialect
    reader: Engine
    writer: Engine

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"provider {self.provider.name}: {self.dialect.name} at {self.reader.url.host or self.provider.url}"

    @property
    def account(self) -> str:
        return self.reader.url.username or "the account"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction that sees one state; no query takes longer than the provider's timeout."""
        seconds = self.provider.timeout.total_seconds()
        with self._connected(self.reader, seconds, self.dialect.read_options) as connection:
            for statement in self.dialect.reading(connection, seconds):
                connection.exec_driver_sql(statement)
            yield connection

    @contextmanager
    def writing(self, deadline: float) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block, before the deadline (CLOCK_BOOTTIME). Raises
        TransientErrors where it is not known whether it was."""
        seconds = deadline - boot_seconds()
        if seconds <= 0:
            raise DatabaseBusyError(f"{self.where}: no time was left; it is tried again")
        with self._connected(self.writer, seconds, self.dialect.write_options) as connection:
            for statement in self.dialect.writing(connection, seconds):
                connection.exec_driver_sql(statement)
            connection.commit()
            with connection.begin():
                for statement in self.dialect.began():
                    connection.exec_driver_sql(statement)
                yield connection
                self.check(deadline)

    def check(self, deadline: float) -> None:
        """Raises DatabaseBusyError when nothing may be sent any more."""
        if boot_seconds() >= deadline:
            raise DatabaseBusyError(f"{self.where}: the time was up; it is tried again")

    @contextmanager
    def _connected(self, engine: Engine, seconds: float, options: Mapping[str, Any]) -> Iterator[Connection]:
        try:
            with engine.execution_options(**options).connect() as connection:
                driver = connection.connection.driver_connection
                with cut_after(self.dialect, driver, seconds + (GRACE if engine is self.reader else 0)):
                    try:
                        yield connection
                    finally:
                        connection.invalidate()  # what is left of a result is not waited for
        except (DBAPIError, psycopg.Error, OSError) as error:
            raise self.explained(error) from error

    def said(self, error: BaseException) -> Said:
        """What a driver's or SQLAlchemy's error is about."""
        own = getattr(error, "orig", None) or error
        said = self.dialect.said(own)
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        return Said(Trouble.LOST, said.words) if lost and said.trouble is Trouble.OTHER else said

    def explained(self, error: BaseException) -> DatabaseError:
        return explained(self.said(error), self.where, self.account, format_duration(self.provider.timeout))

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


@contextmanager
def cut_after(dialect: Dialect, driver: Any, seconds: float) -> Iterator[None]:
    """Cuts a connection whose server has not answered by then: it may hang, or its host be gone."""

    def cut() -> None:
        with suppress(Exception):  # it may have ended in this very moment
            dialect.cut(driver)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def open_database(provider: SqlProvider, surroundings: Surroundings) -> Database:
    """Connects to nothing yet. Raises SecretMissingError, SourceFileError and DriverMissingError."""
    dialect = DIALECTS[provider.database]
    if provider.database == "sqlite":
        return _file(provider, dialect, surroundings.files)
    url = make_url(provider.url)
    password = surroundings.secret(provider.password, _hosts_of(url)) if provider.password else None
    driver = "mysql" if provider.database == "mariadb" else provider.database
    url = url.set(drivername=f"{driver}+{SQL_DRIVERS[provider.database]}", password=password)
    seconds = GRACE + int(provider.timeout.total_seconds())
    arguments = dialect.connect_arguments(url, seconds)
    try:
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        extra = driver
        raise DriverMissingError(
            f"provider {provider.name}: the driver {SQL_DRIVERS[provider.database]} is not installed; install "
            f"placet-sync-worker[{extra}]"
        ) from error
    except (ArgumentError, ValueError) as error:
        raise DriverMissingError(f"provider {provider.name}: the url cannot be used ({error}); correct it") from error
    return Database(provider, dialect, engine, engine)


def _hosts_of(url: URL) -> str:
    """Where a password goes, by all that the URL says: options of a driver may name another host."""
    named = [str(value) for name, value in url.query.items() if _LEADS_ELSEWHERE.match(name.lower())]
    return ",".join([url.host or "localhost", *named])


_LEADS_ELSEWHERE = re.compile(r"(?!ssl).*(host|server|addr|service|partner|proxy|dsn)")


def _file(provider: SqlProvider, dialect: Dialect, files: FilesFolder) -> Database:
    """SQLAlchemy's own way to begin transactions would let reads of a batch see what others write meanwhile."""
    path = str(files.find(provider.name, str(make_url(provider.url).database)))
    engines = []
    for writing in (False, True):
        creator = opener(path, writing=writing, seconds=provider.timeout.total_seconds())
        engine = create_engine("sqlite://", creator=creator, poolclass=NullPool, hide_parameters=True)
        event.listen(engine, "begin", _begin_immediate if writing else _begin)
        engines.append(engine)
    return Database(provider, dialect, *engines)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
