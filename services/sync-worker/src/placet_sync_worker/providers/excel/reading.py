"""Workbooks, sheet by sheet: calamine reads .xlsx and xlrd .xls; what calamine keeps to itself is looked up in the XML.

calamine gives nothing for a cell with an error and for a formula that was never calculated, and does not tell number
formats. Silent nothings would be taken for empty values.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import python_calamine as calamine
import xlrd

from .cells import MOST_DIGITS, Value
from .package import BrokenPackageError, Package
from .sheet import Cell, column_letters, scan

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SPECIAL = re.compile(rb"\bt\s*=\s*[\"']e[\"']|<(?:\w+:)?f[\s>/]")
_DIGITS = "it has more than 15 digits, which no workbook keeps; write it as text"
_NEVER = "it is a formula that was never calculated; open the workbook in a spreadsheet program and save it"


@dataclass(frozen=True)
class Unreadable:
    """A cell that has no value that could be trusted; `covered`: another one stands over it."""

    reason: str
    covered: bool = False


SheetRow = tuple[int, Sequence[Value | Unreadable]]
"""The number of a row, and its cells from column A on."""


Range = tuple[tuple[int, int], tuple[int, int]]
"""Row and column of the first and the last cell, from 0."""

Special = dict[int, dict[int, Value | Unreadable]]
"""What cells are taken for, by row and column."""


class Book(Protocol):
    """An open workbook."""

    def names(self) -> Sequence[str]:
        """Sheets with cells, visible ones first."""
        ...

    def rows(self, sheet: str) -> Iterator[SheetRow]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class XlsxBook:
    """A workbook of the kind .xlsx."""

    book: Any
    package: Package
    _sheets: dict[str, tuple[Any, Special]] = field(default_factory=dict)

    def names(self) -> Sequence[str]:
        sheets = [one for one in self.book.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet]
        return [one.name for one in sorted(sheets, key=lambda one: one.visible != calamine.SheetVisibleEnum.Visible)]

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        """See `Book`. Raises BrokenPackageError."""
        if sheet not in self._sheets:
            opened = self.book.get_sheet_by_name(sheet)
            self._sheets[sheet] = (opened, self._special(sheet, opened.merged_cell_ranges or ()))
        opened, special = self._sheets[sheet]
        if opened.start is None:
            return
        offset = opened.start[1]
        for number, values in enumerate(opened.iter_rows(), 1):
            cells: list[Value | Unreadable] = [None] * offset + [_trusted(value) for value in values]
            for column, instead in special.get(number, {}).items():
                if column < len(cells):
                    cells[column] = instead
            yield number, cells

    def _special(self, sheet: str, merged: Sequence[Range]) -> Special:
        """What calamine does not tell, and what is covered."""
        octets, padded = self.package.part(self.package.sheet(sheet)), self.package.padded
        found = _merged(merged)
        if not padded and not _SPECIAL.search(octets):
            return found

        def look(cell: Cell) -> None:
            if (instead := _instead(cell, padded)) is not None:
                found.setdefault(cell.row, {})[cell.column] = instead

        scan(octets, look)
        return found

    def close(self) -> None:
        self.package.close()
        self.book.close()


@dataclass(frozen=True)
class XlsBook:
    """A workbook of the kind .xls (BIFF)."""

    book: Any

    def names(self) -> Sequence[str]:
        return [sheet.name for sheet in sorted(self.book.sheets(), key=lambda sheet: sheet.visibility)]

    def rows(self, sheet: str) -> Iterator[SheetRow]:
        opened = self.book.sheet_by_name(sheet)
        merged = _merged([((top, left), (bottom - 1, right - 1)) for top, bottom, left, right in opened.merged_cells])
        for number in range(opened.nrows):
            cells = [self._value(cell) for cell in opened.row(number)]
            for column, instead in merged.get(number + 1, {}).items():
                if column < len(cells):
                    cells[column] = instead
            yield number + 1, cells

    def _value(self, cell: Any) -> Value | Unreadable:
        if cell.ctype == xlrd.XL_CELL_ERROR:
            return Unreadable(f"it has the error {xlrd.error_text_from_code.get(cell.value, cell.value)}")
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        if cell.ctype == xlrd.XL_CELL_DATE:
            return self._date(cell.value)
        if cell.ctype == xlrd.XL_CELL_NUMBER:
            digits = self._padding[cell.xf_index]
            return f"{int(cell.value):0{digits}d}" if digits and cell.value == int(cell.value) else _trusted(cell.value)
        return str(cell.value) if cell.ctype == xlrd.XL_CELL_TEXT else None

    def _date(self, days: float) -> Value:
        if days < 1:
            return xlrd.xldate_as_datetime(days, self.book.datemode).time()  # type: ignore[no-any-return]
        moment = xlrd.xldate_as_datetime(days, self.book.datemode)
        return moment.date() if days == int(days) else moment  # type: ignore[no-any-return]

    @cached_property
    def _padding(self) -> list[int]:
        codes = [self.book.format_map[one.format_key].format_str for one in self.book.xf_list]
        return [len(code) if re.fullmatch("0{2,}", code) else 0 for code in codes]

    def close(self) -> None:
        self.book.release_resources()


def open_book(path: Path) -> Book:
    """Raises BrokenPackageError with one sentence, OSError."""
    with path.open("rb") as file:
        start = file.read(4)
    if start == ZIP:
        return _open_xlsx(path)
    if start == OLE:
        return _open_xls(path)
    raise BrokenPackageError("it is no workbook of the kind .xlsx or .xls, or only a part of one")


def _open_xlsx(path: Path) -> XlsxBook:
    package = Package.open(path)
    try:
        return XlsxBook(calamine.CalamineWorkbook.from_path(str(path)), package)
    except calamine.CalamineError as error:
        package.close()
        raise BrokenPackageError(f"it is broken, or not wholly written: {error}") from error


def _open_xls(path: Path) -> XlsBook:
    try:
        return XlsBook(xlrd.open_workbook(path, formatting_info=True))
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, struct.error, LookupError, ValueError, AssertionError) as error:
        if "encrypted" in str(error) or b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P" in path.read_bytes():
            raise BrokenPackageError("it is protected by a password; save it without one") from error
        raise BrokenPackageError(f"it is broken, or not wholly written: {error}") from error


def _trusted(value: Value) -> Value | Unreadable:
    if isinstance(value, float) and abs(value) >= MOST_DIGITS:
        return Unreadable(_DIGITS)
    return value


def _instead(cell: Cell, padded: Mapping[int, int]) -> Value | Unreadable:
    """What a cell is taken for where calamine does not tell; None where it does."""
    if cell.kind == "e":
        return Unreadable(f"it has the error {cell.value}")
    if cell.formula and not cell.value and cell.kind != "str":
        return Unreadable(_NEVER)
    digits = padded.get(int(cell.style or 0))
    if digits and cell.kind in (None, "n") and cell.value:
        number = float(cell.value)
        return f"{int(number):0{digits}d}" if number == int(number) and 0 <= number < MOST_DIGITS else None
    return None


def _merged(ranges: Sequence[Range]) -> Special:
    """The cells that are covered by another one."""
    found: Special = {}
    for (top, left), (bottom, right) in ranges:
        first, last = f"{column_letters(left)}{top + 1}", f"{column_letters(right)}{bottom + 1}"
        covered = Unreadable(f"it is merged with {first} ({first}:{last}); unmerge the cells", covered=True)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if (row, column) != (top, left):
                    found.setdefault(row + 1, {})[column] = covered
    return found
