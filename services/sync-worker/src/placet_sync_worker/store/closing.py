"""The early end of batches: what was never sent gets a result, what may have been sent is looked at or uncertain."""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, select, text, update

from placet_shared.work import Work

from ..changes import Result
from ..tables import batches, steps
from .batches import settle_changes

_open = (
    text(
        "SELECT b.batch_id, b.phase, (i.value->>0)::int AS number, p.value::int AS step FROM sync.batches b"
        " CROSS JOIN LATERAL jsonb_array_elements(b.items) AS i"
        " CROSS JOIN LATERAL jsonb_array_elements_text(i.value->1) AS p WHERE b.run_id = :run AND b.state <> 'done'"
    )
    .columns(batches.c.batch_id, batches.c.phase, steps.c.number, steps.c.step)
    .cte("open_steps")
)
_HERE = and_(steps.c.run_id == bindparam("run"), steps.c.number == _open.c.number, steps.c.step == _open.c.step)


async def close_unsent(
    work: Work, run_id: str, result: Result, reason: str, phases: Sequence[int] | None = None
) -> None:
    """Steps that were never sent get this result, and batches without an open step are done; the others stay open."""
    unsent = and_(_HERE, steps.c.result.is_(None), steps.c.intents == 0)
    if phases is not None:
        unsent = and_(unsent, _open.c.phase.in_(phases))
    await work.connection.execute(
        update(steps).where(unsent).values(result=result.value, reason=reason), {"run": run_id}
    )
    still_open = select(_open.c.batch_id).join_from(_open, steps, _HERE).where(steps.c.result.is_(None))
    ended = and_(
        batches.c.run_id == bindparam("run"),
        batches.c.state != "done",
        batches.c.lease_until.is_(None),
        batches.c.batch_id.not_in(still_open),
    )
    await work.connection.execute(update(batches).where(ended).values(state="done"), {"run": run_id})
    await settle_changes(work, run_id)


async def fail_unsent(work: Work, run_id: str, reason: str) -> None:
    """Every step that was never sent has failed, whatever the batches say of it."""
    unsent = and_(steps.c.run_id == run_id, steps.c.result.is_(None), steps.c.intents == 0)
    await work.connection.execute(update(steps).where(unsent).values(result=Result.FAILED.value, reason=reason))


async def close_all(work: Work, run_id: str) -> None:
    """Ends every batch of a run; what may have been sent is uncertain. Raises the epochs: nobody writes results."""
    sent = and_(steps.c.run_id == run_id, steps.c.result.is_(None))
    await work.connection.execute(
        update(steps).where(sent).values(result=Result.UNCERTAIN.value, reason="sent, but the answer was never known")
    )
    await work.connection.execute(
        update(batches)
        .where(batches.c.run_id == run_id)
        .values(state="done", epoch=batches.c.epoch + 1, lease_until=None)
    )
    await settle_changes(work, run_id)
