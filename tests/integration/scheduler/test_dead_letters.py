"""What the scheduler cannot do anything with is kept with its reason, and does its work when it is replayed."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from placet_scheduler.tables import delivery
from placet_shared.envelope import Message, unpack_headers
from placet_shared.events import Event, RunTriggered
from placet_shared.letters import due_letters
from placet_shared.settling import Settler
from placet_shared.topics import DEAD_LETTERS, RUN_TRIGGERS
from tests.support.delivery import raw
from tests.support.scheduler import Scheduler
from tests.support.signing import HR

TRIGGER = RunTriggered(job="people", reason="new hires loaded")


def message(event: Event, event_id: str = "load-17") -> Message:
    sent = raw(event, event_id, "payroll")
    return Message(sent.topic, 3, 17, sent.key, sent.headers, sent.body)


async def settle(scheduler: Scheduler, *messages: Message) -> None:
    """As the broker's consumer does with each message that comes."""
    settler = Settler(scheduler.database, scheduler.service.handlers)
    for each in messages:
        await settler.settle(each)


async def dead(scheduler: Scheduler) -> list[dict[str, Any]]:
    answer = await scheduler.call("GET", "/dead-letters", roles=("viewer",))
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def outbox(scheduler: Scheduler, topic: str) -> Sequence[Any]:
    query = select(delivery.outbox).where(delivery.outbox.c.topic == topic).order_by(delivery.outbox.c.seq)
    async with scheduler.database.engine.connect() as connection:
        return (await connection.execute(query)).all()


async def test_a_trigger_for_no_job_is_dead_and_starts_the_job_when_it_is_replayed(scheduler: Scheduler) -> None:
    sent = message(TRIGGER)
    await settle(scheduler, sent, sent)
    (letter,) = await dead(scheduler)
    assert (letter["service"], letter["topic"], letter["partition"], letter["offset"]) == (
        "scheduler", RUN_TRIGGERS, 3, 17,
    )  # fmt: skip
    assert letter["reason"] == "there is no job named people; see `placet job list`"
    assert len(await outbox(scheduler, DEAD_LETTERS)) == 1

    await scheduler.apply_people()
    replay = f"/dead-letters/{letter['id']}/replay"
    assert (await scheduler.call("POST", replay, user="vera", roles=("viewer", "editor"))).status_code == 403
    assert (await scheduler.call("POST", replay, user="olga", roles=("operator",))).status_code == 202
    assert await dead(scheduler) == []
    (again,) = await outbox(scheduler, RUN_TRIGGERS)
    assert (again.key, unpack_headers(again.headers), again.body) == (sent.key, sent.headers, sent.body)

    await settle(scheduler, sent, sent)
    (run,) = await scheduler.runs()
    assert (run["job"], run["trigger"]) == ("people", "event")
    assert await dead(scheduler) == []


async def test_a_trigger_whose_handler_failed_did_not_burn_its_id(scheduler: Scheduler) -> None:
    await settle(scheduler, message(TRIGGER))
    await scheduler.apply_people()
    await settle(scheduler, message(TRIGGER))
    assert len(await scheduler.runs()) == 1


async def test_news_of_a_run_that_nobody_ordered_are_dead(scheduler: Scheduler) -> None:
    events = [scheduler.finished("nobody"), scheduler.request("nobody"), scheduler.applied("nobody")]
    await settle(scheduler, *(message(event, event.topic) for event in events))
    reasons = {letter["topic"]: letter["reason"] for letter in await dead(scheduler)}
    unknown = "no run nobody was ordered here; was the database restored?"
    assert reasons == {event.topic: unknown for event in events}


async def test_forged_news_are_dead_and_the_true_ones_under_the_same_id_are_heard(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    forged, true = (scheduler.finished(run["id"], signer=signer) for signer in ("console", "sync-worker"))
    await settle(scheduler, message(forged), message(true), message(forged))
    assert (await scheduler.run(run["id"]))["outcome"] == "succeeded"
    (letter,) = await dead(scheduler)
    assert letter["topic"] == true.topic


async def test_a_decision_that_is_before_its_plan_waits_for_it_and_is_never_dead(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    planned = await scheduler.planned(run["id"])
    await settle(scheduler, message(scheduler.decided(planned), "decision"))
    assert await dead(scheduler) == []
    assert (await scheduler.run(run["id"]))["state"] == "planning"

    await settle(scheduler, message(planned, "plan"))
    await scheduler.sql("UPDATE scheduler.letters SET next_at = now() - interval '1 second'")
    (kept,) = await due_letters(scheduler.database)
    await settle(scheduler, kept)
    assert (await scheduler.run(run["id"]))["state"] == "approved"
    async with scheduler.database.engine.connect() as connection:
        assert (await connection.execute(select(delivery.letters))).all() == []


@pytest.mark.parametrize("path", ["/dead-letters/nothing", "/dead-letters/nothing/replay"])
async def test_no_letter_has_that_id(scheduler: Scheduler, path: str) -> None:
    await scheduler.apply(HR)
    answer = await scheduler.call("POST" if path.endswith("replay") else "GET", path)
    assert (answer.status_code, "see `placet dead-letter list`" in answer.json()["detail"]) == (404, True)
