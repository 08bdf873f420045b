"""DuckDB over spooled files, within its memory limit."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from .spool import Spool

ROWS = 2_000
"""Rows that are Python objects at one time."""


class Views:
    """Spooled files as views. Open until it is closed; threads may use it one after another."""

    def __init__(self, folder: Path, memory: str, threads: int) -> None:
        self._folder = folder
        self._db = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": str(threads),
                "temp_directory": str(folder / "spill"),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "preserve_insertion_order": "false",
            }
        )

    def close(self) -> None:
        """Gives the memory back."""
        self._db.close()

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, some at a time."""
        reader: pa.RecordBatchReader = self._db.cursor().sql(query).to_arrow_reader(ROWS)
        for batch in reader:
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def count(self, query: str) -> int:
        """The number of rows that `FROM …` gives."""
        (found,) = self._db.execute(f"SELECT count(*) {query}").fetchall()
        return int(found[0])

    def run(self, script: str) -> None:
        """Statements, one after the other."""
        for statement in script.split(";\n"):
            self._db.execute(statement)

    def view(self, name: str, path: Path) -> None:
        self._db.execute(f"CREATE VIEW {name} AS FROM read_parquet({quoted(str(path))})")

    def put(self, name: str, columns: Sequence[tuple[str, pa.DataType]], rows: Iterable[Sequence[Any]]) -> None:
        """A view of these rows, which are spooled some at a time."""
        spool = Spool(self._folder / f"{name}.parquet", columns)
        rest = iter(rows)
        try:
            while some := list(islice(rest, ROWS)):
                cells = zip(zip(*some, strict=True), columns, strict=True)
                spool.add([pa.array(column, kind) for column, (_, kind) in cells])
        finally:
            spool.close()
        self.view(name, spool.path)


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
