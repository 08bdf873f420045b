"""What a file of tables is to the worker, whatever its format: text in rows, and edits by the places of rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from ...errors import SourceFileError, UnknownColumnError
from ...hints import hint, nearest
from ...keys import shown_key
from ...ports import RECORD, Attribute, Page
from ..excel.sheet import column_letters

Row = Mapping[str, str]
"""Texts by column; the empty text is no value."""


class Tables(Protocol):
    """One state of a file. A row stands where its `@record` says (`line 17`); a row without anything in it is none."""

    @property
    def main(self) -> str:
        """The table that the provider names."""
        ...

    def names(self) -> Sequence[str]: ...

    def columns(self, table: str) -> Sequence[str]: ...

    def pages(self, table: str, columns: Sequence[str]) -> Iterator[Page]:
        """All rows, their columns as texts: complete, or it raises. Raises UnknownColumnError."""
        ...

    def attribute(self, column: str) -> Attribute:
        """How the main table treats a column that it has."""
        ...

    def required(self) -> frozenset[str]:
        """Columns of the main table that a new row must have a value for."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Edits:
    """What is to become of the main table: values by place and column, places of rows that go, new rows."""

    updates: Mapping[str, Row] = field(default_factory=dict)
    deletes: frozenset[str] = frozenset()
    creates: Sequence[Row] = ()


Refusals = Mapping[str | int, str]
"""Why an edit cannot be made, by the place of its row or the number of the new one."""


class Format(Protocol):
    """A provider's kind of file. Errors name the provider and the path."""

    @property
    def provider(self) -> Any:
        """Its settings: a FileProvider."""
        ...

    def open(self, path: Path) -> Tables: ...

    def in_use(self, path: Path) -> str | None:
        """Why the file must not be replaced just now: somebody has it open in a program that says so."""
        ...

    def rewrite(self, old: Path | None, new: Path, edits: Edits) -> Refusals:
        """Writes to `new` what `old` holds with the edits made, and all that they do not touch as it is. Without an old
        file: a new one."""
        ...


def where(provider: Any) -> str:
    """How errors name a provider's file."""
    return f"provider {provider.name}: {provider.path}"


def same(text: str) -> str:
    """The form of a text that equals itself alone."""
    return text


def column_attribute(name: str, form: Callable[[str], str] = same, *, writable: bool = True) -> Attribute:
    """A column as an attribute: one value, equal to another where their forms are."""
    return Attribute(name, True, writable, True, True, fold=form, decode=None if form is same else form)


def place_of(columns: Sequence[str], column: str, whose: str) -> int:
    """The number of a column. Raises UnknownColumnError with the nearest name."""
    if columns.count(column) == 1:
        return columns.index(column)
    raise UnknownColumnError(no_column(columns, column, whose))


def no_column(columns: Sequence[str], column: str, whose: str) -> str:
    """Why no column can be meant, or no single one."""
    if column not in columns:
        return f"{whose} has no column {column}; {hint(column, columns)}"
    *first, last = (f"{n + 1} ({column_letters(n)})" for n, name in enumerate(columns) if name == column)
    times = "twice" if len(first) == 1 else f"{len(first) + 1} times"
    places = f"{', '.join(first)} and {last}"
    return f"{whose}: {column} stands {times} in the header, in columns {places}; rename all but one of them"


def table_named(wanted: str, names: Sequence[str], whose: str, word: str) -> str:
    """One of the tables of a file, which calls them so (`word`). Raises SourceFileError with the nearest name."""
    if wanted in names:
        return wanted
    near = nearest(wanted, names)
    meant = f"did you mean {near}? " if near else ""
    raise SourceFileError(f"{whose} has no {word} {wanted}; {meant}It has {', '.join(names)}")


def once(columns: Sequence[str]) -> list[str]:
    """The columns whose name stands once: the others cannot be told apart."""
    return [name for name in columns if name and columns.count(name) == 1]


def row_id(parts: Sequence[str | None]) -> str | None:
    """The id of a row: its key as text, another one for another key. None where a part is missing."""
    texts = [part for part in parts if part]
    return shown_key(texts) if len(texts) == len(parts) else None


def ids_of(records: pa.RecordBatch, keys: Sequence[str]) -> list[str | None]:
    """The ids of a page's rows."""
    return [row_id(parts) for parts in zip(*(records.column(key).to_pylist() for key in keys), strict=True)]


def find_rows(
    tables: Tables, keys: Sequence[str], wanted: Collection[str], columns: Sequence[str] = ()
) -> dict[str, list[tuple[str, Row]]]:
    """Where the rows with these ids stand, and what they have in some columns."""
    names, found = list(dict.fromkeys([*keys, *columns])), dict[str, list[tuple[str, Row]]]()
    for page in tables.pages(tables.main, names):
        for number, id_ in enumerate(ids_of(page.records, keys)):
            if id_ is not None and id_ in wanted:
                row = {name: page.records.column(name)[number].as_py() or "" for name in columns}
                found.setdefault(id_, []).append((page.records.column(RECORD)[number].as_py(), row))
    return found
