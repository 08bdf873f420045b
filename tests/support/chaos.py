"""What is killed, stopped and awaited in tests of whole runs, and how their writes are counted."""

import os
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.support.desk import Desk, Row
from tests.support.stack import until


def people_titled(title: str, count: int) -> list[Row]:
    return [(f"{number}", f"Given{number}", f"Name{number}", title) for number in range(count)]


def send(number: signal.Signals, processes: Iterable[int]) -> None:
    for pid in processes:
        os.kill(pid, number)


def is_stopped(pid: int) -> bool:
    """Whether a process has been stopped by SIGSTOP."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def written(desk: Desk) -> Counter[tuple[str, str]]:
    """How often each entry of the desk was written by Placet, by the kind of write."""
    return Counter((one.op, one.dn) for one in desk.writes())


def until_written(desk: Desk, count: int) -> None:
    until(lambda: written(desk).total() >= count, f"{count} writes")


def until_sent(desk: Desk, schema: str, topic: str, run_id: str) -> None:
    """Waits until a service has sent an event of a run."""
    sent = f"SELECT 1 FROM {schema}.outbox WHERE topic = %s AND subject = %s AND sent_at IS NOT NULL"
    with desk.stack.database() as database:
        until(lambda: database.execute(sent.encode(), [topic, run_id]).fetchone(), f"{topic} of {schema}")
