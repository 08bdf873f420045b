"""Microsoft Access databases, .accdb and .mdb, as source and destination."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from placet_shared.errors import PlacetError
from placet_shared.objects import AccessProvider

from ...errors import EmptySourceError, SourceFileError
from ...ports import RECORD, Attribute, Page
from ..files.destination import FileDestination
from ..files.source import FileSource, try_file
from ..files.tables import Edits, Refusals, column_attribute, place_of, table_named, where
from ..surroundings import Surroundings
from .jackcess import explained, jackcess, java, new_database, open_database, reason_of
from .values import KNOWN, Column

PAGE_ROWS = 1_000
NEW_TABLE = "records"


@dataclass(frozen=True)
class AccessTables:
    """The tables of an open database; those that are linked from elsewhere are none of it."""

    provider: AccessProvider
    database: Any
    _columns: dict[str, Mapping[str, Column]] = field(default_factory=dict)

    @cached_property
    def main(self) -> str:
        """The table that the provider names, or the only one. Raises SourceFileError."""
        names, wanted = self.names(), self.provider.table
        if not names:
            raise EmptySourceError(f"{where(self.provider)} has no tables of its own")
        if wanted is None and len(names) == 1:
            return names[0]
        if wanted is None:
            raise SourceFileError(f"{where(self.provider)} has several tables: {', '.join(names)}; set `table` to one")
        return table_named(wanted, names, where(self.provider), "table")

    def names(self) -> Sequence[str]:
        with explained(where(self.provider)):
            names = [str(name) for name in self.database.getTableNames()]
            return [name for name in names if not self.database.getTableMetaData(name).isLinked()]

    def columns(self, table: str) -> Sequence[str]:
        """See `Tables`: those that hold text, numbers, dates, yes or no."""
        return list(self.typed(table))

    def typed(self, table: str) -> Mapping[str, Column]:
        if table not in self._columns:
            with explained(where(self.provider)):
                found = [Column.of(one) for one in self.database.getTable(table).getColumns()]
            self._columns[table] = {column.name: column for column in found if column.type in KNOWN}
        return self._columns[table]

    def pages(self, table: str, columns: Sequence[str]) -> Iterator[Page]:
        """See `Tables`."""
        names, typed = self.columns(table), self.typed(table)
        for column in columns:
            place_of(names, column, f"{where(self.provider)}: table {table}")
        wanted = [(name, typed[name].text) for name in columns]
        done = 0
        with explained(where(self.provider)):
            rows = self.rows(table, columns)
            while some := list(islice(rows, PAGE_ROWS)):
                places = pa.array([f"record {done + number + 1}" for number in range(len(some))], pa.string())
                arrays = [pa.array([text(row.get(name)) or None for row in some], pa.string()) for name, text in wanted]
                yield Page(pa.RecordBatch.from_arrays([places, *arrays], names=[RECORD, *columns]))
                done += len(some)

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Any]:
        """Rows as Java gives them, in the order in which they are stored."""
        names = java("java.util.ArrayList")()
        for name in columns:
            names.add(name)
        cursor = self.database.getTable(table).getDefaultCursor()
        cursor.beforeFirst()
        while (row := cursor.getNextRow(names)) is not None:
            yield row

    def attribute(self, column: str) -> Attribute:
        typed = self.typed(self.main)[column]
        return column_attribute(column, typed.form, writable=typed.writable)

    def required(self) -> frozenset[str]:
        return frozenset(name for name, column in self.typed(self.main).items() if column.required)

    def close(self) -> None:
        self.database.close()


@dataclass(frozen=True)
class AccessFormat:
    """A `Format`."""

    provider: AccessProvider
    password: str | None = field(default=None, repr=False)

    def open(self, path: Path, *, read_only: bool = True) -> AccessTables:
        with explained(where(self.provider)):
            return AccessTables(self.provider, open_database(path, self.password, read_only=read_only))

    def in_use(self, path: Path) -> str | None:
        """See `Format`: Access puts a file beside the database that it has open."""
        marks = [path.with_suffix(suffix) for suffix in (".laccdb", ".ldb")]
        mark = next((one for one in marks if one.exists()), None)
        return f"it is open in Access; close it there, or remove {mark.name} if it is not" if mark else None

    def rewrite(self, old: Path | None, new: Path, edits: Edits) -> Refusals:
        """See `Format`: the rows are edited in a copy."""
        if old is None:
            self._create(new)
        else:
            shutil.copyfile(old, new)
        tables = self.open(new, read_only=False)
        try:
            return self._edit(tables, edits)
        finally:
            tables.close()

    def _create(self, new: Path) -> None:
        """A database of one table, all of it text."""
        new.unlink(missing_ok=True)
        with explained(where(self.provider)):
            database = new_database(new)
            table = jackcess().TableBuilder(self.provider.table or NEW_TABLE)
            for name in self.provider.new_file:
                table.addColumn(jackcess().ColumnBuilder(name, jackcess().DataType.TEXT))
            table.toTable(database)
            database.close()

    def _edit(self, tables: AccessTables, edits: Edits) -> Refusals:
        refused: dict[str | int, str] = {}
        typed, table = tables.typed(tables.main), tables.database.getTable(tables.main)
        with explained(where(self.provider)):
            names = list(typed)
            found = {
                place: row
                for number, row in enumerate(tables.rows(tables.main, names), 1)
                if (place := f"record {number}") in edits.updates or place in edits.deletes
            }
        for place, row in found.items():
            if place in edits.deletes:
                self._try(refused, place, table.deleteRow, row)
            elif (never := self._never_empty(typed, edits.updates[place])) is not None:
                refused[place] = never
            else:
                for name, text in edits.updates[place].items():
                    row.put(name, typed[name].value(text))
                self._try(refused, place, table.updateRow, row)
        for number, values in enumerate(edits.creates):
            row = java("java.util.HashMap")()
            for name, text in values.items():
                row.put(name, typed[name].value(text))
            self._try(refused, number, table.addRowFromMap, row)
        return refused

    def _try(self, refused: dict[str | int, str], which: str | int, action: Any, row: Any) -> None:
        import jpype

        try:
            action(row)
        except jpype.JException as error:
            refused[which] = reason_of(error)

    @staticmethod
    def _never_empty(typed: Mapping[str, Column], values: Mapping[str, str]) -> str | None:
        name = next((name for name, text in values.items() if not text and typed[name].type == "BOOLEAN"), None)
        return f"{name} says yes or no, and is never empty" if name else None


def format_of(provider: AccessProvider, surroundings: Surroundings) -> AccessFormat:
    """Raises SecretMissingError."""
    return AccessFormat(provider, surroundings.secret(provider.password, host=None) if provider.password else None)


def open_access(provider: AccessProvider, surroundings: Surroundings) -> FileSource:
    """The source of a provider."""
    return FileSource(format_of(provider, surroundings), surroundings.files, surroundings.spool)


def open_access_destination(
    provider: AccessProvider, surroundings: Surroundings, keys: tuple[str, ...]
) -> FileDestination:
    """The destination of a provider."""
    return FileDestination(format_of(provider, surroundings), surroundings.files, surroundings.spool, keys)


def try_access(provider: AccessProvider, surroundings: Surroundings) -> list[dict[str, Any]]:
    """What `placet provider test` tries."""
    try:
        return try_file(open_access(provider, surroundings), "table")
    except PlacetError as error:
        return [{"step": "secret", "ok": False, "message": str(error)}]
