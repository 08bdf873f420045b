"""Writes delimited text: what is not edited keeps its bytes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from placet_shared.objects import CsvProvider

from ...errors import SourceMovedError
from ..files.folder import checksum
from ..files.tables import Edits, where
from .formulas import escaped
from .rows import Recorder, split_raw, written
from .tables import CsvTables
from .text import writing_of


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
class Rewriting:
    """One file, and what is to become of it."""

    tables: CsvTables
    edits: Edits

    def write(self, target: BinaryIO) -> None:
        """Raises SourceMovedError where the bytes of the old file cannot be kept."""
        codec, mark = writing_of(self.tables.path, self.tables.encoding)
        recorder, copy, columns = Recorder(()), _Copy(target, codec, mark), self.tables.columns(self.tables.main)
        last, end = "", "\r\n"
        with self.tables.rows(recorder) as rows:
            for line, cells in rows:
                blank, own = recorder.hand_over(line)
                raw = "".join(own)
                copy.put("".join(blank))
                copy.put(raw, self._instead(f"line {line}", raw, columns))
                if not isinstance(cells, str) and len(cells) == len(columns):
                    last, end = raw, _line_end(raw) or end
            copy.put("".join(recorder.hand_over(recorder.before + len(recorder.taken) + 1)[0]))
        if copy.of_original.hexdigest() != checksum(self.tables.path):
            whose = where(self.tables.provider)
            raise SourceMovedError(
                f"{whose}: its bytes are not those of {codec} text, or it changes; nothing was written"
            )
        target.write(self._new_rows(columns, last, end, copy.tail).encode(codec))

    def _instead(self, place: str, raw: str, columns: Sequence[str]) -> str | None:
        """What is written for a record; None: the record as it is."""
        if place in self.edits.deletes:
            return ""
        values = self.edits.updates.get(place)
        return None if values is None else self._changed(raw, columns, values)

    def _changed(self, raw: str, columns: Sequence[str], values: Mapping[str, str]) -> str:
        provider = self.tables.provider
        cells = split_raw(raw, provider.delimiter, provider.quote)
        for number, name in enumerate(columns):
            if name in values:
                cells[number] = _cell(provider, values[name], quoted=cells[number][:1] == provider.quote)
        return provider.delimiter.join(cells) + _line_end(raw)

    def _new_rows(self, columns: Sequence[str], last: str, end: str, tail: str) -> str:
        """What follows the `tail` of the file, written as its last record is."""
        if not self.edits.creates:
            return ""
        provider = self.tables.provider
        marks = [cell[:1] == provider.quote for cell in split_raw(last, provider.delimiter, provider.quote)]
        quoted = dict(zip(columns, marks, strict=True))
        rows = [
            provider.delimiter.join(_cell(provider, row.get(name, ""), quoted=quoted[name]) for name in columns)
            for row in self.edits.creates
        ]
        closed = tail.endswith(("\n", "\r"))
        return ("" if closed else end) + end.join(rows) + (end if closed else "")


def new_text(provider: CsvProvider, edits: Edits) -> str:
    """A file that is made anew."""
    header = [written(name, provider.delimiter, provider.quote, quoted=False) for name in provider.new_file]
    rows = [[_cell(provider, row.get(name, ""), quoted=False) for name in provider.new_file] for row in edits.creates]
    return "".join(provider.delimiter.join(row) + "\r\n" for row in ([header] if provider.header else []) + rows)


def _cell(provider: CsvProvider, value: str, *, quoted: bool) -> str:
    text = escaped(value) if provider.escape_formulas else value
    return written(text, provider.delimiter, provider.quote, quoted=quoted)


def _line_end(record: str) -> str:
    return record[len(record.rstrip("\r\n")) :]
