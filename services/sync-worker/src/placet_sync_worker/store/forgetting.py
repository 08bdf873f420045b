"""The end of people's values: what a plan said of them goes, its hashes, results and counts stay."""

from datetime import datetime, timedelta

from sqlalchemy import null, select, update

from placet_shared.work import Database, Work

from ..tables import changes, explanations, outcomes, passwords, rejected, runs, steps

GONE = "erased with the values of the run"
"""Instead of why a record was rejected."""


async def forget_values(database: Database, retain: timedelta) -> None:
    """Erases the values of runs that ended so long ago, each run in a transaction of its own."""
    while True:
        async with database.transaction() as work:
            run_id = await _oldest(work, work.now - retain)
            if run_id is None:
                return
            await _erase(work, run_id)


async def _oldest(work: Work, before: datetime) -> str | None:
    """A run of which values are kept, ours to erase. Passwords that somebody may still take need theirs."""
    kept = select(passwords.c.number).where(passwords.c.run_id == runs.c.run_id, passwords.c.sealed.is_not(None))
    over = runs.c.finished_at < before, runs.c.values_erased_at.is_(None), ~kept.exists()
    query = select(runs.c.run_id).where(*over).order_by(runs.c.finished_at).limit(1)
    return (await work.connection.execute(query.with_for_update(skip_locked=True))).scalar()


async def _erase(work: Work, run_id: str) -> None:
    """Salt and document together, so that nobody can try values against the hash; reasons name values too."""
    for erased in (
        update(changes).where(changes.c.run_id == run_id).values(document=null(), salt=None),
        update(outcomes).where(outcomes.c.run_id == run_id, outcomes.c.reason.is_not(None)).values(reason=None),
        update(steps).where(steps.c.run_id == run_id, steps.c.reason.is_not(None)).values(reason=None),
        update(rejected).where(rejected.c.run_id == run_id).values(reason=GONE),
        update(explanations).where(explanations.c.run_id == run_id).values(document=null()),
        update(runs).where(runs.c.run_id == run_id).values(values_erased_at=work.now),
    ):
        await work.connection.execute(erased)
