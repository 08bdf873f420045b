"""Rows of PostgreSQL as pages of texts: COPY sends CSV, which goes into Arrow without a Python object per value."""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import generators
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from pyarrow import csv
from sqlalchemy import Connection, Select
from sqlalchemy.dialects import postgresql

PAGE_ROWS, PAGE_BYTES = 5_000, 1 << 22

PLAIN: Any = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
"""Literals for a session of ours: COPY takes no parameters."""
PLAIN._backslash_escapes = False


class CopyReader:
    """A `Reader` over a connection of psycopg."""

    def __init__(self, connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        self._driver: psycopg.Connection[Any] = driver

    def columns(self, derived: str) -> list[tuple[str, Any]]:
        """The server alone parses the query, as one statement: what is none, or several, is refused."""
        server, query = self._driver.pgconn, f"SELECT * FROM {derived}"  # noqa: S608  (it is people's own query)
        server.send_prepare(b"", query.encode())
        described = self._answer()
        if described.status == ExecStatus.COMMAND_OK:
            server.send_describe_prepared(b"")
            described = self._answer()
        if described.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(described, "utf-8")
        return [((described.fname(n) or b"").decode(), described.ftype(n)) for n in range(described.nfields)]

    def _answer(self) -> PGresult:
        """What the driver's own `describe_prepared` waits for with the whole process stopped."""
        results: list[PGresult] = self._driver.wait(generators.execute(self._driver.pgconn))
        return results[0]

    def pages(self, query: Select[Any], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        sql = str(query.compile(dialect=PLAIN, compile_kwargs={"literal_binds": True}))
        with self._driver.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv)".encode()) as copy:
            rows: list[bytes] = []
            size = 0
            for row in copy:
                rows.append(bytes(row))
                size += len(row)
                if len(rows) == PAGE_ROWS or size > PAGE_BYTES:
                    yield parsed(b"".join(rows), names)
                    rows, size = [], 0
            if rows:
                yield parsed(b"".join(rows), names)


def parsed(text: bytes, names: Sequence[str]) -> pa.RecordBatch:
    """CSV as PostgreSQL writes it: an empty cell is NULL, a quoted one a text."""
    places = [str(number) for number in range(len(names))]
    table = csv.read_csv(
        pa.py_buffer(text),
        read_options=csv.ReadOptions(column_names=places, use_threads=False, block_size=len(text) + 1),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(places, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    (batch,) = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    return batch.rename_columns(list(names))
