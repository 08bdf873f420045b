"""Workers that die in the middle of a batch. The oracle is the directory's own log of its writes."""

import os
import signal
from collections import Counter

from tests.support.desk import Desk
from tests.support.stack import until

PEOPLE = 1_000


def rows(title: str) -> list[tuple[str, ...]]:
    return [(f"{number}", f"Given{number}", f"Name{number}", title) for number in range(PEOPLE)]


def workers(desk: Desk) -> list[int]:
    """The processes of the workers that live now."""
    return [one["pid"] for one in desk.admin.ask("status")["services"] if one["name"] == "sync-worker" and one["pid"]]


def written(desk: Desk) -> Counter[tuple[str, str]]:
    """How often each entry was written, by the kind of write."""
    return Counter((one.op, one.dn) for one in desk.writes())


def until_written(desk: Desk, count: int) -> None:
    until(lambda: sum(written(desk).values()) >= count, f"{count} writes")


def test_workers_killed_in_the_middle_of_batches_write_each_change_once(desk: Desk) -> None:
    desk.people(*rows("Clerk"))
    desk.apply()
    run = desk.ada.ask("job", "run", desk.name)
    for count in (PEOPLE // 10, PEOPLE // 2):
        until_written(desk, count)
        for worker in workers(desk):
            os.kill(worker, signal.SIGKILL)
    run = desk.ada.ask("run", "watch", run["id"], "--timeout", "60")
    assert (run["outcome"], run["results"]["applied"] + run["results"]["already_applied"]) == ("succeeded", PEOPLE)
    assert set(written(desk).values()) == {1}
    assert len(desk.entries()) == PEOPLE
    assert desk.run()["plan"]["unchanged"] == PEOPLE
