"""The clock on a real PostgreSQL: what is due starts once, by however many replicas that slept however long."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from placet_scheduler import tables
from placet_shared.clock import utc_now
from placet_shared.events import RunRequested, RunTriggered
from tests.support.alarms import alarms
from tests.support.scheduler import Document, Scheduler, people

LONG_AGO = datetime(2027, 1, 1, tzinfo=UTC) - timedelta(days=2000)


def nightly(at: datetime | None = None) -> Document:
    """A schedule that is not due in the hours of a test."""
    at = at or utc_now() + timedelta(hours=12)
    return {"kind": "schedule", "name": "nightly", "triggers": [{"daily": f"{at:%H:%M}"}]}


async def due(scheduler: Scheduler, *jobs: str, since: datetime = LONG_AGO) -> None:
    """Their time has come."""
    for job in jobs:
        await scheduler.sql("UPDATE scheduler.slots SET next_at = :since WHERE job = :job", since=since, job=job)


async def rows(scheduler: Scheduler, query: Any) -> list[Any]:
    async with scheduler.database.engine.connect() as connection:
        return list(await connection.execute(query))


async def slots(scheduler: Scheduler) -> dict[str, datetime]:
    return {row.job: row.next_at for row in await rows(scheduler, select(tables.slots))}


async def remembered(scheduler: Scheduler) -> list[tuple[str, str]]:
    return [(row.job, row.trigger) for row in await rows(scheduler, select(tables.waiting).order_by("job"))]


@pytest.fixture
async def scheduled(scheduler: Scheduler) -> Scheduler:
    """A scheduler with the job `people`, nightly."""
    await scheduler.apply_people()
    await scheduler.apply(nightly(), people(schedule="nightly"))
    return scheduler


async def test_a_slot_that_is_due_starts_the_job_in_the_schedules_name(scheduled: Scheduler) -> None:
    await scheduled.clock.tick()
    assert await scheduled.runs() == []
    await due(scheduled, "people")
    await scheduled.clock.tick()
    (run,) = await scheduled.runs()
    assert (run["trigger"], run["requested_by"], run["preview"]) == ("schedule", "schedule nightly", False)
    (event,) = await scheduled.published(RunRequested)
    order = scheduled.keys.verifier().order(event.order)
    assert (order.trigger, order.snapshot.job.schedule) == ("schedule", "nightly")


async def test_replicas_that_tick_at_once_start_a_slot_once(scheduled: Scheduler, another: Scheduler) -> None:
    jobs = ["people", *(f"people{number}" for number in range(5))]
    await scheduled.apply(*(people(name=name, schedule="nightly") for name in jobs))
    for turn in range(1, 4):
        await due(scheduled, *jobs)
        await asyncio.gather(*(replica.clock.tick() for replica in (scheduled, another) * 2))
        runs = await scheduled.runs()
        assert sorted(run["job"] for run in runs) == sorted(jobs * turn)
        assert await remembered(scheduled) == []
        for run in runs:
            await scheduled.end(run["id"])


async def test_times_that_were_missed_are_one_start_and_the_next_one_lies_ahead(scheduled: Scheduler) -> None:
    """Also of a schedule that comes each minute."""
    minutely = {"kind": "schedule", "name": "minutely", "triggers": [{"cron": "* * * * *"}]}
    await scheduled.apply(minutely, people(name="often", schedule="minutely"))
    before = utc_now()
    await due(scheduled, "people", "often")
    await scheduled.clock.tick()
    assert sorted(run["job"] for run in await scheduled.runs()) == ["often", "people"]
    assert len(await scheduled.published(RunRequested)) == 2
    following = await slots(scheduled)
    assert all(at > before for at in following.values())
    assert following["people"] - before < timedelta(days=1)
    assert following["often"] - before < timedelta(minutes=2)


async def test_a_slot_that_comes_while_a_run_is_open_is_remembered_as_one_start(
    scheduled: Scheduler, another: Scheduler
) -> None:
    run = await scheduled.ask()
    for replica in (scheduled, another, scheduled):
        await due(scheduled, "people")
        await replica.clock.tick()
    assert [one["id"] for one in await scheduled.runs()] == [run["id"]]
    assert await remembered(scheduled) == [("people", "schedule")]
    await scheduled.end(run["id"])
    second, _first = await scheduled.runs()
    assert (second["trigger"], second["state"]) == ("schedule", "planning")
    await scheduled.end(second["id"])
    for replica in (scheduled, another):
        await replica.clock.tick()
    assert len(await scheduled.runs()) == 2


async def test_a_preview_does_not_keep_the_clock_waiting(scheduled: Scheduler) -> None:
    await scheduled.ask(preview=True)
    await due(scheduled, "people")
    await scheduled.clock.tick()
    assert sorted(run["trigger"] for run in await scheduled.runs()) == ["preview", "schedule"]


async def test_what_was_remembered_too_late_for_the_runs_end_starts_with_the_next_tick(
    scheduled: Scheduler, another: Scheduler
) -> None:
    """An order that found the run open, and was written down when it had just ended."""
    await scheduled.sql("INSERT INTO scheduler.waiting VALUES ('people', 'event', 'event', 'new hires')")
    await asyncio.gather(scheduled.clock.tick(), another.clock.tick())
    (run,) = await scheduled.runs()
    assert (run["job"], run["trigger"]) == ("people", "event")
    (event,) = await scheduled.published(RunRequested)
    assert scheduled.keys.verifier().order(event.order).reason == "new hires"
    assert await remembered(scheduled) == []


@pytest.mark.parametrize(
    ("trigger", "by"),
    [
        ("manual", "ada"),
        ("manual", "event"),
        ("preview", "ada"),
        ("event", "ada"),
        ("schedule", "ada"),
        ("any", "event"),
    ],
)
async def test_what_is_remembered_never_speaks_for_a_person(scheduled: Scheduler, trigger: str, by: str) -> None:
    """Who can write to that table alone would have a run in somebody's name, and its approval by somebody else."""
    await scheduled.sql("INSERT INTO scheduler.waiting VALUES ('people', :trigger, :by, '')", trigger=trigger, by=by)
    before = alarms("altered")
    await scheduled.clock.tick()
    assert await scheduled.runs() == []
    assert (await remembered(scheduled), alarms("altered") - before) == ([], 1)


async def test_an_end_and_a_trigger_at_once_lose_no_start(scheduled: Scheduler, another: Scheduler) -> None:
    run = await scheduled.ask()
    for _ in range(8):
        await asyncio.gather(scheduled.end(run["id"]), another.handle(RunTriggered(job="people")))
        await another.clock.tick()
        following, ended, *_ = await scheduled.runs()
        assert (ended["id"], ended["state"]) == (run["id"], "finished")
        assert (following["state"], following["trigger"]) == ("planning", "event")
        assert await remembered(scheduled) == []
        run = following


async def test_a_job_that_cannot_be_ordered_holds_up_no_other(scheduled: Scheduler) -> None:
    await scheduled.sql("INSERT INTO scheduler.slots VALUES ('a-ghost', :since)", since=LONG_AGO)
    await scheduled.sql("INSERT INTO scheduler.waiting VALUES ('a-ghost', 'event', 'event', '')")
    await due(scheduled, "people", since=utc_now() - timedelta(minutes=1))
    await scheduled.clock.tick()
    assert [run["job"] for run in await scheduled.runs()] == ["people"]
    assert (await slots(scheduled)).keys() == {"people"}
    assert await remembered(scheduled) == []


# ---- slots follow the catalogue --------------------------------------------------------------------------------------


async def test_a_job_has_a_slot_while_it_has_a_schedule(scheduled: Scheduler) -> None:
    async def slot() -> datetime | None:
        return (await slots(scheduled)).get("people")

    first = await slot()
    assert first is not None
    await scheduled.apply(nightly(first - timedelta(hours=3)))
    moved = await slot()
    assert moved == first - timedelta(hours=3)
    await scheduled.apply(people(schedule="nightly", extra="delete"))
    assert await slot() == moved
    await scheduled.apply(people())
    assert await slot() is None
    await scheduled.apply(people(schedule="nightly"))
    assert await slot() == moved
    await scheduled.call("DELETE", "/jobs/people")
    assert await slots(scheduled) == {}


async def test_an_edit_that_leaves_the_times_alone_takes_no_due_slot_away(scheduled: Scheduler) -> None:
    await due(scheduled, "people")
    await scheduled.apply(people(schedule="nightly", extra="delete"))
    await scheduled.clock.tick()
    (run,) = await scheduled.runs()
    assert run["trigger"] == "schedule"


async def test_a_job_that_lost_its_schedule_is_not_started(scheduled: Scheduler, another: Scheduler) -> None:
    """Whichever of the two comes first."""
    for _ in range(4):
        await due(scheduled, "people")
        await asyncio.gather(scheduled.apply(people()), another.clock.tick())
        for run in await scheduled.runs("?state=planning"):
            await scheduled.end(run["id"])
        before = len(await scheduled.runs())
        await another.clock.tick()
        assert len(await scheduled.runs()) == before
        assert await slots(scheduled) == {}
        await scheduled.apply(people(schedule="nightly"))
