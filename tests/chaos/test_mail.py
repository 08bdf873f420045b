"""Mails that may or may not have gone out: nobody gets one twice, and what is uncertain waits for a person."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.conftest import MakeDesk
from tests.support.chaos import people_titled
from tests.support.desk import Desk
from tests.support.smtp import Caught, SmtpServer, smtp_server
from tests.support.stack import until

TEAM, BOSS = "team@example.org", "boss@example.org"
LEASES_END = b"UPDATE notifier.deliveries SET lease_until = now() - interval '1 second' WHERE state = 'sending'"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SmtpServer]:
    with smtp_server(tmp_path) as running:
        yield running


def test_mails_whose_server_dies_after_data_are_held_and_never_sent_again(
    make_desk: MakeDesk, server: SmtpServer
) -> None:
    desk = _desk_that_mails(make_desk(), server, TEAM, BOSS)
    server.manners.after_data = "die"
    run = desk.run()
    until(lambda: _states(desk, run) == {TEAM: "uncertain", BOSS: "uncertain"}, "both mails are uncertain")
    server.stop()
    server.manners.after_data = "answer"
    server.start()

    desk.people(*people_titled("Chief", 5))
    later = desk.run()
    until(lambda: _states(desk, later) == {TEAM: "sent", BOSS: "sent"}, "mails of the next run are sent")
    assert _states(desk, run) == {TEAM: "uncertain", BOSS: "uncertain"}
    for what in ("5 created", "5 updated"):
        assert [len(_caught(server, to, what)) for to in (TEAM, BOSS)] == [1, 1]


@pytest.mark.parametrize(("place", "arrived"), [("data_begun", 0), ("data_answered", 1)])
def test_a_notifier_that_dies_with_a_mail_in_hand_sends_it_no_second_time(
    make_desk: MakeDesk, server: SmtpServer, place: str, arrived: int
) -> None:
    desk = _desk_that_mails(make_desk(PLACET_FAILPOINT=f"{place}:exit"), server, TEAM)
    first_life = desk.stack.pids("notifier")
    run = desk.run()
    until(lambda: (now := desk.stack.pids("notifier")) and now != first_life, "the notifier lives again")
    assert _states(desk, run) == {TEAM: "sending"}
    with desk.stack.database() as database:
        database.execute(LEASES_END)
    until(lambda: _states(desk, run) == {TEAM: "uncertain"}, "the lost mail is found")
    desk.people(*people_titled("Chief", 5))
    later = desk.run()
    until(lambda: _states(desk, later) == {TEAM: "sent"}, "the mail of the next run is sent")
    assert [len(_caught(server, TEAM, what)) for what in ("5 created", "5 updated")] == [arrived, 1]


def _desk_that_mails(desk: Desk, server: SmtpServer, *recipients: str) -> Desk:
    """Its directory's mails go to a server that the test rules."""
    desk.directory["notifications"] = server.settings()
    desk.job["notify"] = {"to": list(recipients), "when": "always"}
    desk.people(*people_titled("Clerk", 5))
    desk.apply()
    return desk


def _states(desk: Desk, run: dict[str, Any]) -> dict[str, str]:
    items = desk.ada.ask("notification", "list", "--run", run["id"])["items"]
    return {one["recipient"]: one["state"] for one in items}


def _caught(server: SmtpServer, to: str, what: str) -> list[Caught]:
    """Mails to somebody, whose subject ends so, that the server had in full."""
    return [mail for mail in server.mails_to(to) if str(mail.message["subject"]).endswith(what)]
