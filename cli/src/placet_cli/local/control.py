"""Stacks in the background: started, waited for, ended."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from .child import last_line
from .home import FIRST_PORT, Home
from .processes import stop_orphans
from .status import is_ready, running_pid

PAUSE_SECONDS = 0.1
STOP_SECONDS = 60.0


class StackFailedError(Exception):
    """The stack could not be started."""


@dataclass(frozen=True)
class Options:
    """What `placet up` was asked for; `kafka` and `database` are real servers to use instead of embedded ones."""

    port: int = FIRST_PORT
    workers: int = 1
    kafka: str | None = None
    database: str | None = None

    def arguments(self) -> list[str]:
        """These options as a command line."""
        given = {"--port": self.port, "--workers": self.workers, "--kafka": self.kafka, "--database": self.database}
        return [part for name, value in given.items() if value is not None for part in (name, str(value))]


def start_detached(home: Home, options: Options) -> None:
    """Starts a supervisor in the background and returns when every service is ready. Raises StackFailedError."""
    for folder in (home.folder, home.logs):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "placet_cli.main", "up", "--home", str(home.folder), *options.arguments()]
    log = home.logs / "supervisor.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    while not is_ready(home):
        if process.poll() is not None and running_pid(home) is None:
            raise StackFailedError(f"the stack did not start: {last_line(log).removeprefix('placet: ')}")
        time.sleep(PAUSE_SECONDS)


def wait_ready(home: Home) -> None:
    """Returns when the stack that somebody started is ready. Raises StackFailedError when it ends before that."""
    while not is_ready(home):
        if running_pid(home) is None:
            raise StackFailedError(f"the stack that was starting in {home.folder} has ended; start it again")
        time.sleep(PAUSE_SECONDS)


def stop(home: Home) -> bool:
    """Ends a stack, or what a killed supervisor left; False where nothing ran."""
    pid = running_pid(home)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while pid is not None and running_pid(home) == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE_SECONDS)
    left = stop_orphans((home.read_state() or {}).get("processes", []))
    return pid is not None or left > 0
