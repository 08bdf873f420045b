"""Long values, such as photos, put away by their content: a join would need two thousand of them in memory at once."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..mapping.columns import Column

LONGEST = 1_000
"""Bytes of a value that travels through joins as it is."""

MARK = "\0\0"
"""Before the name of a value that is put away; no value of ours begins so, as none has a NUL character."""


class Shelf:
    """A folder of long values. Equal values have equal names, whichever side they come from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "values"
        self._folder.mkdir(exist_ok=True)
        self._empty = True

    def put(self, column: Column) -> Column:
        """The column with the names of its long values."""
        flat = column.flatten()
        long = pc.greater(pc.binary_length(flat), LONGEST)
        if not pc.any(long).as_py():
            return column
        pairs = zip(flat.to_pylist(), long.to_pylist(), strict=True)
        names = pa.array([self._put(value) if is_long else value for value, is_long in pairs], pa.string())
        return pa.ListArray.from_arrays(column.offsets, names)

    def get(self, values: Iterable[str]) -> tuple[str, ...]:
        """The values of one attribute, as they were."""
        if self._empty:
            return tuple(values)
        return tuple(self._get(value) if value.startswith(MARK) else value for value in values)

    def _put(self, value: str) -> str:
        self._empty = False
        name = hashlib.sha256(value.encode()).hexdigest()
        path = self._folder / name
        if not path.exists():
            path.write_text(value, encoding="utf-8", newline="")
        return MARK + name

    def _get(self, value: str) -> str:
        with (self._folder / value.removeprefix(MARK)).open(encoding="utf-8", newline="") as file:
            return file.read()
