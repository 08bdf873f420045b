"""Who asks for a run gets one: one is open at a time, on however many replicas it is asked for."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from placet_scheduler.errors import OrderTooLargeError, UnknownObjectError
from placet_scheduler.tables import waiting
from placet_shared.events import RunRequested, RunTriggered
from tests.support.scheduler import Document, Scheduler, people
from tests.support.signing import CORP, HR

PREVIEW = RunTriggered(job="people", preview=True)


@pytest.fixture
async def ready(scheduler: Scheduler) -> Scheduler:
    """A scheduler with the jobs `people` and `others`."""
    await scheduler.apply(HR, CORP, people(), people(name="others"))
    return scheduler


async def remembered(scheduler: Scheduler) -> list[tuple[str, str]]:
    async with scheduler.database.engine.connect() as connection:
        return [(row.trigger, row.reason) for row in await connection.execute(select(waiting))]


def open_ones(runs: list[Document]) -> list[Document]:
    return [run for run in runs if run["state"] != "finished" and not run["preview"]]


async def test_a_run_says_why_it_was_asked_for_where_that_was_said(ready: Scheduler) -> None:
    await ready.handle(RunTriggered(job="people", reason="new hires loaded"))
    await ready.handle(RunTriggered(job="others"))
    runs = {run["job"]: run for run in await ready.runs()}
    assert runs["people"]["trigger_reason"] == "new hires loaded"
    assert "trigger_reason" not in runs["others"]


# ---- people ----------------------------------------------------------------------------------------------------------


async def test_replicas_that_are_asked_at_once_order_one_run(ready: Scheduler, another: Scheduler) -> None:
    for turn in range(1, 5):
        asked = [replica.ask("people") for replica in (ready, another) * 3]
        beside = [replica.ask("others") for replica in (ready, another)]
        *of_people, first, second = await asyncio.gather(*asked, *beside)
        (run_id,) = {run["id"] for run in of_people}
        assert first["id"] == second["id"] != run_id
        assert len(await ready.published(RunRequested)) == 2 * turn
        for one in (run_id, first["id"]):
            await ready.end(one)


async def test_the_schema_itself_has_no_room_for_a_second_open_run(ready: Scheduler) -> None:
    run = await ready.ask()
    again = (
        "INSERT INTO scheduler.runs SELECT (jsonb_populate_record(runs, jsonb_build_object('run_id', 'second'))).* "
        "FROM scheduler.runs WHERE run_id = :id"
    )
    with pytest.raises(IntegrityError, match="uq_runs_one_open"):
        await ready.sql(again, id=run["id"])
    await ready.end(run["id"])
    await ready.sql(again, id=run["id"])


async def test_previews_are_never_answered_with_another_run(ready: Scheduler, another: Scheduler) -> None:
    run = await ready.ask()
    previews = await asyncio.gather(*(replica.ask(preview=True) for replica in (ready, another)))
    assert len({run["id"], *(preview["id"] for preview in previews)}) == 3
    assert [(preview["preview"], preview["trigger"]) for preview in previews] == [(True, "preview")] * 2
    assert (await ready.ask())["id"] == run["id"]


async def test_a_run_that_is_to_read_everything_says_so_in_its_order(ready: Scheduler) -> None:
    await ready.ask(preview=True, all=True)
    (event,) = await ready.published(RunRequested)
    assert ready.keys.verifier().order(event.order).everything


async def test_a_run_for_some_records_names_them_in_its_order(ready: Scheduler) -> None:
    await ready.ask(records=["e2", "e1"], preview=True)
    (event,) = await ready.published(RunRequested)
    assert ready.keys.verifier().order(event.order).records == ("e2", "e1")


@pytest.mark.parametrize(
    ("records", "says"),
    [
        (["e"] * 1_001, "records: should have at most 1000 items"),
        (["e", "e" * 501], "records.1: should have at most 500 characters"),
        (["ż" * 500] * 1_000, "ask for fewer records"),
    ],
)
async def test_an_order_leaves_room_for_its_plan(ready: Scheduler, records: list[str], says: str) -> None:
    answer = await ready.call("POST", "/runs", {"job": "people", "preview": True, "records": records})
    assert (answer.status_code, says in answer.json()["detail"]) == (422, True)
    assert await ready.runs() == []
    assert (await ready.ask(preview=True, records=["e" * 300] * 1_000))["state"] == "planning"


async def test_a_job_that_is_too_long_to_be_ordered_is_refused_for_good(ready: Scheduler) -> None:
    script = f"'{'x' * 350_000}'"
    await ready.apply(people(fields=[{"to": "sn", "script": script}]))
    answer = await ready.call("POST", "/runs", {"job": "people"})
    assert (answer.status_code, "make the job shorter" in answer.json()["detail"]) == (422, True)
    with pytest.raises(OrderTooLargeError):
        await ready.handle(RunTriggered(job="people"))


async def test_a_long_reason_is_cut(ready: Scheduler) -> None:
    await ready.handle(RunTriggered(job="people", reason="new hires " * 60_000))
    (event,) = await ready.published(RunRequested)
    reason = ready.keys.verifier().order(event.order).reason
    assert (len(reason), reason[:9], reason[-1]) == (500, "new hires", "…")


@pytest.mark.parametrize(
    ("document", "roles", "status"),
    [
        ({"job": "people"}, ("operator",), 202),
        ({"job": "people", "preview": True}, ("operator",), 202),
        ({"job": "people", "preview": True}, ("editor",), 202),
        ({"job": "people"}, ("editor", "viewer", "approver"), 403),
        ({"job": "people", "preview": True}, ("viewer", "approver"), 403),
        ({"job": "nobody"}, ("operator",), 404),
        ({"job": "nobody", "preview": True}, ("operator",), 404),
        ({"preview": True}, ("operator",), 422),
    ],
)
async def test_who_may_ask_for_what(ready: Scheduler, document: Document, roles: tuple[str, ...], status: int) -> None:
    answer = await ready.call("POST", "/runs", document, user="olga", roles=roles)
    assert answer.status_code == status, answer.text
    assert len(await ready.published(RunRequested)) == (status == 202)
    if status == 202:
        assert answer.json()["requested_by"] == "olga"


# ---- other services --------------------------------------------------------------------------------------------------


async def test_an_event_starts_the_job_once_however_often_it_comes(ready: Scheduler, another: Scheduler) -> None:
    event, event_id = RunTriggered(job="people", reason="new hires loaded"), str(uuid4())
    handled = await asyncio.gather(*(replica.handle(event, event_id) for replica in (ready, another) * 2))
    assert sorted(handled) == [False, False, False, True]
    (run,) = await ready.runs()
    assert (run["trigger"], run["requested_by"], run["preview"]) == ("event", "event", False)
    (requested,) = await ready.published(RunRequested)
    assert ready.keys.verifier().order(requested.order).reason == "new hires loaded"
    await ready.end(run["id"])
    assert await another.handle(event, event_id) is False
    assert len(await ready.runs()) == 1


async def test_events_that_come_while_a_run_is_open_are_one_start_when_it_ends(
    ready: Scheduler, another: Scheduler
) -> None:
    run = await ready.ask()
    events = [RunTriggered(job="people", reason=f"load {number}") for number in range(4)]
    await ready.handle(events[0])
    await asyncio.gather(*(replica.handle(event) for replica in (ready, another) for event in events[1:]))
    assert await remembered(ready) == [("event", "load 0")]
    assert len(await ready.runs()) == 1
    await ready.end(run["id"])
    second, first = await ready.runs()
    assert (first["id"], second["trigger"], second["state"]) == (run["id"], "event", "planning")
    assert await remembered(ready) == []
    await ready.end(second["id"])
    assert len(await ready.runs()) == 2


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "denied", "cancelled"])
async def test_what_was_remembered_starts_however_the_open_run_ends(ready: Scheduler, outcome: str) -> None:
    run = await ready.ask()
    await ready.handle(RunTriggered(job="people"))
    await ready.end(run["id"], outcome)
    assert [one["trigger"] for one in open_ones(await ready.runs())] == ["event"]


async def test_an_end_that_is_told_twice_starts_what_was_remembered_once(ready: Scheduler, another: Scheduler) -> None:
    run = await ready.ask()
    await ready.handle(RunTriggered(job="people"))
    await asyncio.gather(*(replica.end(run["id"]) for replica in (ready, another) * 2))
    assert len(await ready.runs()) == 2


async def test_previews_of_events_wait_for_nobody_and_nobody_waits_for_them(ready: Scheduler) -> None:
    run = await ready.ask()
    await ready.handle(PREVIEW)
    preview, _ = await ready.runs()
    assert (preview["preview"], preview["trigger"]) == (True, "event")
    await ready.handle(RunTriggered(job="people"))
    await ready.end(preview["id"], "previewed", preview=True)
    assert open_ones(await ready.runs()) == [await ready.run(run["id"])]
    assert await remembered(ready) == [("event", "")]


async def test_a_person_an_event_and_the_clock_at_once_make_one_run_and_one_start(
    ready: Scheduler, another: Scheduler
) -> None:
    await ready.apply({"kind": "schedule", "name": "s", "triggers": [{"daily": "02:30"}]}, people(schedule="s"))
    for _ in range(6):
        await ready.sql("UPDATE scheduler.slots SET next_at = now() - interval '1 day'")
        await asyncio.gather(ready.ask(), another.handle(RunTriggered(job="people")), another.clock.tick())
        (run,) = open_ones(await ready.runs())
        await ready.end(run["id"])
        (second,) = open_ones(await ready.runs())
        assert await remembered(ready) == []
        await ready.end(second["id"])


async def test_an_event_about_no_job_is_refused_for_good(ready: Scheduler) -> None:
    with pytest.raises(UnknownObjectError, match="there is no job named nobody; see `placet job list`"):
        await ready.handle(RunTriggered(job="nobody"))
    assert await ready.runs() == []
