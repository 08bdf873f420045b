"""PostgreSQL that stops `-m immediate`, as by loss of power, in the middle of a run; the supervisor starts it again."""

import signal

from tests.support.chaos import people_titled, send, until_written, written
from tests.support.desk import Desk
from tests.support.stack import until

PEOPLE = 1_000


def test_a_run_goes_on_after_its_database_stopped_immediately_while_it_planned_and_while_it_wrote(desk: Desk) -> None:
    desk.job["notify"] = {"to": ["team@example.org"], "when": "always"}
    desk.people(*people_titled("Clerk", PEOPLE))
    desk.apply()
    run = desk.ada.ask("job", "run", desk.name)
    _planning_begins(desk)
    _stop_immediately(desk)
    until_written(desk, PEOPLE // 3)
    _stop_immediately(desk)
    run = desk.wait_for(run["id"], "finished")

    assert (run["outcome"], run["results"]["applied"] + run["results"]["already_applied"]) == ("succeeded", PEOPLE)
    assert set(written(desk).values()) == {1}
    assert written(desk).total() == len(desk.entries()) == PEOPLE
    until(lambda: desk.mails("team@example.org"), "the mail")
    assert desk.run()["plan"]["unchanged"] == PEOPLE
    until(lambda: len(desk.mails("team@example.org")) == 2, "one mail for each run")


def _planning_begins(desk: Desk) -> None:
    with desk.stack.database() as database:
        until(lambda: database.execute(b"SELECT 1 FROM sync.runs").fetchone(), "a plan is begun")


def _stop_immediately(desk: Desk) -> None:
    """What `pg_ctl stop -m immediate` does, and waits for the next server."""
    before = _postmaster(desk)
    assert before is not None
    send(signal.SIGQUIT, [before])
    until(lambda: _postmaster(desk) not in (None, before), "PostgreSQL is started again")


def _postmaster(desk: Desk) -> int | None:
    """The process of PostgreSQL, as it says itself; None while there is none."""
    file = desk.stack.home / "postgres" / "data" / "postmaster.pid"
    lines = file.read_text().splitlines() if file.exists() else []
    return int(lines[0]) if lines else None
