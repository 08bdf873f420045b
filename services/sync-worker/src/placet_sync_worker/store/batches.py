"""Batches: claimed by any replica under lease and epoch; results are written only by who holds the epoch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from msgspec import structs
from sqlalchemy import Integer, Row, Text, and_, cast, func, or_, select, text, update

from placet_shared.work import Work

from ..changes import PROVEN, Change, Result
from ..plan import canonical, change_hash, parse_change
from ..tables import LARGEST_NUMBER, batches, changes, outcomes, steps
from ..tasks import Outcome, Task
from . import runs
from .arrays import any_of
from .settling import OF_CHANGE


@dataclass(frozen=True)
class StoredChange:
    """A change as it stands in the table: what the batch's digest is checked over."""

    number: int
    hash: str
    positions: tuple[int, ...]


@dataclass(frozen=True)
class Loaded:
    """What a batch holds. `blocked` steps can never be done, for these reasons; `proven`: how many were done before."""

    stored: Sequence[StoredChange]
    tasks: Sequence[Task]
    blocked: Sequence[tuple[Task, str]]
    proven: int


async def claim(work: Work, lease: timedelta) -> tuple[Row[Any], Row[Any]] | None:
    """One due batch of any run, ours for the length of the lease, and its run.

    The run is locked first, as everywhere: who ends it, or settles a batch, waits until what we may send is noted.
    """
    free = or_(batches.c.lease_until.is_(None), batches.c.lease_until < func.clock_timestamp())
    due = and_(batches.c.state == "ready", batches.c.next_at <= func.now(), free)
    order = (batches.c.next_at, batches.c.phase, batches.c.ordinal)
    some = select(batches.c.run_id).where(due).order_by(*order).limit(1)
    run = await runs.find(work, (await work.connection.execute(some)).scalar() or "", lock=True)
    if run is None:
        return None
    one = select(batches.c.batch_id).where(due, batches.c.run_id == run.run_id).order_by(*order).limit(1)
    claimed = await work.connection.execute(
        update(batches)
        .where(batches.c.batch_id == one.with_for_update(skip_locked=True).scalar_subquery())
        .values(epoch=batches.c.epoch + 1, lease_until=func.clock_timestamp() + lease)
        .returning(batches)
    )
    batch = claimed.first()
    return None if batch is None else (run, batch)


async def load(work: Work, batch: Row[Any]) -> Loaded:
    """The changes of a batch and its open steps. Raises LookupError, TypeError, ValueError or AttributeError where the
    rows are none that a plan was ever saved as."""
    positions = _positions(batch.items)
    mine = and_(changes.c.run_id == batch.run_id, changes.c.number == any_of(positions, Integer))
    columns = (changes.c.number, changes.c.salt, cast(changes.c.document, Text).label("document"))
    planned = {}
    stored = []
    rows = {row.number: row for row in await work.connection.execute(select(*columns).where(mine))}
    for number in positions:
        if number in rows:
            planned[number] = parse_change(rows[number].document)
            hashed = change_hash(canonical(planned[number]), rows[number].salt)
            stored.append(StoredChange(number, hashed, positions[number]))
    of_steps = and_(steps.c.run_id == batch.run_id, steps.c.number == any_of(positions, Integer))
    history: dict[int, dict[int, Row[Any]]] = {}
    for row in await work.connection.execute(select(steps).where(of_steps)):
        history.setdefault(row.number, {})[row.step] = row
    tasks, failed = _tasks(batch.run_id, stored, planned, history)
    lost = await _unmade(work, batch.run_id, {number for task in tasks for number in task.change.needs})
    going, blocked = [], [(task, "an earlier step of the change failed") for task in failed]
    for task in tasks:
        wanting = [lost[number] for number in task.change.needs if number in lost]
        if wanting:
            blocked.append((task, f"depends on the creation of {wanting[0]}"))
        else:
            going.append(task)
    past = [history.get(number, {}).get(n) for number, some in positions.items() for n in some]
    return Loaded(stored, going, blocked, sum(row is not None and row.result in PROVEN for row in past))


async def _unmade(work: Work, run_id: str, numbers: Collection[int]) -> Mapping[int, str]:
    """Which of these changes were not done, with their keys."""
    if not numbers:
        return {}
    mine = and_(changes.c.run_id == run_id, changes.c.number == any_of(numbers, Integer))
    done = select(outcomes.c.number).where(OF_CHANGE, outcomes.c.result.in_(PROVEN)).exists()
    query = select(changes.c.number, changes.c.key).where(mine, ~done)
    return {row.number: row.key for row in await work.connection.execute(query)}


def _positions(items: list[Any]) -> dict[int, tuple[int, ...]]:
    """The numbers of steps by the numbers of their changes."""
    positions = {number: tuple(some) for number, some in items}
    for number in (number for each in positions.items() for number in (each[0], *each[1])):
        if not isinstance(number, int) or not 0 <= number <= LARGEST_NUMBER:
            raise TypeError(number)
    return positions


def _tasks(
    run_id: str,
    stored: Sequence[StoredChange],
    planned: Mapping[int, Change],
    history: Mapping[int, dict[int, Row[Any]]],
) -> tuple[list[Task], list[Task]]:
    tasks: list[Task] = []
    blocked: list[Task] = []
    for one in stored:
        past = history.get(one.number, {})
        for position in one.positions:
            if position not in past or past[position].result is None:
                task = _task(run_id, one.number, position, planned[one.number], past)
                failed = any(past[n].result not in (None, *PROVEN) for n in range(position) if n in past)
                (blocked if failed else tasks).append(task)
    return tasks, blocked


def _task(run_id: str, number: int, position: int, change: Change, past: Mapping[int, Row[Any]]) -> Task:
    dn, version, entry_id = change.dn, change.version, None
    for n, step in enumerate(change.steps[:position]):
        if n in past and past[n].result in PROVEN:
            dn = step.target or dn
            version = past[n].version or version
            entry_id = past[n].entry_id or entry_id
    return Task(number, position, change, position in past, version, dn, entry_id=entry_id, run_id=run_id)


async def with_made(work: Work, run_id: str, loaded: Loaded) -> Loaded:
    """The tasks with what became of the creates that they refer to."""
    of_tasks = [{one.key for a in t.change.attributes for one in a.references if one.key} for t in loaded.tasks]
    wanted = sorted({key for keys in of_tasks for key in keys})
    if not wanted:
        return loaded
    rows = await work.connection.execute(_MADE, {"run": run_id, "keys": wanted})
    made = {row.key: Outcome(Result(row.result) if row.result else None, entry_id=row.entry_id) for row in rows}
    tasks = [
        structs.replace(task, made={key: made[key] for key in keys if key in made})
        for task, keys in zip(loaded.tasks, of_tasks, strict=True)
    ]
    return replace(loaded, tasks=tasks)


_MADE = text(
    "SELECT c.key, s.result, s.entry_id FROM sync.changes c LEFT JOIN sync.steps s"
    " ON s.run_id = c.run_id AND s.number = c.number AND s.step = 0"
    " WHERE c.run_id = :run AND c.op = 'create' AND c.key = ANY(CAST(:keys AS text[]))"
)


async def still_mine(work: Work, batch: Row[Any]) -> bool:
    """Whether nobody has claimed the batch since; locks it."""
    query = select(batches.c.epoch).where(batches.c.batch_id == batch.batch_id).with_for_update()
    return bool((await work.connection.execute(query)).scalar_one() == batch.epoch)


async def release(work: Work, batch_id: str) -> None:
    """Gives a lease back."""
    await work.connection.execute(update(batches).where(batches.c.batch_id == batch_id).values(lease_until=None))


async def mark_done(work: Work, batch_id: str) -> None:
    await work.connection.execute(
        update(batches).where(batches.c.batch_id == batch_id).values(state="done", lease_until=None)
    )


async def give_back(work: Work, run_id: str, batch_id: str, pause: timedelta) -> None:
    """The batch comes again after a pause, and so do the run's other batches: its destination is in trouble."""
    await release(work, batch_id)
    ready = and_(batches.c.run_id == run_id, batches.c.state == "ready", batches.c.lease_until.is_(None))
    await work.connection.execute(update(batches).where(ready).values(next_at=func.now() + pause))


async def digests(work: Work, run_id: str) -> list[tuple[int, int, str]]:
    """(phase, index, digest) of all batches, in order."""
    query = select(batches.c.phase, batches.c.ordinal, batches.c.digest).where(batches.c.run_id == run_id)
    return [
        (r.phase, r.ordinal, r.digest)
        for r in await work.connection.execute(query.order_by(batches.c.phase, batches.c.ordinal))
    ]


Hashes = list[tuple[str, list[int]]]
"""(hash of a change, numbers of its steps) of all that a batch holds, in order."""


async def hashes_of(work: Work, run_id: str, numbers: Sequence[int]) -> list[tuple[Row[Any], Hashes]]:
    """The batches that hold some changes, with the hashes that are stored of all their changes."""
    query = select(batches).where(batches.c.run_id == run_id).order_by(batches.c.phase, batches.c.ordinal)
    rows = [(row, _positions(row.items)) for row in await work.connection.execute(query)]
    found = [(row, positions) for row, positions in rows if not positions.keys().isdisjoint(numbers)]
    held = [number for _, positions in found for number in positions]
    mine = and_(changes.c.run_id == run_id, changes.c.number == any_of(held, Integer))
    of_run = select(changes.c.number, changes.c.hash).where(mine)
    hashes = {row.number: row.hash for row in await work.connection.execute(of_run)}
    return [(row, [(hashes[n], list(some)) for n, some in positions.items()]) for row, positions in found]


async def any_ready(work: Work, run_id: str) -> bool:
    """Whether a phase of the run is under way."""
    query = select(batches.c.batch_id).where(batches.c.run_id == run_id, batches.c.state == "ready").limit(1)
    return (await work.connection.execute(query)).first() is not None


async def open_batches(work: Work, run_id: str) -> list[Row[Any]]:
    """Batches that are not done, in order."""
    query = select(batches.c.batch_id, batches.c.phase, batches.c.ordinal).where(
        batches.c.run_id == run_id, batches.c.state != "done"
    )
    return list(await work.connection.execute(query.order_by(batches.c.phase, batches.c.ordinal)))


async def make_ready(work: Work, run_id: str, phase: int) -> None:
    await work.connection.execute(
        update(batches)
        .where(batches.c.run_id == run_id, batches.c.phase == phase, batches.c.state == "waiting")
        .values(state="ready", next_at=func.now())
    )
