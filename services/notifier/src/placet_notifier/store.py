"""The rows of the notifier, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select, and_, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Verifier
from placet_shared.events import ApprovalRequested, ObjectChanged, RunFinished
from placet_shared.letters import storable
from placet_shared.work import Work

from .deliveries import KEPT, Step, delivery_id
from .errors import AlteredError, NoRouteError
from .reading import cause_id, read_notifications
from .tables import causes, deliveries, stores

Kind = Literal["run-finished", "approval-requested"]
_NEWS_LOCK = func.hashtext("placet notifier news")


async def lock_news(work: Work, *, telling: bool) -> None:
    """Who tells of new settings or users waits for those who use them, and the other way round; else a delivery could
    go by the old ones just after the new ones have looked for whom they matter to."""
    lock = func.pg_advisory_xact_lock if telling else func.pg_advisory_xact_lock_shared
    await work.connection.execute(select(lock(_NEWS_LOCK)))


# ---- what happened ---------------------------------------------------------------------------------------------------


async def add_cause(work: Work, kind: Kind, event: RunFinished | ApprovalRequested) -> str | None:
    """Remembers what happened and returns its id; None if it was known, and then what is known stays."""
    known_as = cause_id(kind, event)
    row = upsert(causes).values(
        id=known_as, kind=kind, run_id=event.run_id, job=event.job, event=event.model_dump(mode="json")
    )
    added = await work.connection.execute(row.on_conflict_do_nothing().returning(causes.c.id))
    return known_as if added.first() is not None else None


async def open_requests(work: Work) -> Sequence[Row[Any]]:
    """Requests of runs that are not over, as far as the notifier knows; those that expired are among them."""
    query = select(causes).where(causes.c.kind == "approval-requested", ~_run_is_over(causes.c.run_id))
    return await _rows(work, query.order_by(causes.c.created_at))


def _run_is_over(run_id: Any) -> Any:
    ends = causes.alias("ends")
    return exists().where(ends.c.run_id == run_id, ends.c.kind == "run-finished")


# ---- deliveries ------------------------------------------------------------------------------------------------------


async def add_deliveries(work: Work, cause_id: str, channel: str, recipients: Iterable[str]) -> None:
    """One for each recipient who has none yet."""
    rows = [
        {"id": delivery_id(cause_id, channel, each), "cause_id": cause_id, "recipient": each, "channel": channel}
        for each in recipients
    ]
    if rows:
        await work.connection.execute(upsert(deliveries).values(rows).on_conflict_do_nothing())


async def lock_due(work: Work) -> Row[Any] | None:
    """The delivery that has waited longest, which nobody else takes until this transaction ends; with its cause."""
    due = and_(deliveries.c.state.in_(("queued", "held")), deliveries.c.next_at <= work.now)
    over = and_(causes.c.kind == "approval-requested", _run_is_over(causes.c.run_id)).label("over")
    query = (
        select(deliveries, causes.c.kind, causes.c.run_id, causes.c.job, causes.c.event, over)
        .join(causes)
        .where(due)
        .order_by(deliveries.c.next_at)
        .limit(1)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    found: Row[Any] | None = (await work.connection.execute(query)).first()
    return found


async def lock_lost(work: Work) -> Sequence[Row[Any]]:
    """Deliveries whose sender has not been heard of within its lease."""
    lost = and_(deliveries.c.state == "sending", deliveries.c.lease_until < work.now)
    return await _rows(work, select(deliveries).where(lost).limit(100).with_for_update(skip_locked=True))


async def lock_delivery(work: Work, delivery: str) -> Row[Any] | None:
    """One delivery, locked."""
    query = _listed().where(deliveries.c.id == delivery).with_for_update(of=deliveries)
    found: Row[Any] | None = (await work.connection.execute(query)).first()
    return found


async def claim(work: Work, row: Row[Any], message_id: str, lease: timedelta) -> int:
    """Takes a locked delivery for one attempt and returns the epoch that its writer must name from then on."""
    taken = {
        "state": "sending",
        "reason": None,
        "attempts": row.attempts + 1,
        "message_id": row.message_id or message_id,
        "epoch": row.epoch + 1,
        "lease_until": work.now + lease,
        "data_begun_at": None,
    }
    await work.connection.execute(update(deliveries).where(deliveries.c.id == row.id).values(taken))
    return int(row.epoch) + 1


async def begin_data(work: Work, delivery: str, epoch: int, lease: timedelta) -> bool:
    """Notes that the mail is handed over from now on; False if somebody else has the delivery by now."""
    mine = and_(_mine(delivery, epoch), deliveries.c.lease_until > func.clock_timestamp())
    begun = {"data_begun_at": work.now, "lease_until": work.now + lease}
    return bool((await work.connection.execute(update(deliveries).where(mine).values(begun))).rowcount)


async def move_mine(work: Work, delivery: str, epoch: int, step: Step) -> bool:
    """The step after an attempt; False if somebody else has the delivery by now."""
    return bool((await work.connection.execute(_move(work, step).where(_mine(delivery, epoch)))).rowcount)


async def move(work: Work, delivery: str, step: Step, **more: Any) -> None:
    """The step of a delivery that the caller has locked; whoever still sends it writes nothing any more."""
    moved = _move(work, step).values(epoch=deliveries.c.epoch + 1, **more)
    await work.connection.execute(moved.where(deliveries.c.id == delivery))


def _mine(delivery: str, epoch: int) -> Any:
    return and_(deliveries.c.id == delivery, deliveries.c.epoch == epoch, deliveries.c.state == "sending")


def _move(work: Work, step: Step) -> Any:
    sent = {"sent_at": work.now} if step.state == "sent" else {}
    again = {"data_begun_at": None} if step.state in ("queued", "held") else {}
    reason = None if step.reason is None else storable(step.reason)
    return update(deliveries).values(
        state=step.state, reason=reason, next_at=step.next_at or work.now, lease_until=None, **sent, **again
    )


async def release_held(work: Work) -> None:
    """Held deliveries look for settings now."""
    held = and_(deliveries.c.state == "held", deliveries.c.next_at > work.now)
    await work.connection.execute(update(deliveries).where(held).values(next_at=work.now))


async def page(work: Work, run: str | None, state: str | None, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """Deliveries, newest first, from the one before the cursor on."""
    wanted = [
        column == value for column, value in ((causes.c.run_id, run), (deliveries.c.state, state)) if value is not None
    ]
    if before is not None:
        wanted.append(deliveries.c.seq < before)
    return await _rows(work, _listed().where(*wanted).order_by(deliveries.c.seq.desc()).limit(limit))


async def erase_old(work: Work) -> Mapping[str, int]:
    """Forgets what is old, and says how many deliveries were in which state."""
    old = and_(deliveries.c.created_at < work.now - KEPT, deliveries.c.state != "sending")
    gone = (await work.connection.execute(delete(deliveries).where(old).returning(deliveries.c.state))).scalars().all()
    needed = exists().where(deliveries.c.cause_id == causes.c.id)
    await work.connection.execute(delete(causes).where(causes.c.created_at < work.now - KEPT, ~needed))
    return {state: gone.count(state) for state in set(gone)}


def _listed() -> Select[Any]:
    return select(deliveries, causes.c.kind, causes.c.run_id, causes.c.job).join(causes)


# ---- settings --------------------------------------------------------------------------------------------------------


async def keep_store(work: Work, event: ObjectChanged, verifier: Verifier) -> bool:
    """Remembers what a store says; False if something as new is known. What somebody altered makes room."""
    known = await work.connection.execute(select(stores).where(stores.c.name == event.name).with_for_update())
    if (row := known.one_or_none()) is not None and _is_altered(row, verifier):
        await work.connection.execute(delete(stores).where(stores.c.name == event.name))
    kept = upsert(stores).values(name=event.name, version=event.version, event=event.model_dump(mode="json"))
    newer = kept.on_conflict_do_update(
        index_elements=[stores.c.name],
        set_={"version": kept.excluded.version, "event": kept.excluded.event},
        where=stores.c.version < kept.excluded.version,
    )
    return (await work.connection.execute(newer.returning(stores.c.name))).first() is not None


async def settings_of(work: Work, names: Sequence[str], verifier: Verifier) -> dict[str, Any]:
    """What those of these stores say about mail that say something. Raises AlteredError, or NoRouteError for one that
    was not heard of since the last upgrade."""
    rows = await _rows(work, select(stores).where(stores.c.name.in_(names)))
    if unheard := [row.name for row in rows if row.event is None]:
        raise NoRouteError(f"the mail settings of {unheard[0]} are told again within the hour")
    said = {row.name: read_notifications(verifier, row) for row in rows}
    return {name: notifications for name, notifications in said.items() if notifications is not None}


def _is_altered(row: Row[Any], verifier: Verifier) -> bool:
    if row.event is None:
        return False
    try:
        read_notifications(verifier, row)
    except AlteredError as error:
        raise_alarm("altered", store=row.name, reason=str(error))
        return True
    return False


async def _rows(work: Work, query: Select[Any]) -> Sequence[Row[Any]]:
    rows: Sequence[Row[Any]] = (await work.connection.execute(query)).all()
    return rows
