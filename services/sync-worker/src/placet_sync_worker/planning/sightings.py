"""The source records that people asked to have explained, kept as they were read and mapped."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ..mapping.columns import Column, as_lists
from ..ports import RECORD, Fault
from .comparing import Values

SEEN = 5
"""Records of one key that are kept: there should be one."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record: where it stands, its cells by column, its values by target. `problems`: what is wrong with values, by
    target; `faults`: with cells, by column."""

    record: str
    cells: Mapping[str, Values]
    values: tuple[Values, ...]
    problems: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Sightings:
    """Keeps the records with one of these keys as the pages go by."""

    keys: Collection[str] = ()
    seen: dict[str, list[Sighting]] = field(default_factory=dict)

    def look(
        self,
        page: pa.RecordBatch,
        shown: Sequence[str | None],
        values: Sequence[Column],
        problems: Mapping[str, Mapping[int, str]],
        faults: Iterable[Fault],
    ) -> None:
        """A page, the keys of its rows, the mapped columns, and what is wrong with rows."""
        for row, key in enumerate(shown):
            if key in self.keys and len(kept := self.seen.setdefault(str(key), [])) < SEEN:
                of_row = {name: rows[row] for name, rows in problems.items() if row in rows}
                unread = {one.column: one.reason for one in faults if one.row == row}
                mapped = tuple(tuple(column[row].as_py()) for column in values)
                kept.append(Sighting(*_cells(page.slice(row, 1)), mapped, of_row, unread))


def _cells(row: pa.RecordBatch) -> tuple[str, Mapping[str, Values]]:
    names = [name for name in row.schema.names if name != RECORD]
    return row.column(RECORD)[0].as_py(), {name: tuple(as_lists(row.column(name))[0].as_py()) for name in names}
