"""A run that nobody wants any more: asked to end once, and over when the worker says so."""

import asyncio

import httpx2
import pytest

from placet_scheduler import runs_api
from placet_shared.events import RunCancelled, RunRequested, RunTriggered
from tests.support.scheduler import Document, Scheduler, people


@pytest.fixture
async def ready(scheduler: Scheduler) -> Scheduler:
    await scheduler.apply_people()
    return scheduler


async def cancel(scheduler: Scheduler, run: Document, user: str = "olga") -> httpx2.Response:
    return await scheduler.call("POST", f"/runs/{run['id']}/cancel", user=user, roles=("operator",))


async def test_two_who_cancel_at_once_ask_once(ready: Scheduler, another: Scheduler) -> None:
    for count in range(1, 5):
        run = await ready.ask()
        answers = await asyncio.gather(*(cancel(replica, run) for replica in (ready, another) * 2))
        assert [answer.status_code for answer in answers] == [200] * 4
        assert len(await ready.published(RunCancelled)) == count
        await ready.end(run["id"], "cancelled")


@pytest.mark.parametrize("state", ["planning", "planned", "awaiting_approval", "approved", "applying"])
async def test_a_run_may_be_cancelled_in_every_state(ready: Scheduler, state: str) -> None:
    run = await ready.ask()
    planned = await ready.planned(run["id"])
    news = [planned, ready.request(run["id"]), ready.decided(planned), ready.applied(run["id"], applied=1)]
    for event in news[: ["planning", "planned", "awaiting_approval", "approved", "applying"].index(state)]:
        await ready.handle(event)
    assert (await cancel(ready, run)).json()["state"] == ("planning" if state == "planned" else state)
    (event,) = await ready.published(RunCancelled)
    assert (event.run_id, event.cancelled_by) == (run["id"], "olga")
    await ready.end(run["id"], "cancelled", reason="cancelled by olga")
    over = await ready.run(run["id"])
    assert (over["state"], over["outcome"], over["reason"]) == ("finished", "cancelled", "cancelled by olga")


async def test_a_preview_may_be_cancelled_too(ready: Scheduler) -> None:
    run = await ready.ask()
    preview = await ready.ask(preview=True)
    await cancel(ready, preview)
    assert [event.run_id for event in await ready.published(RunCancelled)] == [preview["id"]]
    assert (await ready.ask())["id"] == run["id"]


async def test_the_worker_may_have_been_faster(ready: Scheduler) -> None:
    """Who cancels what has just been written hears how it ended."""
    run = await ready.ask()
    await cancel(ready, run)
    await ready.end(run["id"], "succeeded")
    assert (await cancel(ready, run)).json()["outcome"] == "succeeded"


async def test_the_first_who_asks_is_named(ready: Scheduler) -> None:
    run = await ready.ask()
    await cancel(ready, run, "olga")
    (saved,) = await ready.apply(people(extra="delete"))
    await cancel(ready, run, "oscar")
    assert saved["ending_run"] == run["id"]
    assert [event.cancelled_by for event in await ready.published(RunCancelled)] == ["olga"]


async def test_a_person_may_cancel_what_an_edit_was_too_late_to_end(ready: Scheduler) -> None:
    run = await ready.ask()
    for extra in ("delete", "skip"):
        await ready.apply(people(extra=extra))
    for who in ("olga", "oscar"):
        await cancel(ready, run, who)
    await ready.apply(people(extra="delete"))
    asked = [(event.cancelled_by, event.unless_approved) for event in await ready.published(RunCancelled)]
    assert asked == [("ada", True), ("olga", False)]


async def test_a_cancellation_and_an_edit_at_once_are_both_heard(ready: Scheduler, another: Scheduler) -> None:
    for number in range(4):
        run = await ready.ask()
        await asyncio.gather(cancel(another, run), ready.apply(people(extra="skip" if number % 2 else "delete")))
        *_, event = [event for event in await ready.published(RunCancelled) if event.run_id == run["id"]]
        assert (event.cancelled_by, event.unless_approved) == ("olga", False)
        await ready.end(run["id"], "cancelled")


async def test_a_cancelled_run_is_open_until_it_has_ended(ready: Scheduler) -> None:
    run = await ready.ask()
    await cancel(ready, run)
    await ready.handle(RunTriggered(job="people"))
    assert [one["id"] for one in await ready.runs()] == [run["id"]]
    await ready.end(run["id"], "cancelled")
    second, _ = await ready.runs()
    assert (second["trigger"], second["state"]) == ("event", "planning")


# ---- the next one ----------------------------------------------------------------------------------------------------


async def test_who_asks_while_a_run_is_being_cancelled_gets_the_next_one(ready: Scheduler, another: Scheduler) -> None:
    run = await ready.ask()
    await cancel(ready, run)
    asking = [asyncio.create_task(replica.ask()) for replica in (ready, another)]
    await asyncio.wait(asking, timeout=0.3)
    assert not any(task.done() for task in asking)
    await ready.end(run["id"], "cancelled")
    (following,) = {one["id"] for one in await asyncio.gather(*asking)}
    assert following != run["id"]
    assert len(await ready.published(RunRequested)) == 2


async def test_who_asks_for_a_preview_meanwhile_does_not_wait(
    ready: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_api, "ENDING_SECONDS", 3600.0)
    run = await ready.ask()
    await cancel(ready, run)
    assert (await ready.ask(preview=True))["state"] == "planning"
    assert (await ready.run(run["id"]))["state"] == "planning"


async def test_who_waited_long_enough_is_told_of_the_run_that_does_not_end(
    ready: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_api, "ENDING_SECONDS", 0.3)
    run = await ready.ask()
    await cancel(ready, run)
    assert (await ready.ask())["id"] == run["id"]


async def test_who_asks_while_an_edit_was_too_late_gets_the_approved_run_at_once(
    ready: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_api, "ENDING_SECONDS", 3600.0)
    run = await ready.ask()
    planned = await ready.planned(run["id"])
    await ready.handle(planned)
    await ready.apply(people(extra="delete"))
    await ready.handle(ready.decided(planned))
    assert (await asyncio.wait_for(ready.ask(), 30))["id"] == run["id"]
