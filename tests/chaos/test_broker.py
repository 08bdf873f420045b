"""Apache Kafka that dies, or forgets everything, in the middle of a run: what counts is in PostgreSQL."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.conftest import MakeDesk
from tests.support.chaos import people_titled, send, until_sent, until_written, written
from tests.support.desk import Desk
from tests.support.kafka import Kafka
from tests.support.stack import until

PEOPLE = 300
TEAM = "team@example.org"

Paused = dict[str, list[int]]


@pytest.fixture
def broker() -> Iterator[Kafka]:
    """One that no other test uses."""
    with tempfile.TemporaryDirectory(prefix="placet-kafka-", ignore_cleanup_errors=True) as folder:
        running = Kafka(Path(folder))
        running.start()
        yield running
        running.kill()


@pytest.fixture
def desk(make_desk: MakeDesk, broker: Kafka) -> Desk:
    desk = make_desk(kafka=broker.bootstrap)
    desk.two_eyes()
    desk.job["notify"] = {"to": [TEAM], "when": "always"}
    desk.people(*people_titled("Clerk", PEOPLE))
    desk.apply()
    return desk


def test_a_run_goes_on_after_its_broker_was_killed_while_it_wrote(desk: Desk, broker: Kafka) -> None:
    run = desk.request()
    until(lambda: desk.mails("bob@example.org"), "the mail that asks; of a request that is over none is sent any more")
    desk.bob.ask("request", "approve", run["request"], "--comment", "fine")
    until_written(desk, PEOPLE // 3)
    broker.kill()
    broker.start()
    _ends_well(desk, run["id"])


def test_a_run_goes_on_after_its_broker_lost_each_of_its_events(desk: Desk, broker: Kafka) -> None:
    """Before each event is sent, its readers are paused; they go on when the broker has forgotten it."""
    paused: Paused = {}
    _pause(desk, paused, "sync-worker")
    run_id = desk.ada.ask("job", "run", desk.name)["id"]
    until_sent(desk, "scheduler", "placet.run-requested", run_id)
    broker.wipe()
    _pause(desk, paused, "approvals")
    _resume(paused, "sync-worker")

    until_sent(desk, "sync", "placet.run-planned", run_id)
    broker.wipe()
    _pause(desk, paused, "scheduler", "notifier")
    _resume(paused, "approvals")

    until_sent(desk, "approvals", "placet.approval-requested", run_id)
    broker.wipe()
    _resume(paused, "scheduler", "notifier")
    run = desk.wait_for(run_id, "awaiting_approval")
    until(lambda: desk.mails("bob@example.org"), "the approver's mail")

    _pause(desk, paused, "sync-worker")
    desk.bob.ask("request", "approve", run["request"], "--comment", "fine")
    until_sent(desk, "approvals", "placet.run-approved", run_id)
    broker.wipe()
    _pause(desk, paused, "scheduler", "notifier")
    _resume(paused, "sync-worker")

    until_sent(desk, "sync", "placet.run-finished", run_id)
    broker.wipe()
    _resume(paused, "scheduler", "notifier")
    _ends_well(desk, run_id)


def _ends_well(desk: Desk, run_id: str) -> None:
    run = desk.wait_for(run_id, "finished")
    assert (run["outcome"], run["results"]["applied"]) == ("succeeded", PEOPLE)
    assert set(written(desk).values()) == {1}
    assert written(desk).total() == len(desk.entries()) == PEOPLE
    until(lambda: desk.mails(TEAM), "the mail")
    assert desk.run()["plan"]["unchanged"] == PEOPLE
    until(lambda: len(desk.mails(TEAM)) == 2, "one mail for each run")
    assert len(desk.mails("bob@example.org")) == 1


def _pause(desk: Desk, paused: Paused, *services: str) -> None:
    for service in services:
        paused[service] = desk.stack.pids(service)
        send(signal.SIGSTOP, paused[service])


def _resume(paused: Paused, *services: str) -> None:
    for service in services:
        send(signal.SIGCONT, paused.pop(service))
