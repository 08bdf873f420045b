"""The XML of a sheet: its rows and cells, and where in the octets they stand."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .package import BrokenPackageError, parse, parser_of

_REFERENCE = re.compile(r"([A-Z]+)(\d+)")


@dataclass(slots=True)
class Cell:
    """A cell with its place in the octets. `value` is what stands in `<v>`."""

    row: int
    column: int
    start: int
    end: int = 0
    style: str | None = None
    kind: str | None = None
    formula: bool = False
    value: str = ""


@dataclass(slots=True)
class RowSpan:
    """A row: its number and its place in the octets; `body` is where its cells begin, `close` where they end."""

    number: int
    start: int
    body: int
    close: int = 0
    end: int = 0


@dataclass
class Layout:
    """Where the rows of a sheet stand. `start` and `end` are those of `<sheetData>`, `prefix` is before its names."""

    rows: list[RowSpan] = field(default_factory=list)
    start: int = 0
    end: int = 0
    prefix: str = ""
    formulas: bool = False
    comments: bool = False


def column_number(letters: str) -> int:
    """`A` is 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def column_letters(number: int) -> str:
    """0 is `A`."""
    letters, rest = "", number + 1
    while rest:
        rest, last = divmod(rest - 1, 26)
        letters = chr(65 + last) + letters
    return letters


def split_reference(reference: str) -> tuple[int, int]:
    """Row and column of `B7`, which is row 7, column 1."""
    found = _REFERENCE.fullmatch(reference.replace("$", ""))
    if found is None:
        raise BrokenPackageError(f"a cell is called {reference!r}")
    return int(found[2]), column_number(found[1])


class _Scan:
    """Handlers for expat; an element without `r` follows the one before."""

    def __init__(self, octets: bytes, on_cell: Callable[[Cell], None]) -> None:
        self.octets, self.on_cell, self.layout = octets, on_cell, Layout()
        self.parser = parser_of()
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declared
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.row: RowSpan | None = None
        self.cell: Cell | None = None
        self.number, self.column, self.inside, self.in_value = 0, -1, False, False

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "us-ascii"):
            raise BrokenPackageError(f"its XML is written in {encoding}; save the workbook anew")

    def _after(self, place: int) -> int:
        return self.octets.index(b">", place) + 1

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        prefix, _, local = name.rpartition(":")
        place = self.parser.CurrentByteIndex
        if local == "sheetData":
            self.inside, self.layout.start = True, place
            self.layout.prefix = f"{prefix}:" if prefix else ""
        elif local == "legacyDrawing":
            self.layout.comments = True
        elif not self.inside:
            return
        elif local == "row":
            self.number, self.column = int(attributes.get("r", self.number + 1)), -1
            self.row = RowSpan(self.number, place, self._after(place))
        elif local == "c":
            row, self.column = split_reference(attributes["r"]) if "r" in attributes else (self.number, self.column + 1)
            self.cell = Cell(row, self.column, place, style=attributes.get("s"), kind=attributes.get("t"))
        elif local == "f" and self.cell is not None:
            self.cell.formula = self.layout.formulas = True
        elif local == "v" and self.cell is not None:
            self.parser.CharacterDataHandler = self._text

    def _text(self, data: str) -> None:
        if self.cell is not None:
            self.cell.value += data

    def _end(self, name: str) -> None:
        local, place = name.rpartition(":")[2], self.parser.CurrentByteIndex
        if local == "v":
            self.parser.CharacterDataHandler = None
        elif local == "c" and self.cell is not None:
            self.cell.end = self._after(place)
            self.on_cell(self.cell)
            self.cell = None
        elif local == "row" and self.row is not None:
            self.row.close, self.row.end = max(place, self.row.body), self._after(place)
            if place == self.row.start:
                self.row.close = self.row.body
            self.layout.rows.append(self.row)
            self.row = None
        elif local == "sheetData":
            self.inside, self.layout.end = False, self._after(place)


def scan(octets: bytes, on_cell: Callable[[Cell], None]) -> Layout:
    """Goes through a sheet; `on_cell` gets each cell. Raises BrokenPackageError."""
    one = _Scan(octets, on_cell)
    parse(one.parser, octets)
    return one.layout
