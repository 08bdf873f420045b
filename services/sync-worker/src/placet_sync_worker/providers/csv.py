"""Delimited text files, as source and as destination."""

import hashlib
from _csv import Reader
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from placet_shared.objects import CsvProvider

from ..changes import Rejected
from ..errors import EmptySourceError, SourceFileError, SourceMovedError
from ..ports import RECORD, Attribute, Page
from .csv_formulas import escaped, unescaped
from .csv_rows import LONGEST_CELL, Recorder, Row, UnclosedQuoteError, numbered, parser, split_raw, written
from .csv_text import encoding_of, first_bad_byte, writing_of
from .file_destination import FileDestination
from .file_source import FileSource, try_file
from .file_tables import Edits, Refusals, column_attribute, place_of, where
from .files import checksum
from .surroundings import Surroundings

PAGE_ROWS = 5_000

DELIMITERS = ";,\t|"
"""Those that people use."""


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


@dataclass
class _Copy:
    """Text on its way into the new file, and the checksum of what it was: that of the old one, byte for byte."""

    target: BinaryIO
    codec: str
    mark: bytes
    tail: str = "\n"

    def __post_init__(self) -> None:
        self.of_original = hashlib.sha256(self.mark)
        self.target.write(self.mark)

    def put(self, original: str, instead: str | None = None) -> None:
        """Copies a text, or writes another one in its place."""
        octets = original.encode(self.codec)
        self.of_original.update(octets)
        self.target.write(octets if instead is None else instead.encode(self.codec))
        self.tail = (original if instead is None else instead) or self.tail


@dataclass(frozen=True)
class CsvFormat:
    """A `Format`."""

    provider: CsvProvider

    def open(self, path: Path) -> CsvTables:
        return CsvTables(self.provider, path)

    def in_use(self, path: Path) -> None:
        """Nobody says so."""

    def rewrite(self, old: Path | None, new: Path, edits: Edits) -> Refusals:
        """See `Format`: lines that are not edited keep their bytes, changed cells their quoting; new rows are quoted as
        the last one and get its line end."""
        with new.open("wb") as target:
            if old is None:
                target.write(self._new_file(edits).encode(self.provider.encoding))
            else:
                self._edit(CsvTables(self.provider, old), target, edits)
        return {}

    def _new_file(self, edits: Edits) -> str:
        columns = self.provider.new_file
        header = [self._written(name, quoted=False, data=False) for name in columns] if self.provider.header else []
        rows = [[self._written(row.get(name, ""), quoted=False) for name in columns] for row in edits.creates]
        return "".join(self.provider.delimiter.join(row) + "\r\n" for row in ([header] if header else []) + rows)

    def _edit(self, tables: CsvTables, target: BinaryIO, edits: Edits) -> None:
        codec, mark = writing_of(tables.path, tables.encoding)
        names, recorder, copy = tables.columns(tables.main), Recorder(()), _Copy(target, codec, mark)
        last, end = "", "\r\n"
        with tables.rows(recorder) as rows:
            for line, cells in rows:
                blank, own = recorder.hand_over(line)
                raw, place = "".join(own), f"line {line}"
                copy.put("".join(blank))
                if not isinstance(cells, str) and len(cells) == len(names):
                    last, end = raw, _line_end(raw) or end
                if place in edits.deletes:
                    copy.put(raw, "")
                elif place in edits.updates:
                    copy.put(raw, self._changed(raw, names, edits.updates[place]))
                else:
                    copy.put(raw)
            copy.put("".join(recorder.hand_over(recorder.before + len(recorder.taken) + 1)[0]))
        if copy.of_original.hexdigest() != checksum(tables.path):
            raise SourceMovedError(
                f"{where(self.provider)}: its bytes are not those of {codec} text, or it changes; nothing was written"
            )
        target.write(self._new_rows(names, last, end, copy.tail, edits).encode(codec))

    def _new_rows(self, names: Sequence[str], last: str, end: str, tail: str, edits: Edits) -> str:
        """What follows the `tail` of the file, written as its last record is."""
        if not edits.creates:
            return ""
        like = split_raw(last, self.provider.delimiter, self.provider.quote)
        quoted = [cell[:1] == self.provider.quote for cell in like]
        rows = [
            self.provider.delimiter.join(
                self._written(row.get(name, ""), quoted=mark) for name, mark in zip(names, quoted, strict=True)
            )
            for row in edits.creates
        ]
        closed = tail.endswith(("\n", "\r"))
        return ("" if closed else end) + end.join(rows) + (end if closed else "")

    def _changed(self, raw: str, names: Sequence[str], values: Mapping[str, str]) -> str:
        cells = split_raw(raw, self.provider.delimiter, self.provider.quote)
        for number, name in enumerate(names):
            if name in values:
                cells[number] = self._written(values[name], quoted=cells[number][:1] == self.provider.quote)
        return self.provider.delimiter.join(cells) + _line_end(raw)

    def _written(self, value: str, *, quoted: bool, data: bool = True) -> str:
        text = escaped(value) if data and self.provider.escape_formulas else value
        return written(text, self.provider.delimiter, self.provider.quote, quoted=quoted)


def open_csv(provider: CsvProvider, surroundings: Surroundings) -> FileSource:
    """The source of a provider."""
    return FileSource(CsvFormat(provider), surroundings.files, surroundings.spool)


def open_csv_destination(provider: CsvProvider, surroundings: Surroundings, keys: tuple[str, ...]) -> FileDestination:
    """The destination of a provider."""
    return FileDestination(CsvFormat(provider), surroundings.files, surroundings.spool, keys)


def try_csv(provider: CsvProvider, surroundings: Surroundings) -> list[dict[str, Any]]:
    """What `placet provider test` tries. One column that has another delimiter in its name is asked about."""
    source = open_csv(provider, surroundings)
    header, *others = try_file(source, "header")
    if header["ok"] and len(columns := source.columns()) == 1:
        likely = next((one for one in DELIMITERS if one in columns[0]), None)
        header["message"] += f"; that is one column: is the delimiter {likely!r}?" if likely else ""
    return [header, *others]


def _line_end(record: str) -> str:
    return record[len(record.rstrip("\r\n")) :]


def _ragged(line: int, cells: list[str] | str, width: int) -> Rejected:
    reason = cells if isinstance(cells, str) else f"has {len(cells)} cells where the first line has {width}"
    return Rejected(f"line {line}", None, None, reason)
