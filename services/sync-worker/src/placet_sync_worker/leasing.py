"""Work on a run that takes long: in a thread, under a lease that is kept while it lasts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from placet_shared.chain import Order, Verifier
from placet_shared.work import Database

from .life import ORDER_ALTERED, Life
from .store import runs

log = structlog.get_logger()

ResultT = TypeVar("ResultT")

Stopped = Callable[[], bool]
"""Whether nobody wants the result any more."""


FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=0.5), timedelta(minutes=1)
"""Of a run that something outside keeps from going on."""


async def take_one(
    database: Database,
    verifier: Verifier,
    life: Life,
    state: Literal["ordered", "looking"],
    lease: timedelta,
    do: Callable[[runs.Run, Order], Awaitable[None]],
) -> bool:
    """Does what is due to one run in this state, leased to the caller; False when there is none. A run whose order was
    altered ends instead."""
    async with database.transaction() as work:
        run = await runs.claim(work, state, lease)
    if run is None:
        return False
    with structlog.contextvars.bound_contextvars(run_id=run.run_id, job=run.job):
        order = verifier.order_if_true(run.order_token)
        if order is None:
            await end_altered(database, life, run, None, ORDER_ALTERED)
        else:
            await do(run, order)
    return True


async def under_lease(
    database: Database, run: runs.Run, lease: timedelta, work: Callable[[Stopped], ResultT]
) -> ResultT:
    """What `work` gives, done in a thread; it is told to stop when the run is another worker's, or has gone on."""
    lost = asyncio.Event()
    beat = asyncio.create_task(_keep(database, run, lease, lost))
    try:
        return await asyncio.to_thread(work, lost.is_set)
    finally:
        lost.set()
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)


async def end_altered(database: Database, life: Life, run: runs.Run, order: Order | None, reason: str) -> None:
    """Ends a run whose rows are not what was signed, unless it is another worker's by now."""
    async with database.transaction() as work:
        if await runs.mine(work, run):
            await life.end_altered(work, run, order, reason)


async def _keep(database: Database, run: runs.Run, lease: timedelta, lost: asyncio.Event) -> None:
    """Until another worker has the run; a database that is away for a moment is asked again."""
    while not lost.is_set():
        await asyncio.sleep(lease.total_seconds() / 4)
        try:
            async with database.transaction() as work:
                if not await runs.extend_lease(work, run, lease):
                    lost.set()
        except (DBAPIError, OSError) as error:
            log.warning("lease_not_extended", error=repr(error))
