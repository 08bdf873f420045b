"""Delimited text files as a source (RFC 4180, and what people make of it).

Python's own parser reads them, strictly: pyarrow's is four times as fast, but silently takes `"Ann"e` for `Anne`, and
tells neither the line of a record nor a quote that is never closed from a row with too few cells.
"""

import csv
from _csv import Reader
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from placet_shared.errors import PlacetError
from placet_shared.objects import CsvProvider

from ..changes import Rejected
from ..errors import EmptySourceError, SourceFileError, SourceMovedError, UnknownColumnError
from ..ports import RECORD, Page, Window
from .csv_text import encoding_of, first_bad_byte
from .files import FilesFolder, FileState
from .surroundings import Surroundings

PAGE_ROWS = 5_000
LONGEST_CELL = 1 << 20
"""Characters. A cell that is longer is rather a quote that was never closed."""

Row = tuple[int, list[str] | str]
"""A record's first line and its cells, or why they cannot be told apart."""


@dataclass(frozen=True)
class CsvSource:
    """A `Source` over one file. Cells that are empty, once trimmed, are no values."""

    provider: CsvProvider
    files: FilesFolder

    def default_query(self) -> None:
        """All of the file."""

    def columns(self, query: str | None = None) -> Sequence[str]:
        """The names in the header, or `1`, `2`, … where there is none."""
        with self._rows() as rows:
            return self._header(rows)[0]

    def read(self, columns: Sequence[str], query: str | None, window: Window | None = None) -> Iterator[Page]:
        """See `Source`. Raises SourceMovedError where the file changed meanwhile."""
        if query is not None:
            raise SourceFileError(f"{self._where}: a file takes no query; leave it out")
        before = FileState.of(self._path())
        with self._rows() as rows:
            names, first = self._header(rows)
            places = [self._place(names, column) for column in columns]
            yield from self._pages(rows, first, len(names), columns, places)
        if FileState.of(self._path()) != before:
            raise SourceMovedError(f"{self._where} was changed while it was read; it is read again")

    def clock(self) -> None:
        """Not known yet."""

    def close(self) -> None: ...

    @property
    def _where(self) -> str:
        return f"provider {self.provider.name}: {self.provider.path}"

    def _path(self) -> Path:
        return self.files.find(self.provider.name, self.provider.path)

    @contextmanager
    def _rows(self) -> Iterator[Iterator[Row]]:
        """All rows but blank ones (`,,,` is one, too); what goes wrong with the file comes out as one sentence."""
        path, encoding = self._path(), ""
        try:
            encoding = encoding_of(path, self.provider.encoding)
            with path.open(encoding=encoding, newline="") as file:
                yield _numbered(self._parser(file))
        except UnicodeDecodeError as error:
            raise SourceFileError(self._undecodable(path, encoding)) from error
        except (_UnclosedQuoteError, OSError, LookupError) as error:
            raise SourceFileError(f"{self._where}: {error}") from error

    def _parser(self, file: TextIO) -> Reader:
        csv.field_size_limit(LONGEST_CELL)
        try:
            return csv.reader(file, delimiter=self.provider.delimiter, quotechar=self.provider.quote, strict=True)
        except (TypeError, ValueError) as error:
            raise SourceFileError(f"{self._where}: {error}; set the provider's delimiter and quote") from error

    def _undecodable(self, path: Path, encoding: str) -> str:
        found = first_bad_byte(path, encoding)
        place = f"byte 0x{found[2]:02x} on line {found[0]}, offset {found[1]}" if found else "some byte"
        name = encoding.removesuffix("-sig")
        return f"{self._where} is not written in {name}: {place}; set the provider's encoding, such as cp1250"

    def _header(self, rows: Iterator[Row]) -> tuple[list[str], list[Row]]:
        """The names of the columns, and the rows that were read to find them but are records."""
        line, cells = next(rows, (0, []))
        if isinstance(cells, str):
            raise SourceFileError(f"{self._where}: line {line}: {cells}")
        if not cells:
            raise EmptySourceError(f"{self._where} is empty; a run on it would empty the destination")
        if self.provider.header:
            return [cell.strip() if self.provider.trim else cell for cell in cells], []
        return [str(number) for number in range(1, len(cells) + 1)], [(line, cells)]

    def _place(self, names: list[str], column: str) -> int:
        if names.count(column) == 1:
            return names.index(column)
        if column in names:
            raise UnknownColumnError(f"{self._where} has {names.count(column)} columns named {column}; rename them")
        close = get_close_matches(column, names, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(names)}"
        raise UnknownColumnError(f"{self._where} has no column {column}; {hint}")

    def _pages(
        self, rows: Iterator[Row], first: list[Row], width: int, columns: Sequence[str], places: list[int]
    ) -> Iterator[Page]:
        lines: list[int] = []
        records: list[list[str]] = []
        rejected: list[Rejected] = []
        for some in (first, rows):
            for line, cells in some:
                if len(cells) == width and not isinstance(cells, str):
                    lines.append(line)
                    records.append(cells)
                else:
                    rejected.append(_ragged(line, cells, width))
                if len(records) + len(rejected) == PAGE_ROWS:
                    yield self._page(lines, records, columns, places, rejected)
                    lines, records, rejected = [], [], []
        if records or rejected:
            yield self._page(lines, records, columns, places, rejected)

    def _page(
        self,
        lines: list[int],
        records: list[list[str]],
        columns: Sequence[str],
        places: list[int],
        rejected: list[Rejected],
    ) -> Page:
        numbers = pa.array([f"line {line}" for line in lines], pa.string())
        trim = self.provider.trim
        cells = [
            pa.array([r[place].strip() or None if trim else r[place] or None for r in records], pa.string())
            for place in places
        ]
        return Page(pa.RecordBatch.from_arrays([numbers, *cells], names=[RECORD, *columns]), tuple(rejected))


def open_csv(provider: CsvProvider, surroundings: Surroundings) -> CsvSource:
    """The source of a provider."""
    return CsvSource(provider, surroundings.files)


def try_csv(provider: CsvProvider, surroundings: Surroundings) -> list[dict[str, Any]]:
    """What `placet provider test` tries: the header, and the first page of records."""
    source = open_csv(provider, surroundings)
    try:
        columns = source.columns()
        header = {"step": "header", "ok": True, "message": f"columns {', '.join(columns)}"}
        page = next(iter(source.read(columns[:1], None)), None)
        read = page.records.num_rows if page else 0
        return [header, {"step": "read", "ok": True, "message": f"read a page of {read} records"}]
    except PlacetError as error:
        return [{"step": "read", "ok": False, "message": str(error)}]


class _UnclosedQuoteError(Exception):
    pass


def _numbered(reader: Reader) -> Iterator[Row]:
    """Each record with its first line; a malformed one as a text, after which the parser goes on at the next line."""
    done = 0
    while True:
        try:
            for cells in reader:
                if any(map(str.strip, cells)):
                    yield done + 1, cells
                done = reader.line_num
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error):
                raise _UnclosedQuoteError(f"line {done + 1}: a quote is opened and never closed") from error
            yield done + 1, f"quotes are not doubled inside a quoted cell ({error})"
            done = reader.line_num
        else:
            return


def _ragged(line: int, cells: list[str] | str, width: int) -> Rejected:
    reason = cells if isinstance(cells, str) else f"has {len(cells)} cells where the first line has {width}"
    return Rejected(f"line {line}", None, None, reason)
