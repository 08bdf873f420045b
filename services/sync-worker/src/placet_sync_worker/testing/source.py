"""A source in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ..changes import Rejected
from ..ports import RECORD, Page, Window
from ..stamps import Times, times_by

PAGE_ROWS = 1_000


@dataclass
class FakeSource:
    """A `Source` over rows: a text, a list of texts, or nothing for each name."""

    rows: Sequence[Mapping[str, str | list[str] | None]]
    names: Sequence[str] | None = None
    broken: Sequence[Rejected] = field(default_factory=tuple)
    default: str | None = None
    clock: str = "2027-01-31T12:00:00+00:00"
    windows: list[Window | None] = field(default_factory=list)
    unstamped_come: bool = False

    def default_query(self) -> str | None:
        return self.default

    def columns(self, query: str | None = None) -> Sequence[str] | None:
        return self.names or list(dict.fromkeys(name for row in self.rows for name in row))

    def read(self, columns: Sequence[str], query: str | None, window: Window | None = None) -> Iterator[Page]:
        self.windows.append(window)
        wanted = [row for row in self.rows if window is None or _within(window, row, self.unstamped_come)]
        for first in range(0, len(wanted), PAGE_ROWS):
            rows = wanted[first : first + PAGE_ROWS]
            records = {RECORD: pa.array([f"line {first + n + 2}" for n in range(len(rows))], pa.string())}
            for name in columns:
                cells = [row.get(name) for row in rows]
                many = any(isinstance(cell, list) for cell in cells)
                lists = [[cell] if isinstance(cell, str) else cell for cell in cells]
                records[name] = pa.array(lists, pa.list_(pa.string())) if many else pa.array(cells, pa.string())
            yield Page(pa.RecordBatch.from_pydict(records), tuple(self.broken) if first == 0 else ())
        if not wanted and self.broken:
            empty = {name: pa.array([], pa.string()) for name in (RECORD, *columns)}
            yield Page(pa.RecordBatch.from_pydict(empty), tuple(self.broken))

    def stamps(self, column: str, query: str | None) -> Times:
        return times_by(self.clock, unstamped_come=self.unstamped_come)

    def close(self) -> None: ...


def _within(window: Window, row: Mapping[str, str | list[str] | None], unstamped_come: bool) -> bool:
    """Stamps are compared as texts here: tests write them in one form."""
    stamp = row.get(window.column)
    newer = window.since is None or (stamp >= window.since if isinstance(stamp, str) else unstamped_come)
    among = tuple(str(row.get(name)) for name in window.key) in window.keys
    return among and not newer if window.older else newer or among
