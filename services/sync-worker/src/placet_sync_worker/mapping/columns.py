"""Arrow columns of values: what transforms take and give. A column is `string` or `list<string>`."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Column: TypeAlias = pa.Array
"""`list<string>` once it was mapped: no nulls, the empty list where there is no value."""


def as_lists(column: pa.Array) -> Column:
    """A text column as lists of one value or none, a list column without nulls. No Python object per value."""
    if pa.types.is_list(column.type):
        lengths, texts = pc.fill_null(pc.list_value_length(column), 0), column.flatten()
    else:
        present = pc.fill_null(pc.not_equal(column, ""), False)
        lengths, texts = pc.cast(present, pa.int32()), column.filter(present)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    return pa.ListArray.from_arrays(offsets, texts.cast(pa.string()))


def of_values(rows: Sequence[Sequence[str]]) -> Column:
    """A column of Python values."""
    offsets = pa.array([0, *accumulate(map(len, rows))], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array([value for row in rows for value in row], pa.string()))


def constant(values: Sequence[str], rows: int) -> Column:
    """The same values in each row."""
    return of_values([values] * rows)


def part(column: Column, start: int, length: int) -> Column:
    """Characters of each value, from number `start` on (the first is 1); a value without any is none."""
    cut = pc.utf8_slice_codeunits(column.flatten(), start - 1, start - 1 + length)
    return _without_empty(pa.ListArray.from_arrays(column.offsets, cut))


def split(column: Column, separator: str) -> Column:
    """The values between separators, without the spaces around them."""
    return of_values(
        [
            [piece.strip() for value in values for piece in value.split(separator) if piece.strip()]
            for values in column.to_pylist()
        ]
    )


def _without_empty(column: Column) -> Column:
    if not pc.any(pc.equal(column.flatten(), "")).as_py():
        return column
    return of_values([[value for value in values if value] for values in column.to_pylist()])


def several(column: Column) -> list[int]:
    """The rows that have more than one value."""
    return pc.indices_nonzero(pc.greater(pc.list_value_length(column), 1)).to_pylist()  # type: ignore[no-any-return]


def longer(column: Column, most: int) -> list[int]:
    """The rows with a value of more characters than that."""
    if not pc.any(pc.greater(pc.utf8_length(column.flatten()), most)).as_py():
        return []
    return [row for row, values in enumerate(column.to_pylist()) if any(len(value) > most for value in values)]


def holding_nul(column: Column) -> list[int]:
    """The rows with a NUL character in a value: no directory takes it, and no JSON column of PostgreSQL."""
    flat = column.flatten()
    if not pc.any(pc.match_substring(flat, "\0")).as_py():
        return []
    return [row for row, values in enumerate(column.to_pylist()) if any("\0" in value for value in values)]
