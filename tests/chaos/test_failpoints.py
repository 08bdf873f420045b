"""Services that die where work could be lost: between a write and the note of it, between a note and the next event."""

import pytest

from tests.chaos.conftest import MakeDesk
from tests.support.chaos import people_titled, written
from tests.support.desk import Desk
from tests.support.stack import until

PEOPLE = 300
"""More than a batch."""

DEATHS = {
    "scheduler": ("before_commit/run-planned", "after_commit/approval-requested", "after_send/run-requested"),
    "sync-worker": ("before_commit/run-requested", "after_commit/run-approved", "after_send/run-planned"),
    "approvals": ("before_commit/run-planned", "after_commit/run-planned", "after_send/run-approved"),
    "notifier": ("before_commit/approval-requested", "after_commit/run-finished", "after_send/notification-sent"),
}
ALL_AT_ONCE = [",".join(f"{places[turn]}:exit" for places in DEATHS.values()) for turn in range(3)]
PLACES = ("after_planning", "after_look", "after_claim", "after_ldap_write", "after_settle")
WORKERS = [f"{place}:exit" for place in PLACES]


@pytest.mark.parametrize("failpoints", ALL_AT_ONCE + WORKERS)
def test_a_run_ends_by_itself_with_each_change_written_once(make_desk: MakeDesk, failpoints: str) -> None:
    every_plan_is_old = {"PLACET_LOOK_AGAIN_SECONDS": "0"} if "after_look" in failpoints else {}
    desk = make_desk(PLACET_FAILPOINT=failpoints, **every_plan_is_old)
    desk.two_eyes()
    desk.job["notify"] = {"to": ["team@example.org"], "when": "always"}
    desk.people(*people_titled("Clerk", PEOPLE))
    desk.apply()
    mortal = list(DEATHS) if "," in failpoints else ["sync-worker"]
    before = {name: set(desk.stack.pids(name)) for name in mortal}
    run = desk.request()
    until(lambda: _mails(desk) == ["bob@example.org"], "the approver's mail")
    run = desk.approve(run)

    assert (run["outcome"], run["results"]["applied"] + run["results"]["already_applied"]) == ("succeeded", PEOPLE)
    assert set(written(desk).values()) == {1}
    assert written(desk).total() == len(desk.entries()) == PEOPLE
    until(lambda: _mails(desk) == ["bob@example.org", "team@example.org"], "one mail to each")
    assert desk.run()["plan"]["unchanged"] == PEOPLE
    assert [name for name in mortal if before[name] <= set(desk.stack.pids(name))] == [], "nobody died"


def test_who_gets_passwords_of_a_worker_that_died_gets_those_that_were_written(make_desk: MakeDesk) -> None:
    desk = make_desk(PLACET_FAILPOINT="after_ldap_write:exit")
    desk.job["fields"].append({"to": "userPassword", "password": {}, "only_on_create": True})
    desk.people(*people_titled("Clerk", 5))
    desk.apply()
    before = set(desk.stack.pids("sync-worker"))
    run = desk.run()
    assert run["results"]["already_applied"] == 5
    taken = desk.admin.ask("run", "passwords", run["id"])["items"]
    assert [desk.signs_in(one["dn"], one["password"]) for one in taken] == [True] * 5
    assert not before <= set(desk.stack.pids("sync-worker")), "nobody died"


def _mails(desk: Desk) -> list[str]:
    return sorted(mail["to"] for mail in desk.stack.mails(desk.name))
