"""Pages of records, put away as Parquet."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS = 20_000
"""Rows that are written at once: many small groups cost time and memory to read again."""


class Spool:
    """A file that grows by batches; `n` numbers its rows."""

    def __init__(self, path: Path, columns: Sequence[tuple[str, pa.DataType]]) -> None:
        self.path, self.rows = path, 0
        self._schema = pa.schema([("n", pa.int64()), *columns])
        self._writer = pq.ParquetWriter(path, self._schema, compression="snappy", write_statistics=["n"])
        self._waiting: list[pa.RecordBatch] = []

    def add(self, columns: Sequence[pa.Array]) -> None:
        """Some rows, which get the next numbers."""
        rows = len(columns[0])
        numbers = pa.array(range(self.rows, self.rows + rows), pa.int64())
        self._waiting.append(pa.RecordBatch.from_arrays([numbers, *columns], schema=self._schema))
        self.rows += rows
        if sum(batch.num_rows for batch in self._waiting) >= GROUP_ROWS:
            self._write()

    def close(self) -> None:
        """The file can be read."""
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting), row_group_size=2 * GROUP_ROWS)
            self._waiting = []
