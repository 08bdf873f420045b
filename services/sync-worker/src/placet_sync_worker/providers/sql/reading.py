"""Rows as pages of texts, through a cursor that stays at the server."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy import Connection, Select

from .values import shown

PAGE_ROWS = 5_000

Texts = Callable[[Sequence[Any], Any], Sequence[str | None] | None]
"""A column's values, and the driver's code of their type, to texts; None where `shown` does."""


class Reader(Protocol):
    """Reads a database through one connection."""

    def columns(self, derived: str) -> list[tuple[str, Any]]:
        """Names and the driver's codes of types of a query that was made a table."""
        ...

    def pages(self, query: Select[Any], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows as texts, under these names: complete, or it raises the driver's error."""
        ...


class CursorReader:
    """A `Reader` over whatever driver SQLAlchemy has."""

    def __init__(self, connection: Connection, texts: Texts) -> None:
        self._connection, self._texts = connection, texts

    def columns(self, derived: str) -> list[tuple[str, Any]]:
        query, plain = f"SELECT * FROM {derived} WHERE 1 = 0", {"no_parameters": True}  # noqa: S608  (people's own)
        result = self._connection.exec_driver_sql(query, execution_options=plain)
        found = [(str(one[0]), one[1]) for one in result.cursor.description or ()] if result.cursor else []
        result.close()
        return found

    def pages(self, query: Select[Any], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        result = self._connection.execute(query, execution_options={"yield_per": PAGE_ROWS})
        assert result.cursor is not None
        kinds = [one[1] for one in result.cursor.description]
        for rows in result.partitions():
            columns = zip(*rows, strict=True)
            yield page(names, [self._column(values, kind) for values, kind in zip(columns, kinds, strict=True)])

    def _column(self, values: Sequence[Any], kind: Any) -> Sequence[str | None]:
        texts = self._texts(values, kind)
        return [None if one is None else shown(one) for one in values] if texts is None else texts


def page(names: Sequence[str], columns: Sequence[Sequence[str | None]]) -> pa.RecordBatch:
    """Columns of texts."""
    arrays = [pa.array(values, pa.string()) for values in columns]
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def numbered(first: int, rows: int) -> pa.Array:
    """`row 1`, `row 2`, …"""
    return pa.array([f"row {number}" for number in chain(range(first, first + rows))], pa.string())
