"""Marks: how far jobs of `mode: changed` have read. One moves in the transaction that ends its run, or not at all."""

from collections.abc import Sequence

import psycopg
import structlog
from sqlalchemy import RowMapping, delete, func, select, union
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.work import Work

from ..changes import PROVEN
from ..tables import changes, marks, outcomes, rejected
from .runs import Run
from .settling import OF_CHANGE

log = structlog.get_logger()

MOST_WAITING = 10_000
"""Keys that are asked for one by one. Where more records went wrong, the next run reads on from the old mark."""


def find(database_url: str, job_id: str, basis: str) -> tuple[str | None, Sequence[str]]:
    """Where reading begins and which keys wait; None and no keys where there is no mark of this basis. For use in a
    thread."""
    with psycopg.connect(database_url) as connection:
        query = "SELECT stamp, waiting FROM sync.marks WHERE job_id = %s AND basis = %s"
        row = connection.execute(query, (job_id, basis)).fetchone()
    return (None, ()) if row is None else (row[0], row[1])


async def move(work: Work, job_id: str, run: Run) -> None:
    """Puts a run's mark in place, with the keys of the records that it could not bring to their end."""
    if run.mark is None:
        return
    waiting = await _went_wrong(work, run.run_id)
    if len(waiting) > MOST_WAITING:
        log.warning("mark_stays", run_id=run.run_id, job=run.job, reason="too many records went wrong")
        return
    values = {**run.mark, "job": run.job, "waiting": waiting, "run_id": run.run_id, "moved_at": func.now()}
    row = upsert(marks).values(job_id=job_id, **values)
    await work.connection.execute(row.on_conflict_do_update(index_elements=[marks.c.job_id], set_=values))
    await work.connection.execute(delete(marks).where(marks.c.job == run.job, marks.c.job_id != job_id))


async def of_job(work: Work, job: str) -> RowMapping | None:
    """The mark of a job, for people: `stamp`, how many keys are `waiting`, `run_id`, `moved_at`."""
    query = select(marks.c.stamp, func.cardinality(marks.c.waiting).label("waiting"), marks.c.run_id, marks.c.moved_at)
    newest = query.where(marks.c.job == job).order_by(marks.c.moved_at.desc()).limit(1)
    return (await work.connection.execute(newest)).mappings().first()


async def _went_wrong(work: Work, run_id: str) -> list[str]:
    """The keys of records that were rejected, and of changes that were not written; as many as matter."""
    refused = select(rejected.c.key).where(rejected.c.run_id == run_id, rejected.c.key.is_not(None))
    bad = outcomes.c.run_id == run_id, outcomes.c.result.not_in(PROVEN)
    failed = select(changes.c.key).join(outcomes, OF_CHANGE).where(*bad)
    keys = union(refused, failed).limit(MOST_WAITING + 1)
    return list((await work.connection.execute(keys)).scalars())
