"""A delimited text file as a table."""

from _csv import Reader
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from placet_shared.objects import CsvProvider

from ...changes import Rejected
from ...errors import EmptySourceError, SourceFileError
from ...ports import RECORD, Attribute, Page
from ..files.tables import column_attribute, place_of, where
from .formulas import unescaped
from .rows import LONGEST_CELL, Recorder, Row, UnclosedQuoteError, numbered, parser
from .text import encoding_of, first_bad_byte, writing_of

PAGE_ROWS = 5_000


@dataclass(frozen=True)
class CsvTables:
    """The one table of a file, called as the file is. Cells that are empty, once trimmed, are no values."""

    provider: CsvProvider
    path: Path

    @property
    def main(self) -> str:
        return Path(self.provider.path).stem

    def names(self) -> Sequence[str]:
        return [self.main]

    def columns(self, table: str) -> Sequence[str]:
        return self._columns

    def pages(self, table: str, columns: Sequence[str]) -> Iterator[Page]:
        """See `Tables`."""
        places = [place_of(self._columns, column, where(self.provider)) for column in columns]
        with self.rows() as rows:
            first = self.header(rows)[1]
            yield from self._pages(rows, first, len(self._columns), columns, places)

    def attribute(self, column: str) -> Attribute:
        return column_attribute(column, self._form())

    def required(self) -> frozenset[str]:
        return frozenset()

    def close(self) -> None: ...

    @cached_property
    def encoding(self) -> str:
        try:
            return encoding_of(self.path, self.provider.encoding)
        except (LookupError, OSError) as error:
            raise SourceFileError(f"{where(self.provider)}: {error}") from error

    @cached_property
    def _columns(self) -> list[str]:
        with self.rows() as rows:
            return self.header(rows)[0]

    @contextmanager
    def rows(self, recorder: Recorder | None = None) -> Iterator[Iterator[Row]]:
        """All rows; what goes wrong with the file comes out as one sentence. A recorder gets its lines."""
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                if recorder is not None:
                    recorder.lines = file
                yield numbered(self._parser(recorder or file))
        except UnicodeDecodeError as error:
            raise SourceFileError(self._undecodable()) from error
        except (UnclosedQuoteError, OSError, LookupError) as error:
            raise SourceFileError(f"{where(self.provider)}: {error}") from error

    def _parser(self, lines: Iterable[str]) -> Reader:
        try:
            return parser(lines, self.provider.delimiter, self.provider.quote)
        except (TypeError, ValueError) as error:
            raise SourceFileError(f"{where(self.provider)}: {error}; set the provider's delimiter and quote") from error

    def _undecodable(self) -> str:
        found = first_bad_byte(self.path, self.encoding)
        place = f"byte 0x{found[2]:02x} on line {found[0]}, offset {found[1]}" if found else "some byte"
        name = self.encoding.removesuffix("-sig")
        return f"{where(self.provider)} is not written in {name}: {place}; set the provider's encoding, such as cp1250"

    def header(self, rows: Iterator[Row]) -> tuple[list[str], list[Row]]:
        """The names of the columns, and the rows that were read to find them but are records."""
        line, cells = next(rows, (0, []))
        if isinstance(cells, str):
            raise SourceFileError(f"{where(self.provider)}: line {line}: {cells}")
        if not cells:
            raise EmptySourceError(f"{where(self.provider)} is empty; a run on it would empty the destination")
        if self.provider.header:
            return [cell.strip() if self.provider.trim else cell for cell in cells], []
        return [str(number) for number in range(1, len(cells) + 1)], [(line, cells)]

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
        cells = [pa.array([self._value(record[place]) for record in records], pa.string()) for place in places]
        return Page(pa.RecordBatch.from_arrays([numbers, *cells], names=[RECORD, *columns]), tuple(rejected))

    def _value(self, cell: str) -> str | None:
        text = cell.strip() if self.provider.trim else cell
        if text[:1] == "'" and self.provider.escape_formulas:
            text = unescaped(text)
        return text or None

    def _form(self) -> Callable[[str], str]:
        codec, trim = writing_of(self.path, self.encoding)[0], self.provider.trim

        def form(text: str) -> str:
            """Raises ValueError for what would not be read back."""
            try:
                text.encode(codec)
            except UnicodeEncodeError as error:
                raise ValueError(f"{codec} has no {text[error.start]!r}; use another encoding") from error
            if len(text) >= LONGEST_CELL or "\0" in text or (trim and not text.strip()):
                raise ValueError("it is too long, has a NUL character, or is nothing but spaces")
            return text.strip() if trim else text

        return form


def _ragged(line: int, cells: list[str] | str, width: int) -> Rejected:
    reason = cells if isinstance(cells, str) else f"has {len(cells)} cells where the first line has {width}"
    return Rejected(f"line {line}", None, None, reason)
