"""What no event starts: runs that are overdue, stranded or waiting go on, each for itself."""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from placet_shared.chain import Verifier
from placet_shared.work import Database, Work

from .life import ORDER_ALTERED, Life
from .store import batches, runs

log = structlog.get_logger()


async def end_overdue(database: Database, verifier: Verifier, life: Life) -> None:
    """Ends planned runs that nobody has decided about, long after their plan was valid: the last exit."""

    async def end(work: Work, run: runs.Run) -> None:
        if run.state == "planned":
            await life.end(work, run, verifier.order_if_true(run.order_token), "failed", "nobody decided in time")

    await _each(database, runs.overdue, end)


async def end_stranded(database: Database, verifier: Verifier, life: Life) -> None:
    """Ends runs that are applied, and have no batch that could be: somebody took it out of the tables."""

    async def end(work: Work, run: runs.Run) -> None:
        if run.state == "applying" and not await batches.any_ready(work, run.run_id):
            order = verifier.order_if_true(run.order_token)
            await life.end_altered(work, run, order, "batches of the plan are gone; run the job again")

    await _each(database, runs.without_ready_batches, end)


async def resume_waiting(database: Database, verifier: Verifier, life: Life) -> None:
    """Lets runs go on whose removals waited for another run's."""

    async def go_on(work: Work, run: runs.Run) -> None:
        if run.state != "waiting":
            return
        if (order := verifier.order_if_true(run.order_token)) is None:
            await life.end_altered(work, run, None, ORDER_ALTERED)
        else:
            await life.go_on(work, run, order)

    await _each(database, runs.waiting, go_on)


async def _each(
    database: Database,
    find: Callable[[Work], Awaitable[Sequence[str]]],
    act: Callable[[Work, runs.Run], Awaitable[None]],
) -> None:
    """Each run that is found is locked and acted on in a transaction of its own: where one cannot be, the others are.
    What made it be found may have passed by then."""
    async with database.transaction() as work:
        found = await find(work)
    for run_id in found:
        with structlog.contextvars.bound_contextvars(run_id=run_id):
            try:
                async with database.transaction() as work:
                    run = await runs.find(work, run_id, lock=True)
                    if run is not None:
                        await act(work, run)
            except Exception:  # one bad run must not keep the others
                log.exception("run_not_swept")
