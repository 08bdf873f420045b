"""Runs and what waits for its time, as functions that take an open transaction.

Locks are taken in one order, so that nobody waits in a circle: the catalogue's, then a slot, then a run.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, exists, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.events import Results
from placet_shared.work import Work

from .runs import RunView
from .tables import asked, runs, slots, waiting

KEYS_KEPT = text("interval '7 days'")


# ---- runs ------------------------------------------------------------------------------------------------------------


async def insert_run(work: Work, values: Mapping[str, Any]) -> bool:
    """False when the job has an open run."""
    row = upsert(runs).values(**values, **_columns(RunView())).on_conflict_do_nothing().returning(runs.c.run_id)
    return (await work.connection.execute(row)).first() is not None


async def find_run(work: Work, run_id: str, *, lock: bool = False) -> Row[Any] | None:
    query = select(runs).where(runs.c.run_id == run_id)
    return (await work.connection.execute(query.with_for_update() if lock else query)).first()


async def open_run(work: Work, job: str) -> Row[Any] | None:
    """The job's open run, previews aside."""
    query = select(runs).where(runs.c.job == job, runs.c.state != "finished", ~runs.c.preview)
    return (await work.connection.execute(query)).first()


async def list_runs(
    work: Work, *, job: str | None, state: str | None, before: tuple[datetime, str] | None, limit: int
) -> list[Row[Any]]:
    """The newest first."""
    query = select(runs).order_by(runs.c.requested_at.desc(), runs.c.run_id.desc()).limit(limit)
    if job is not None:
        query = query.where(runs.c.job == job)
    if state is not None:
        query = query.where(runs.c.state == state)
    if before is not None:
        query = query.where(tuple_(runs.c.requested_at, runs.c.run_id) < tuple_(*before))
    return list(await work.connection.execute(query))


async def count_open_runs(work: Work) -> dict[str, int]:
    """How many runs are in each state but the last."""
    query = select(runs.c.state, func.count()).where(runs.c.state != "finished").group_by(runs.c.state)
    return {row.state: row[1] for row in await work.connection.execute(query)}


def view_of(row: Row[Any]) -> RunView:
    """A row as the state machine sees it."""
    fields = {name: getattr(row, name) for name in RunView.__dataclass_fields__}
    return RunView(**(fields | {"results": Results.model_validate(row.results)}))


async def save_view(work: Work, run_id: str, view: RunView, **more: Any) -> None:
    """Writes what is known of a run now."""
    await work.connection.execute(update(runs).where(runs.c.run_id == run_id).values(**_columns(view), **more))


async def mark_cancelled(work: Work, run_id: str, *, unless_approved: bool) -> bool:
    """True for the first who asks, and for the first person after an edit did: that may be too late for an edit."""
    unasked = ~runs.c.cancel_asked if unless_approved else ~runs.c.cancel_asked | runs.c.cancel_unless_approved
    first = and_(runs.c.run_id == run_id, unasked, runs.c.state != "finished")
    asked_now = {"cancel_asked": True, "cancel_unless_approved": unless_approved}
    return bool((await work.connection.execute(update(runs).where(first).values(asked_now))).rowcount)


def _columns(view: RunView) -> dict[str, Any]:
    return {**vars(view), "results": view.results.model_dump()}


# ---- what waits ------------------------------------------------------------------------------------------------------


async def remember(work: Work, job: str, trigger: str, requested_by: str, reason: str) -> None:
    """One start that comes when the open run has ended; more of them are the same one."""
    row = upsert(waiting).values(job=job, trigger=trigger, requested_by=requested_by, reason=reason)
    await work.connection.execute(row.on_conflict_do_nothing())


async def take_waiting(work: Work, job: str) -> Row[Any] | None:
    """The remembered start, which is remembered no longer."""
    return (await work.connection.execute(delete(waiting).where(waiting.c.job == job).returning(waiting))).first()


async def jobs_that_can_start(work: Work) -> list[str]:
    """Jobs with a remembered start and no open run any more."""
    is_open = exists().where(runs.c.job == waiting.c.job, runs.c.state != "finished", ~runs.c.preview)
    return list((await work.connection.execute(select(waiting.c.job).where(~is_open))).scalars())


async def claim_slot(work: Work) -> str | None:
    """A job whose time has come, locked, so that one replica starts it."""
    due = select(slots.c.job).where(slots.c.next_at <= work.now).order_by(slots.c.next_at).limit(1)
    return (await work.connection.execute(due.with_for_update(skip_locked=True))).scalar_one_or_none()


async def set_slot(work: Work, job: str, next_at: datetime | None) -> None:
    """When the job starts next by itself; None: it does not."""
    if next_at is None:
        await work.connection.execute(delete(slots).where(slots.c.job == job))
        return
    row = upsert(slots).values(job=job, next_at=next_at)
    again = row.on_conflict_do_update(index_elements=[slots.c.job], set_={"next_at": next_at})
    await work.connection.execute(again)


# ---- idempotency keys ------------------------------------------------------------------------------------------------


async def answered_before(work: Work, user: str, key: str) -> Row[Any] | None:
    """What this user's key was answered with; who asks at the same time waits for the first."""
    await work.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{user}\n{key}", 0))))
    return (await work.connection.execute(select(asked).where(asked.c.user == user, asked.c.key == key))).first()


async def note_answer(work: Work, user: str, key: str, request: str, run_id: str) -> None:
    await work.connection.execute(insert(asked).values(user=user, key=key, request=request, run_id=run_id))


async def forget_old_keys(work: Work) -> None:
    await work.connection.execute(delete(asked).where(asked.c.asked_at < func.now() - KEYS_KEPT))
