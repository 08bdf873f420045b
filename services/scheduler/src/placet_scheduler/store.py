"""The scheduler's schema as functions that take an open transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, and_, delete, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.events import Results
from placet_shared.work import Work

from .catalogue import Key, Saving
from .runs import RunView
from .tables import asked, objects, runs, slots, waiting

CATALOGUE_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('placet catalogue'))")


@dataclass(frozen=True)
class Stored:
    """An object as it stands in the catalogue."""

    object_id: str
    version: int
    document: Mapping[str, Any]
    deleted: bool = False

    @property
    def etag(self) -> str:
        return f'"{self.object_id[:8]}-{self.version}"'


# ---- catalogue -------------------------------------------------------------------------------------------------------


async def lock_catalogue(work: Work) -> None:
    """One writer of the catalogue at a time: references are checked over all of it."""
    await work.connection.execute(CATALOGUE_LOCK)


async def load_catalogue(work: Work) -> dict[Key, Stored]:
    """Every object that exists."""
    rows = await work.connection.execute(select(objects).where(~objects.c.deleted))
    return {(row.kind, row.name): Stored(row.object_id, row.version, row.document) for row in rows}


async def every_object(work: Work) -> list[Row[Any]]:
    """Every object, deleted ones too: for telling the others again."""
    return list(await work.connection.execute(select(objects).order_by(objects.c.kind, objects.c.name)))


async def save(work: Work, saving: Saving, user: str) -> Stored:
    """Writes one object's fate; versions count on over deletions, ids do not survive them."""
    kind, name = saving.key
    row = upsert(objects).values(
        kind=kind, name=name, object_id=str(uuid4()), version=1, document=saving.document or {}, changed_by=user
    )
    fate: dict[str, Any] = {
        "version": objects.c.version + 1,
        "document": saving.document or {},
        "deleted": saving.document is None,
        "changed_at": func.now(),
        "changed_by": user,
    }
    if saving.verdict == "created":
        fate["object_id"] = row.excluded.object_id
    stored = await work.connection.execute(
        row.on_conflict_do_update(index_elements=[objects.c.kind, objects.c.name], set_=fate).returning(objects)
    )
    made = stored.one()
    return Stored(made.object_id, made.version, made.document, made.deleted)


# ---- runs ------------------------------------------------------------------------------------------------------------


async def insert_run(work: Work, values: Mapping[str, Any]) -> bool:
    """False when the job has an open run."""
    row = upsert(runs).values(**values).on_conflict_do_nothing().returning(runs.c.run_id)
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
    wanted = [column == value for column, value in ((runs.c.job, job), (runs.c.state, state)) if value is not None]
    if before is not None:
        wanted.append(tuple_(runs.c.requested_at, runs.c.run_id) < before)
    query = select(runs).where(and_(True, *wanted)).order_by(runs.c.requested_at.desc(), runs.c.run_id.desc())
    return list(await work.connection.execute(query.limit(limit)))


def view_of(row: Row[Any]) -> RunView:
    """A row as the state machine sees it."""
    return RunView(
        state=row.state, outcome=row.outcome, plan=row.plan, request_id=row.request_id,
        results=Results.model_validate(row.results), reason=row.reason, finished_at=row.finished_at,
    )  # fmt: skip


async def save_view(work: Work, run_id: str, view: RunView, **more: Any) -> None:
    """Writes what is known of a run now."""
    await work.connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id)
        .values(
            state=view.state, outcome=view.outcome, plan=view.plan, request_id=view.request_id,
            results=view.results.model_dump(), reason=view.reason, finished_at=view.finished_at, **more,
        )
    )  # fmt: skip


async def mark_cancelled(work: Work, run_id: str) -> bool:
    """True for the first who asks."""
    first = and_(runs.c.run_id == run_id, ~runs.c.cancel_asked, runs.c.state != "finished")
    done = await work.connection.execute(update(runs).where(first).values(cancel_asked=True))
    return bool(done.rowcount)


# ---- what waits ------------------------------------------------------------------------------------------------------


async def remember(work: Work, job: str, trigger: str, requested_by: str, reason: str) -> None:
    """One start that comes when the open run has ended; more of them are the same one."""
    row = upsert(waiting).values(job=job, trigger=trigger, requested_by=requested_by, reason=reason)
    await work.connection.execute(row.on_conflict_do_nothing())


async def take_waiting(work: Work, job: str) -> Row[Any] | None:
    """The remembered start, which is remembered no longer."""
    return (await work.connection.execute(delete(waiting).where(waiting.c.job == job).returning(waiting))).first()


async def answered_before(work: Work, user: str, key: str) -> str | None:
    """The run that this user's Idempotency-Key got."""
    query = select(asked.c.run_id).where(asked.c.user == user, asked.c.key == key)
    return (await work.connection.execute(query)).scalar_one_or_none()


async def note_answer(work: Work, user: str, key: str, run_id: str) -> None:
    await work.connection.execute(insert(asked).values(user=user, key=key, run_id=run_id))


async def due_slots(work: Work, limit: int = 20) -> Sequence[Row[Any]]:
    """Jobs whose time has come, locked, so that one replica starts each."""
    due = select(slots).where(slots.c.next_at <= work.now).order_by(slots.c.next_at).limit(limit)
    return (await work.connection.execute(due.with_for_update(skip_locked=True))).all()


async def set_slot(work: Work, job: str, version: int, next_at: datetime | None) -> None:
    row = upsert(slots).values(job=job, schedule_version=version, next_at=next_at)
    again = {"schedule_version": version, "next_at": next_at}
    await work.connection.execute(row.on_conflict_do_update(index_elements=[slots.c.job], set_=again))


async def drop_slot(work: Work, job: str) -> None:
    await work.connection.execute(delete(slots).where(slots.c.job == job))


async def slot_versions(work: Work) -> dict[str, int]:
    """The version of the schedule that each job's next time was computed from."""
    return {row.job: row.schedule_version for row in await work.connection.execute(select(slots))}
