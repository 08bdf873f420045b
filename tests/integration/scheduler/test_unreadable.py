"""What an older version saved and this one cannot read: it is logged, and holds up nothing else."""

import json

import pytest

from placet_shared.events import RunRequested, RunTriggered
from tests.support.scheduler import Document, Scheduler, people

HOURLY: Document = {"kind": "schedule", "name": "hourly", "triggers": [{"cron": "0 * * * *"}]}


async def overwrite(scheduler: Scheduler, kind: str, name: str, **fields: object) -> None:
    """Fields of a saved document as no API would take them."""
    change = "UPDATE scheduler.objects SET document = document || CAST(:fields AS jsonb)"
    await scheduler.sql(
        f"{change} WHERE kind = :kind AND name = :name", fields=json.dumps(fields), kind=kind, name=name
    )
    await scheduler.sign(kind, name)


@pytest.fixture
async def scheduled(scheduler: Scheduler) -> Scheduler:
    """`bad` is due before `people`, each by a schedule of its own."""
    await scheduler.apply_people(schedule="nightly")
    await scheduler.apply(HOURLY, people(name="bad", schedule="hourly"))
    for job, since in (("bad", "2 hours"), ("people", "1 hour")):
        await scheduler.sql(f"UPDATE scheduler.slots SET next_at = now() - interval '{since}' WHERE job = '{job}'")
    return scheduler


@pytest.mark.parametrize(
    "fields", [{"triggers": [{"lunar": "new"}]}, {"triggers": [{"cron": "61 * * * *"}]}, {"time_zone": "Mars/North"}]
)
async def test_a_schedule_that_cannot_be_read_starts_nothing_until_it_is_saved_again(
    scheduled: Scheduler, capsys: pytest.CaptureFixture[str], fields: Document
) -> None:
    await overwrite(scheduled, "schedule", "hourly", **fields)
    await scheduled.clock.tick()
    assert [event.job for event in await scheduled.published(RunRequested)] == ["people"]
    assert "schedule_unreadable" in capsys.readouterr().out
    await scheduled.apply(HOURLY)
    await scheduled.sql("UPDATE scheduler.slots SET next_at = now() WHERE job = 'bad'")
    await scheduled.clock.tick()
    assert [event.job for event in await scheduled.published(RunRequested)] == ["people", "bad"]


@pytest.mark.parametrize(("kind", "name"), [("job", "bad"), ("workflow", "odd")])
async def test_a_job_that_cannot_be_read_is_not_started(
    scheduled: Scheduler, capsys: pytest.CaptureFixture[str], kind: str, name: str
) -> None:
    await scheduled.apply({"kind": "workflow", "name": "odd", "stages": [{"approvers": ["bob"]}]})
    await scheduled.apply(people(name="bad", schedule="hourly", workflow="odd"))
    await overwrite(scheduled, kind, name, flavour="sweet")
    await scheduled.clock.tick()
    assert [event.job for event in await scheduled.published(RunRequested)] == ["people"]
    assert "job_not_started" in capsys.readouterr().out

    answer = await scheduled.call("POST", "/runs", {"job": "bad"})
    assert (answer.status_code, answer.json()["detail"]) == (
        422, f"job bad cannot run as it is saved: {kind}.flavour: is an unknown field; apply it again",
    )  # fmt: skip


async def test_a_remembered_start_of_an_unreadable_job_holds_up_no_other(scheduled: Scheduler) -> None:
    for job in ("bad", "people"):
        run = await scheduled.ask(job)
        await scheduled.handle(RunTriggered(job=job))
        await overwrite(scheduled, "job", "bad", flavour="sweet")
        await scheduled.end(run["id"])
    assert [event.job for event in await scheduled.published(RunRequested)] == ["bad", "people", "people"]
