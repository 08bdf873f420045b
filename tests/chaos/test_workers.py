"""Workers that die or stall in the middle of a run. The oracle is the directory's own log of its writes."""

import signal

import pytest

from tests.chaos.conftest import MakeDesk
from tests.support.chaos import is_stopped, people_titled, send, until_written, written
from tests.support.desk import Desk
from tests.support.stack import until

PEOPLE = 1_000


def test_workers_killed_in_the_middle_of_batches_write_each_change_once(desk: Desk) -> None:
    desk.people(*people_titled("Clerk", PEOPLE))
    desk.apply()
    run = desk.ada.ask("job", "run", desk.name)
    for count in (PEOPLE // 10, PEOPLE // 2):
        until_written(desk, count)
        send(signal.SIGKILL, desk.stack.pids("sync-worker"))
    run = desk.ada.ask("run", "watch", run["id"], "--timeout", "60")
    assert (run["outcome"], run["results"]["applied"] + run["results"]["already_applied"]) == ("succeeded", PEOPLE)
    assert set(written(desk).values()) == {1}
    assert len(desk.entries()) == PEOPLE
    assert desk.run()["plan"]["unchanged"] == PEOPLE


@pytest.mark.parametrize("place", ["after_claim", "after_ldap_write"])
def test_a_worker_that_sleeps_through_the_end_of_its_run_writes_nothing_when_it_wakes(
    make_desk: MakeDesk, place: str
) -> None:
    """Both workers stop themselves with a batch in hand; one goes on, the other when all is over. What
    the hand sets meanwhile is what the plan found there: only the lease keeps the sleeper from writing."""
    desk = make_desk(PLACET_FAILPOINT=f"{place}:stop")
    desk.people(*people_titled("Clerk", PEOPLE))
    desk.apply()
    run = desk.ada.ask("job", "run", desk.name)
    workers = desk.stack.pids("sync-worker")
    until(lambda: all(map(is_stopped, workers)), "both workers sleep")
    sleeper, other = workers
    send(signal.SIGCONT, [other])
    run = desk.ada.ask("run", "watch", run["id"], "--timeout", "60")
    assert run["outcome"] == "succeeded"

    with desk.slapd.hand() as hand:
        for entry in desk.entries().values():
            hand.delete(entry["dn"][0])
    send(signal.SIGCONT, [sleeper])
    until(lambda: any("batch_fenced" in desk.stack.log(name) for name in ("sync-worker", "sync-worker-2")), "a fence")
    assert desk.entries() == {}
    assert set(written(desk).values()) == {1}
    assert written(desk).total() == PEOPLE
    assert desk.ada.ask("run", "show", run["id"])["results"] == run["results"]
