"""Changes some rows of a sheet in its XML. All other parts of the workbook are copied, and the octets of other rows.

openpyxl would write the whole workbook anew, without what it does not know: text boxes, sparklines, data bars, formats
within a cell.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

import xlsxwriter

from ..files.tables import Edits, Refusals
from .cells import Kind, as_number, as_serial, form, kind_of
from .package import WORKBOOK, Package
from .reading import SheetRow, Unreadable
from .sheet import Cell, Layout, RowSpan, column_letters, scan, split_reference

_ESCAPED = re.compile(r"_(x[0-9A-Fa-f]{4}_)")
_CELL = re.compile(rb"(<(?:\w+:)?c\b[^>]*?\sr=[\"'])([A-Z]+)\d+")
_ROW = re.compile(rb"(<(?:\w+:)?row\b[^>]*?\sr=[\"'])\d+")
_MOVING = re.compile(
    rb"<(?:\w+:)?(?:mergeCell|hyperlink|conditionalFormatting|dataValidation)\b[^>]*?\s(?:ref|sqref)=[\"']([^\"']*)"
)
_TABLE = re.compile(rb"<(?:\w+:)?(?:table|autoFilter)\b[^>]*?\sref=[\"']([^\"']*)")
_DIMENSION = re.compile(rb"<(?:\w+:)?dimension\b[^>]*?\sref=[\"']([^\"']*)")
_CALCULATION = re.compile(rb"(<(?:\w+:)?calcPr\b)((?:(?!fullCalcOnLoad)[^>])*>)")
_FORMULA = "{} is a formula, which is not overwritten; take {} out of the fields of the job"
_ROWS_STAY = (
    "the sheet has formulas or comments, which would then stand beside other rows: take the row out by hand, or use"
    " extra: disable"
)


@dataclass(frozen=True)
class Sheet:
    """A sheet as it was read: its columns, and the rows below the header."""

    name: str
    columns: Sequence[str]
    rows: Sequence[SheetRow]


def new_workbook(path: Path, sheet: str, columns: Sequence[str], edits: Edits, *, header: bool) -> None:
    """A workbook of one sheet, all of it text."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        opened = book.add_worksheet(sheet)
        rows = [list(columns)] if header else []
        rows += [[row.get(name, "") for name in columns] for row in edits.creates]
        for number, row in enumerate(rows):
            for place, text in enumerate(row):
                if text:
                    opened.write_string(number, place, form(text))


def edit(old: Path, new: Path, sheet: Sheet, edits: Edits) -> Refusals:
    """Raises BrokenPackageError."""
    package = Package.open(old)
    try:
        part = package.sheet(sheet.name)
        editing = _Editing(sheet, edits, package.part(part), package.dates_from_1904)
        parts = {part: editing.made()}
        for kind, related in package.related(part).values():
            if kind == "table":
                parts[related] = editing.table(package.part(related))
        parts[WORKBOOK] = _CALCULATION.sub(rb'\1 fullCalcOnLoad="1"\2', package.part(WORKBOOK))
        _copy(package.zip, new, parts)
        return editing.refused
    finally:
        package.close()


def _copy(old: ZipFile, new: Path, parts: Mapping[str, bytes]) -> None:
    with ZipFile(new, "w") as target:
        for info in old.infolist():
            octets = parts[info.filename] if info.filename in parts else old.read(info)
            target.writestr(info, octets, compress_type=info.compress_type)


@dataclass
class _Editing:
    sheet: Sheet
    edits: Edits
    octets: bytes
    system_1904: bool
    refused: dict[str | int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.place = {name: number for number, name in enumerate(self.sheet.columns)}
        self.updates = {_row(place): values for place, values in self.edits.updates.items()}
        self.last = self.sheet.rows[-1][0] if self.sheet.rows else self._header_row()
        self.cells: dict[int, dict[int, Cell]] = {}
        self.kinds = self._kinds()
        self.typed: dict[int, str] = {}
        self.covered = {
            (number, column): cell.reason
            for number, cells in self.sheet.rows
            for column, cell in enumerate(cells)
            if isinstance(cell, Unreadable) and cell.covered
        }
        wanted = {*self.updates, self.last, *range(self.last + 1, self.last + 1 + len(self.edits.creates))}
        models = {(row, column) for column, (_, row) in self.kinds.items()}

        def keep(cell: Cell) -> None:
            if cell.row in wanted:
                self.cells.setdefault(cell.row, {})[cell.column] = cell
            if (cell.row, cell.column) in models and cell.style:
                self.typed[cell.column] = cell.style

        self.layout: Layout = scan(self.octets, keep)
        self.gone = frozenset(map(_row, self.edits.deletes))
        if self.gone and (self.layout.formulas or self.layout.comments):
            self.refused |= dict.fromkeys(self.edits.deletes, _ROWS_STAY)
            self.gone = frozenset()

    def _header_row(self) -> int:
        """The row of the header where nothing stands below it."""
        rows: list[int] = []
        scan(self.octets, lambda cell: rows.append(cell.row) if cell.value or cell.kind else None)
        return max(rows, default=0)

    def _kinds(self) -> dict[int, tuple[Kind, int]]:
        """What each column is made of where that is one kind, and a row that shows it."""
        found: dict[int, tuple[Kind, int] | None] = {}
        for number, cells in self.sheet.rows:
            for column, value in enumerate(cells):
                kind = None if isinstance(value, Unreadable) else kind_of(value)
                if kind is not None:
                    before = found.get(column, (kind, number))
                    found[column] = (kind, number) if before and before[0] == kind else None
        return {column: one for column, one in found.items() if one}

    # ---- the sheet ---------------------------------------------------------------------------------------------------

    def made(self) -> bytes:
        """The sheet with the edits made."""
        layout, out = self.layout, list[bytes]()
        new = deque((self.last + 1 + number, row) for number, row in enumerate(self.edits.creates))
        if layout.rows:
            head, tail = self.octets[: layout.rows[0].start], self.octets[layout.rows[-1].end :]
        else:
            p = layout.prefix
            head = self.octets[: layout.start] + f"<{p}sheetData>".encode()
            tail = f"</{p}sheetData>".encode() + self.octets[layout.end :]
        between = layout.rows[0].start if layout.rows else 0
        for span in layout.rows:
            out.append(self.octets[between : span.start])
            while new and new[0][0] < span.number:
                out.append(self._new_row(*new.popleft()))
            values = new.popleft()[1] if new and new[0][0] == span.number else self.updates.get(span.number)
            if span.number not in self.gone:
                out.append(self._moved(span, self._row(span, values) if values else self._raw(span)))
            between = span.end
        out += [self._new_row(*one) for one in new]
        head = _changed(head, _DIMENSION, self._stretched)
        return b"".join([head, *out, _changed(tail, _MOVING, self._shifted)])

    def _raw(self, span: RowSpan) -> bytes:
        return self.octets[span.start : span.end]

    def _row(self, span: RowSpan, values: Mapping[str, str]) -> bytes:
        """A row with some cells changed; the others keep their octets."""
        there = self.cells.get(span.number, {})
        made = {column: self.octets[cell.start : cell.end] for column, cell in there.items()}
        if any(self._refuses(span.number, name, there.get(self.place[name])) for name in values):
            return self._raw(span)
        for name, value in values.items():
            column = self.place[name]
            made[column] = self._cell(span.number, column, value, there.get(column))
        start = self.octets[span.start : span.body]
        ends = [cell.end for cell in there.values()]
        rest = self.octets[max(ends, default=span.body) : span.close]
        if span.close == span.body and span.body == span.end:
            start = start.rstrip()[:-2].rstrip() + b">"
        closing = f"</{self.layout.prefix}row>".encode()
        return start + b"".join(made[column] for column in sorted(made)) + rest + closing

    def _refuses(self, row: int, name: str, cell: Cell | None) -> bool:
        """Whether a row is left as it is, since one of its cells cannot be written."""
        reference = f"{column_letters(self.place[name])}{row}"
        which = f"row {row}" if row <= self.last else row - self.last - 1
        if cell is not None and cell.formula:
            self.refused[which] = _FORMULA.format(reference, name)
        elif (row, self.place[name]) in self.covered:
            self.refused[which] = f"{reference}: {self.covered[row, self.place[name]]}"
        return which in self.refused

    def _new_row(self, number: int, values: Mapping[str, str]) -> bytes:
        p, like = self.layout.prefix, self.cells.get(self.last, {}) if self.sheet.rows else {}
        texts = {self.place[name]: text for name, text in values.items()}
        cells = [
            self._cell(number, column, texts.get(column, ""), like.get(column))
            for column in sorted({*texts, *like})
            if texts.get(column) or column in like
        ]
        row = f'<{p}row r="{number}">'.encode() + b"".join(cells) + f"</{p}row>".encode()
        return _renumbered(row, self._after(number))

    def _cell(self, row: int, column: int, text: str, like: Cell | None) -> bytes:
        """A cell as others of its column are, where it is then read back as this text; else a text."""
        p, kind = self.layout.prefix, self.kinds.get(column, ("text", 0))[0] if text else "text"
        style, number = like.style if like else None, None
        if kind == "number":
            number = as_number(text)
        elif kind == "date":
            number = as_serial(text, system_1904=self.system_1904)
        if number is not None and not (like and like.value):
            style = self.typed.get(column)
        head = f'<{p}c r="{column_letters(column)}{row}"' + (f' s="{style}"' if style else "")
        if not text:
            return f"{head}/>".encode() if style else b""
        if number is not None:
            return f"{head}><{p}v>{number}</{p}v></{p}c>".encode()
        if kind == "bool" and text in ("TRUE", "FALSE"):
            return f'{head} t="b"><{p}v>{int(text == "TRUE")}</{p}v></{p}c>'.encode()
        quoted = _ESCAPED.sub(r"_x005F_\1", form(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        inline = f'<{p}is><{p}t xml:space="preserve">{quoted}</{p}t></{p}is>'
        return f'{head} t="inlineStr">{inline}</{p}c>'.encode()

    # ---- rows that move up -------------------------------------------------------------------------------------------

    def _after(self, number: int) -> int:
        """The number of a row once others are gone."""
        return number - sum(one < number for one in self.gone)

    def _moved(self, span: RowSpan, row: bytes) -> bytes:
        after = self._after(span.number) if self.gone else span.number
        return row if after == span.number else _renumbered(row, after)

    def _shifted(self, ranges: str) -> str:
        return " ".join(filter(None, (self._range(one) for one in ranges.split(" ")))) or ranges

    def _range(self, one: str, grow: int = 0) -> str | None:
        """A range without the rows that are gone; None where nothing is left of it."""
        first, _, last = one.partition(":")
        (top, left), (bottom, right) = split_reference(first), split_reference(last or first)
        left_over = [row for row in range(top, bottom + 1) if row not in self.gone] if self.gone else [top, bottom]
        if not left_over:
            return None
        top, bottom = self._after(left_over[0]), self._after(left_over[-1]) + grow
        start, end = f"{column_letters(left)}{top}", f"{column_letters(right)}{bottom}"
        return start if not last else f"{start}:{end}"

    def _stretched(self, one: str) -> str:
        (_, _), (bottom, _) = [split_reference(part) for part in (one.split(":") * 2)[:2]]
        grow = max(0, self.last + len(self.edits.creates) - bottom)
        return self._range(one if ":" in one else f"{one}:{one}", grow) or one

    def table(self, octets: bytes) -> bytes:
        """A table of the sheet: one that ends with the rows takes in the new ones."""

        def ranged(one: str) -> str:
            ends = split_reference(one.partition(":")[2] or one)[0] == self.last and b"totalsRowCount" not in octets
            return self._range(one, len(self.edits.creates) if ends else 0) or one

        return _changed(octets, _TABLE, ranged)


def _row(place: str) -> int:
    return int(place.removeprefix("row "))


def _renumbered(row: bytes, number: int) -> bytes:
    digits = str(number).encode()
    return _CELL.sub(rb"\g<1>\g<2>" + digits, _ROW.sub(rb"\g<1>" + digits, row, count=1))


def _changed(octets: bytes, pattern: re.Pattern[bytes], change: Callable[[str], str]) -> bytes:
    """The octets with the first group of each match changed."""
    out, done = [], 0
    for found in pattern.finditer(octets):
        out += [octets[done : found.start(1)], change(found[1].decode()).encode()]
        done = found.end(1)
    return b"".join([*out, octets[done:]])
