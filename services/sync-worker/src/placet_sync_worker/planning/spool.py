"""Pages of records, put away as Parquet."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class Spool:
    """A file that grows by batches; `n` numbers its rows."""

    def __init__(self, path: Path, columns: Sequence[tuple[str, pa.DataType]]) -> None:
        self.path, self.rows = path, 0
        self._schema = pa.schema([("n", pa.int64()), *columns])
        self._writer = pq.ParquetWriter(path, self._schema, compression="snappy", write_statistics=False)

    def add(self, columns: Sequence[pa.Array]) -> None:
        """Some rows, which get the next numbers."""
        rows = len(columns[0])
        numbers = pa.array(range(self.rows, self.rows + rows), pa.int64())
        self._writer.write_batch(pa.RecordBatch.from_arrays([numbers, *columns], schema=self._schema))
        self.rows += rows

    def close(self) -> None:
        """The file can be read."""
        self._writer.close()
