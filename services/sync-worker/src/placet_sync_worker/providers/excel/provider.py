"""Excel workbooks: .xlsx as source and destination, .xls as source."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import python_calamine as calamine

from placet_shared.objects import ExcelProvider

from ...errors import EmptySourceError, SourceFileError
from ...ports import RECORD, Attribute, Fault, Page
from ..files.destination import FileDestination
from ..files.source import FileSource, try_file
from ..files.tables import Edits, Refusals, column_attribute, place_of, table_named, where
from ..surroundings import Surroundings
from .cells import form, text_of
from .package import BrokenPackageError
from .reading import Book, SheetRow, Unreadable, open_book
from .sheet import column_letters
from .writing import Sheet, edit, new_workbook

PAGE_ROWS = 5_000


@dataclass(frozen=True)
class ExcelTables:
    """The sheets of a workbook. The first row with anything in it, below those to skip, is the header."""

    provider: ExcelProvider
    path: Path
    book: Book
    _headers: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def main(self) -> str:
        """The sheet that the provider names, or the first one. Raises SourceFileError."""
        names, wanted = self.names(), self.provider.sheet
        if not names:
            raise EmptySourceError(f"{where(self.provider)} has no sheet with cells")
        return names[0] if wanted is None else table_named(wanted, names, where(self.provider), "sheet")

    def names(self) -> Sequence[str]:
        return self.book.names()

    def columns(self, table: str) -> Sequence[str]:
        """See `Tables`. A column without a name has the empty one."""
        if table not in self._headers:
            self._headers[table] = self._split(table)[0]
        if not self._headers[table] and table == self.main:
            raise EmptySourceError(f"{where(self.provider)}: sheet {table} is empty; give it a header")
        return self._headers[table]

    def pages(self, table: str, columns: Sequence[str]) -> Iterator[Page]:
        """See `Tables`."""
        names = self.columns(table)
        places = [place_of(names, column, f"{where(self.provider)}: sheet {table}") for column in columns]
        waiting: list[SheetRow] = []
        for row in self.data(table):
            waiting.append(row)
            if len(waiting) == PAGE_ROWS:
                yield self._page(waiting, columns, places)
                waiting = []
        if waiting:
            yield self._page(waiting, columns, places)

    def data(self, table: str) -> Iterator[SheetRow]:
        """The rows below the header that have anything in them."""
        return self._split(table)[1]

    def attribute(self, column: str) -> Attribute:
        return column_attribute(column, self._form())

    def required(self) -> frozenset[str]:
        return frozenset()

    def close(self) -> None:
        self.book.close()

    def _split(self, table: str) -> tuple[list[str], Iterator[SheetRow]]:
        """The names of the columns, and the rows that are records."""
        rows = self._filled(table)
        first = next(rows, None)
        if first is None:
            return [], iter(())
        if not self.provider.header:
            return [str(number) for number in range(1, len(first[1]) + 1)], _chained(first, rows)
        return ["" if isinstance(cell, Unreadable) else text_of(cell).strip() for cell in first[1]], rows

    def _filled(self, table: str) -> Iterator[SheetRow]:
        with broken_as_error(self.provider):
            for number, cells in self.book.rows(table):
                if number > self.provider.skip_rows and any(map(_is_something, cells)):
                    yield number, cells

    def _page(self, rows: Sequence[SheetRow], columns: Sequence[str], places: Sequence[int]) -> Page:
        faults: list[Fault] = []
        texts: list[list[str | None]] = [[] for _ in columns]
        for row, (number, cells) in enumerate(rows):
            for name, place, column in zip(columns, places, texts, strict=True):
                cell = cells[place] if place < len(cells) else None
                if isinstance(cell, Unreadable):
                    faults.append(Fault(row, name, f"{column_letters(place)}{number}: {cell.reason}"))
                    column.append(None)
                else:
                    text = text_of(cell)
                    column.append((text.strip() if self.provider.trim else text) or None)
        numbers = pa.array([f"row {number}" for number, _ in rows], pa.string())
        arrays = [pa.array(column, pa.string()) for column in texts]
        return Page(pa.RecordBatch.from_arrays([numbers, *arrays], names=[RECORD, *columns]), (), tuple(faults))

    def _form(self) -> Callable[[str], str]:
        trim = self.provider.trim

        def of(text: str) -> str:
            if trim and not text.strip():
                raise ValueError("it is nothing but spaces")
            return form(text.strip() if trim else text)

        return of


@dataclass(frozen=True)
class ExcelFormat:
    """A `Format`."""

    provider: ExcelProvider

    def open(self, path: Path) -> ExcelTables:
        with broken_as_error(self.provider):
            return ExcelTables(self.provider, path, open_book(path))

    def in_use(self, path: Path) -> str | None:
        """See `Format`: Excel puts a file beside the workbook that it has open."""
        mark = path.with_name(f"~${path.name}")
        return f"it is open in Excel; close it there, or remove {mark.name} if it is not" if mark.exists() else None

    def rewrite(self, old: Path | None, new: Path, edits: Edits) -> Refusals:
        """See `Format`: the parts of the other sheets are copied, and of this one the rows that are not edited."""
        if old is None:
            name = self.provider.sheet or Path(self.provider.path).stem[:31]
            new_workbook(new, name, self.provider.new_file, edits, header=self.provider.header)
            return {}
        tables = self.open(old)
        try:
            with broken_as_error(self.provider):
                columns = tables.columns(tables.main)
                return edit(old, new, Sheet(tables.main, columns, list(tables.data(tables.main))), edits)
        finally:
            tables.close()


@contextmanager
def broken_as_error(provider: ExcelProvider) -> Iterator[None]:
    """What is wrong with a file comes out as one sentence."""
    try:
        yield
    except calamine.CalamineError as error:
        raise SourceFileError(f"{where(provider)}: it is broken, or not wholly written: {error}") from error
    except (BrokenPackageError, OSError) as error:
        raise SourceFileError(f"{where(provider)}: {error}") from error


def open_excel(provider: ExcelProvider, surroundings: Surroundings) -> FileSource:
    """The source of a provider."""
    return FileSource(ExcelFormat(provider), surroundings.files, surroundings.spool)


def open_excel_destination(
    provider: ExcelProvider, surroundings: Surroundings, keys: tuple[str, ...]
) -> FileDestination:
    """The destination of a provider."""
    return FileDestination(ExcelFormat(provider), surroundings.files, surroundings.spool, keys)


def try_excel(provider: ExcelProvider, surroundings: Surroundings) -> list[dict[str, Any]]:
    """What `placet provider test` tries."""
    return try_file(open_excel(provider, surroundings), "header")


def _is_something(cell: object) -> bool:
    """A covered cell of a merged range alone makes no row."""
    if isinstance(cell, Unreadable):
        return not cell.covered
    return bool(cell.strip()) if isinstance(cell, str) else cell is not None


def _chained(first: SheetRow, rows: Iterator[SheetRow]) -> Iterator[SheetRow]:
    yield first
    yield from rows
