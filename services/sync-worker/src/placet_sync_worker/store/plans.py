"""Plans: written once in the transaction that publishes them, read change by change."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import Row, and_, insert, select

from placet_shared.work import Work

from ..changes import Phase, Rejected
from ..plan import SALT_SIZE, Batch, Draft, arrange, arrange_whole, change_hash
from ..tables import batches, changes, outcomes, rejected, steps
from .settling import OF_CHANGE

CHUNK = 1000


async def save(work: Work, run_id: str, planned: Iterator[Draft], *, whole: bool = False) -> Sequence[Batch]:
    """Writes changes and batches of a run; `whole`: all changes as one batch."""
    heads: list[tuple[str, Sequence[Phase]]] = []
    rows = _rows(run_id, planned, heads)
    await _copy(work, "changes", ["run_id", "number", "key", "op", "steps", "hash", "salt", "document"], rows)
    arranged = arrange_whole(heads) if whole else arrange(heads)
    if arranged:
        await work.connection.execute(insert(batches), [_batch_row(run_id, batch) for batch in arranged])
    return arranged


async def save_rejected(work: Work, run_id: str, records: Sequence[Rejected]) -> None:
    """Writes the records that could not be planned."""
    columns = ["run_id", "number", "record", "key", "attribute", "reason"]
    rows = ((run_id, n, r.record, r.key, r.attribute, r.reason) for n, r in enumerate(records))
    await _copy(work, "rejected", columns, rows)


async def save_matches(work: Work, run_id: str, found: Iterator[tuple[str, str]]) -> None:
    """Writes which entries belong to which records, for the links at the run's end."""
    await _copy(work, "matches", ["run_id", "entry_id", "source_key"], ((run_id, *pair) for pair in found))


def stream_unsent(database_url: str, run_id: str) -> Iterator[tuple[int, Any]]:
    """(number, document) of the changes of which no step was sent or has a result, through a server-side cursor; for
    use in a thread."""
    with psycopg.connect(database_url) as connection, connection.cursor("unsent") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(
            "SELECT number, document FROM sync.changes c WHERE run_id = %s AND NOT EXISTS"
            " (SELECT 1 FROM sync.steps s WHERE s.run_id = c.run_id AND s.number = c.number)",
            [run_id],
        )
        yield from cursor


async def list_changes(
    work: Work, run_id: str, *, op: str | None, result: str | None, key: str | None, after: int, limit: int
) -> list[Row[Any]]:
    """Rows of `changes`, with their results and reasons, in the plan's order, from after a number on."""
    asked = [(changes.c.op, op), (outcomes.c.result, result), (changes.c.key, key)]
    wanted = [column == value for column, value in asked if value is not None]
    both = select(changes, outcomes.c.result, outcomes.c.reason).outerjoin(outcomes, OF_CHANGE)
    query = both.where(changes.c.run_id == run_id, changes.c.number > after, *wanted)
    return list(await work.connection.execute(query.order_by(changes.c.number).limit(limit)))


async def step_results(work: Work, run_id: str, numbers: Sequence[int]) -> Mapping[tuple[int, int], str | None]:
    """Results by (change, step)."""
    query = select(steps).where(steps.c.run_id == run_id, steps.c.number.in_(list(numbers)))
    return {(row.number, row.step): row.result for row in await work.connection.execute(query)}


async def list_rejected(work: Work, run_id: str, *, key: str | None, after: int, limit: int) -> list[Row[Any]]:
    """Rows of `rejected` in the source's order, from after a number on."""
    wanted = and_(rejected.c.run_id == run_id, rejected.c.number > after)
    query = select(rejected).where(wanted if key is None else and_(wanted, rejected.c.key == key))
    return list(await work.connection.execute(query.order_by(rejected.c.number).limit(limit)))


def _rows(run_id: str, planned: Iterator[Draft], heads: list[tuple[str, Sequence[Phase]]]) -> Iterator[tuple[Any, ...]]:
    """Rows of `changes`; notes each change's hash and the phases of its steps in `heads`."""
    for number, draft in enumerate(planned):
        salt = os.urandom(SALT_SIZE)
        digest = change_hash(draft.document, salt)
        heads.append((digest, draft.phases))
        yield (
            run_id,
            number,
            draft.key,
            draft.op,
            len(draft.phases),
            digest,
            f"\\x{salt.hex()}",
            draft.document.decode(),
        )


def _batch_row(run_id: str, batch: Batch) -> dict[str, Any]:
    items = [[number, list(numbers)] for number, numbers in batch.items]
    return {
        "batch_id": str(uuid4()), "run_id": run_id, "phase": batch.phase.number, "ordinal": batch.index,
        "digest": batch.digest, "items": items, "state": "waiting",
    }  # fmt: skip


async def _copy(work: Work, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    """COPY, a thousand rows at a time made in a thread, so that the event loop stays free."""
    raw = (await work.connection.get_raw_connection()).driver_connection
    assert raw is not None
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY sync.{} ({}) FROM STDIN").format(sql.Identifier(table), names)
    async with raw.cursor() as cursor, cursor.copy(statement) as copy:
        while block := await asyncio.to_thread(lambda: "".join(map(_line, islice(rows, CHUNK)))):
            await copy.write(block)


def _line(row: Sequence[str | int | None]) -> str:
    """A row in COPY's text format."""
    return "\t".join(["\\N" if cell is None else _escaped(str(cell)) for cell in row]) + "\n"


def _escaped(text: str) -> str:
    """Four searches for what is seldom there cost a tenth of `str.translate`."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
