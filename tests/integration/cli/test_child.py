"""Processes of a stack, one by one: watched, started again, ended, and never left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from placet_cli.local.child import Child, last_line
from placet_cli.local.processes import identify, is_alive, stop_orphans
from tests.support.stack import until

WAITS = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


class Made:
    """Children that end with the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.all: list[Child] = []

    def __call__(self, program: str, name: str = "child") -> Child:
        log = self._folder / f"{name}.log"
        command = [sys.executable, "-c", program]
        child = Child(name, command, log, os.environ, 0, lambda: log.exists() and "up" in log.read_text())
        self.all.append(child)
        return child


@pytest.fixture(name="make")
def maker(tmp_path: Path) -> Iterator[Made]:
    made = Made(tmp_path)
    yield made
    for child in made.all:
        if child.pid is not None:
            os.kill(child.pid, signal.SIGKILL)
        child.wait_stopped(10)


def running(child: Child) -> int:
    """Starts it; its process id once it answers."""
    child.start(0.0)
    until(lambda: child.watch(0.0) and child.state == "running", "the child answers")
    assert child.pid is not None
    return child.pid


def test_a_child_that_dies_is_started_again_after_a_pause(make: Made) -> None:
    child = make(WAITS)
    first = running(child)
    os.kill(first, signal.SIGKILL)
    until(lambda: child.watch(1.0), "its death is seen")
    assert (child.state, child.pid, child.deaths) == ("restarting", None, 1)
    assert child.watch(1.05) is False
    assert child.watch(1.2) is True
    assert child.pid not in (None, first)


def test_a_child_that_dies_at_once_tells_why_and_its_pauses_grow(make: Made) -> None:
    child = make("import sys; sys.exit('the key is missing')")
    pauses: list[float] = []
    now = died_at = 0.0
    child.start(now)
    while len(pauses) < 3:
        now += 0.01
        if child.watch(now) and child.state == "restarting":
            died_at = now
        elif child.state == "starting" and died_at:
            pauses.append(now - died_at)
            died_at = 0.0
    assert child.last_words() == "the key is missing"
    assert pauses == sorted(pauses)


def test_a_long_life_wipes_out_earlier_deaths(make: Made) -> None:
    child = make(WAITS)
    child.deaths = 4
    os.kill(running(child), signal.SIGKILL)
    until(lambda: child.watch(1000.0), "its death is seen")
    assert child.deaths == 1


def test_a_child_that_will_not_end_is_killed(make: Made) -> None:
    child = make(STUBBORN)
    known = identify(running(child))
    child.ask_to_stop()
    child.wait_stopped(0.2)
    assert (child.state, child.pid, is_alive(known)) == ("stopped", None, False)


def test_a_child_that_stands_still_ends_too(make: Made) -> None:
    child = make(WAITS)
    pid = running(child)
    os.kill(pid, signal.SIGSTOP)
    child.ask_to_stop()
    child.wait_stopped(10)
    assert child.state == "stopped"


def test_orphans_are_ended_also_stubborn_ones(make: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placet_cli.local.processes.GRACE_SECONDS", 0.2)
    known = [identify(running(make(WAITS, "one"))), identify(running(make(STUBBORN, "two")))]
    assert stop_orphans(known) == 2
    until(lambda: not any(map(is_alive, known)), "both have ended")
    assert stop_orphans(known) == 0


def test_another_process_under_the_same_id_is_let_live(make: Made) -> None:
    known = identify(running(make(WAITS)))
    assert stop_orphans([{**known, "born": "another boot 17"}]) == 0
    assert is_alive(known)


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    program = f"""
import os, pathlib, sys
from placet_cli.local.child import Child
child = Child("child", [sys.executable, "-c", {WAITS!r}], pathlib.Path({str(log)!r}), os.environ, 0, lambda: True)
child.start(0.0)
print(child.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True) as parent:
        assert parent.stdout is not None
        known = identify(int(parent.stdout.readline()))
        until(lambda: "up" in log.read_text(), "the child runs")
        parent.kill()
    until(lambda: not is_alive(known), "the child has ended")


def test_the_last_line_of_a_log_or_where_it_is(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert last_line(log) == f"see {log}"
    log.write_text("first\nlast\n\n")
    assert last_line(log) == "last"
