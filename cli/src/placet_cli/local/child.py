"""A process of the stack: started, watched, and started again when it dies."""

import pwd
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from placet_shared.backoff import backoff

from .processes import die_with_parent

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=0.1), timedelta(seconds=1.5)
QUIET_SECONDS = 30.0
"""A process that ran this long has no deaths to its account."""
STRIKES_ONCE = "PLACET_FAILPOINT"
"""What tests let a program die of is for its first life alone."""


@dataclass
class Child:
    """One program. `name` is the folder under services/ for a service, which has a row in `placet status`."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    port: int
    answers: Callable[[], bool]
    """Whether it can work; asked until it says so."""
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    is_service: bool = True
    state: str = "stopped"
    deaths: int = 0
    """In a row."""
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _again_at: float = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self, now: float) -> None:
        """Runs the program, which dies with the supervisor, also when that is killed."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                group=self.user and pwd.getpwnam(self.user).pw_gid,
                extra_groups=[] if self.user else None,
                cwd="/" if self.user else None,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(self.stop_signal),
            )
        self.environment = {name: value for name, value in self.environment.items() if name != STRIKES_ONCE}
        self.state, self._started_at = "starting", now

    def watch(self, now: float) -> bool:
        """Notices its death, starts it again after a pause that grows, sees when it is ready; True if any of these."""
        before = (self.state, self.pid)
        if self.state == "restarting":
            if now >= self._again_at:
                self.start(now)
        elif self._process is not None and self._process.poll() is not None:
            self.deaths = 1 if now - self._started_at > QUIET_SECONDS else self.deaths + 1
            pause = backoff(self.deaths, FIRST_PAUSE, LONGEST_PAUSE, chance=1)
            self.state, self._again_at = "restarting", now + pause.total_seconds()
        elif self.state == "starting" and self.answers():
            self.state = "running"
        return before != (self.state, self.pid)

    def ask_to_stop(self) -> None:
        if self.pid is not None and self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(self.stop_signal)

    def wait_stopped(self, seconds: float) -> None:
        """Kills what has not ended in time."""
        self.state = "stopped"
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The last line of its log."""
        return last_line(self.log)


def last_line(log: Path) -> str:
    """The last line of a log, or where it is when it is empty."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else f"see {log}"
