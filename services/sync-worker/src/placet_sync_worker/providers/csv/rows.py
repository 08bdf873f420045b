"""The records of a delimited text (RFC 4180, and what people make of it), and the text that each was read from.

Python's own parser reads them, strictly: pyarrow's is four times as fast, but silently takes `"Ann"e` for `Anne`, and
tells neither the line of a record nor a quote that is never closed from a row with too few cells.
"""

import csv
from _csv import Reader
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

LONGEST_CELL = 1 << 20
"""Characters. A cell that is longer is rather a quote that was never closed."""

Row = tuple[int, list[str] | str]
"""A record's first line and its cells, or why they cannot be told apart."""


class UnclosedQuoteError(Exception):
    """A quote is opened and never closed."""


@dataclass
class Recorder:
    """Lines on their way to the parser, which takes no more of them than a record has."""

    lines: Iterable[str]
    taken: list[str] = field(default_factory=list)
    before: int = 0
    """Lines that were handed over already."""

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.taken.append(line)
            yield line

    def hand_over(self, first: int) -> tuple[list[str], list[str]]:
        """The lines since the last call: blank ones before line `first`, and from there on."""
        lines, blank = self.taken, first - self.before - 1
        self.before += len(lines)
        self.taken = []
        return lines[:blank], lines[blank:]


def parser(lines: Iterable[str], delimiter: str, quote: str) -> Reader:
    """Raises TypeError or ValueError for a delimiter and a quote that cannot be."""
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True)


def numbered(reader: Reader) -> Iterator[Row]:
    """Each record with its first line; a malformed one as a text, after which the parser goes on at the next line.
    Blank rows are left out (`,,,` is one, too)."""
    done = 0
    while True:
        try:
            for cells in reader:
                if any(map(str.strip, cells)):
                    yield done + 1, cells
                done = reader.line_num
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error):
                raise UnclosedQuoteError(f"line {done + 1}: a quote is opened and never closed") from error
            yield done + 1, f"quotes are not doubled inside a quoted cell ({error})"
            done = reader.line_num
        else:
            return


def split_raw(record: str, delimiter: str, quote: str) -> list[str]:
    """The cells of a well-formed record as they are written."""
    body = record.rstrip("\r\n")
    cells, start, quoted = list[str](), 0, False
    for place, letter in enumerate(body):
        if letter == quote and body[start] == quote:
            quoted = not quoted
        elif letter == delimiter and not quoted:
            cells.append(body[start:place])
            start = place + 1
    return [*cells, body[start:]]


def written(value: str, delimiter: str, quote: str, *, quoted: bool) -> str:
    """A cell as text: in quotes where it needs them, or its neighbours have them."""
    if quoted or any(letter in value for letter in (delimiter, quote, "\r", "\n")):
        return quote + value.replace(quote, quote * 2) + quote
    return value
