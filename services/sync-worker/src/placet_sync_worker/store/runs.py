"""Runs: taken in, planned under a lease, approved, ended."""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Row, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.chain import Order
from placet_shared.letters import storable
from placet_shared.work import Work

from ..tables import batches, runs

Run = Row[Any]
"""A row of `runs`."""

WRITING = frozenset({"applying", "looking", "waiting"})
"""States of a run between its approval and its end."""


async def take_in(work: Work, order: Order, token: str) -> Run:
    """The run of an order: a new row, or the one that is there."""
    row = upsert(runs).values(
        run_id=order.run_id, job=order.snapshot.job.name, preview=order.preview, order_token=token, state="ordered"
    )
    await work.connection.execute(row.on_conflict_do_nothing())
    found = await find(work, order.run_id)
    assert found is not None
    return found


async def find(work: Work, run_id: str, *, lock: bool = False) -> Run | None:
    """The run, locked until the transaction ends if asked."""
    query = select(runs).where(runs.c.run_id == run_id)
    return (await work.connection.execute(query.with_for_update() if lock else query)).first()


async def claim(work: Work, state: Literal["ordered", "looking"], lease: timedelta) -> Run | None:
    """A run in this state that nobody works on: leased to the caller under a new epoch."""
    free = or_(runs.c.lease_until.is_(None), runs.c.lease_until < func.clock_timestamp())
    due = and_(runs.c.state == state, runs.c.next_at <= func.now(), free)
    one = select(runs.c.run_id).where(due).order_by(runs.c.next_at).limit(1).with_for_update(skip_locked=True)
    claimed = await work.connection.execute(
        update(runs)
        .where(runs.c.run_id == one.scalar_subquery())
        .values(
            epoch=runs.c.epoch + 1,
            lease_until=func.clock_timestamp() + lease,
            first_attempt_at=func.coalesce(runs.c.first_attempt_at, func.now()),
        )
        .returning(runs)
    )
    found: Run | None = claimed.first()
    return found


async def extend_lease(work: Work, run: Run, lease: timedelta) -> bool:
    """False when somebody else has the run now, or it has gone on."""
    mine = and_(runs.c.run_id == run.run_id, runs.c.epoch == run.epoch, runs.c.state == run.state)
    done = await work.connection.execute(update(runs).where(mine).values(lease_until=func.clock_timestamp() + lease))
    return done.rowcount == 1


async def mine(work: Work, run: Run) -> bool:
    """Whether the lease of this run still stands; locks the run."""
    now = await find(work, run.run_id, lock=True)
    return now is not None and now.epoch == run.epoch and now.state == run.state


async def try_later(work: Work, run: Run, pause: timedelta) -> None:
    """Gives the lease back; what it was for is tried again after a pause."""
    await work.connection.execute(
        update(runs)
        .where(runs.c.run_id == run.run_id, runs.c.epoch == run.epoch)
        .values(lease_until=None, next_at=func.now() + pause)
    )


async def change(work: Work, run_id: str, **values: Any) -> None:
    """Sets columns of a run."""
    await work.connection.execute(update(runs).where(runs.c.run_id == run_id).values(**values))


async def hold_removals(work: Work, run_id: str, store: str) -> bool:
    """Whether removals at this store are the run's alone from now on until its end; False while another run has them.
    Whoever asks at the same moment waits for this transaction."""
    turn = func.pg_advisory_xact_lock(func.hashtextextended(f"removals of {store}", 0))
    await work.connection.execute(select(turn))
    others = and_(runs.c.removes_from == store, runs.c.state != "finished", runs.c.run_id != run_id)
    if (await work.connection.execute(select(runs.c.run_id).where(others))).first():
        return False
    await change(work, run_id, removes_from=store)
    return True


async def waiting(work: Work) -> list[str]:
    """Runs whose removals wait for another run's, the first approved first."""
    query = select(runs.c.run_id).where(runs.c.state == "waiting").order_by(runs.c.planned_at)
    return list((await work.connection.execute(query)).scalars())


async def finish(work: Work, run_id: str, outcome: str, reason: str | None) -> bool:
    """False when the run has ended before: it has one end."""
    running = and_(runs.c.run_id == run_id, runs.c.state != "finished")
    said = reason and storable(reason)
    end = update(runs).where(running).values(state="finished", outcome=outcome, reason=said, finished_at=work.now)
    return (await work.connection.execute(end.values(lease_until=None))).rowcount == 1


async def overdue(work: Work) -> list[str]:
    """Planned runs whose plan is no longer valid and that nobody has decided about."""
    query = select(runs.c.run_id).where(runs.c.state == "planned", runs.c.valid_until < work.now - GRACE)
    return list((await work.connection.execute(query)).scalars())


async def without_ready_batches(work: Work) -> list[str]:
    """Runs that are being applied without a batch to apply: no transaction of ours leaves one so."""
    ready = select(batches.c.batch_id).where(batches.c.run_id == runs.c.run_id, batches.c.state == "ready")
    query = select(runs.c.run_id).where(runs.c.state == "applying", ~ready.exists())
    return list((await work.connection.execute(query)).scalars())


GRACE = timedelta(hours=1)
"""How long after `valid_until` a run waits for its decision before it ends by itself."""
