"""A process of the stack: started, watched, and started again when it dies."""

import ctypes
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1
LONGEST_PAUSE_SECONDS = 3.0
QUIET_SECONDS = 30.0
"""A process that ran this long starts again at once when it dies."""


@dataclass
class Child:
    """One program. `row` is its name among the services in `placet status`; servers have none."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    port: int
    answers: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    is_service: bool = True
    state: str = "stopped"
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _deaths: int = 0
    _again_at: float = field(default=0.0)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Runs the program; it dies with the supervisor, also when that is killed."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                cwd="/" if self.user else None,
                start_new_session=True,
                preexec_fn=lambda: _die_with_parent(self.stop_signal),
            )
        self.state = "starting"
        self._started_at = time.monotonic()

    def watch(self) -> bool:
        """Starts it again when it has died, after a pause that grows; True when its state changed."""
        before = (self.state, self.pid)
        if self._process is not None and self._process.poll() is not None:
            self._died()
        elif self.state == "starting" and self.answers():
            self.state = "running"
        return before != (self.state, self.pid)

    def _died(self) -> None:
        now = time.monotonic()
        if self.state != "restarting":
            self._deaths = 0 if now - self._started_at > QUIET_SECONDS else self._deaths + 1
            self._again_at = now + min(0.25 * 2**self._deaths, LONGEST_PAUSE_SECONDS)
            self.state = "restarting"
        elif now >= self._again_at:
            self.start()

    def ask_to_stop(self) -> None:
        if self.pid is not None and self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(self.stop_signal)

    def wait_stopped(self, seconds: float) -> None:
        """Kills what has not ended in time."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.state = "stopped"


def _die_with_parent(number: signal.Signals) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))


def stop_orphans(recorded: Sequence[Mapping[str, int | float]]) -> None:
    """Ends processes of a stack whose supervisor was killed: those that still are what was recorded (pid, born)."""
    found = [process for one in recorded if (process := _same(int(one["pid"]), float(one["born"]))) is not None]
    for process in found:
        process.terminate()
    _, left = psutil.wait_procs(found, timeout=10)
    for process in left:
        process.kill()


def is_alive(pid: int, born: float) -> bool:
    """Whether this very process still runs."""
    return _same(pid, born) is not None


def born_at(pid: int) -> float:
    """When a process began, which with its id tells it from all others; 0 where it has gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def _same(pid: int, born: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - born) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if same else None


def run_as(user: str | None, command: Sequence[str], log: Path) -> None:
    """Runs a set-up command to its end. Raises RuntimeError with its last words."""
    done = subprocess.run(
        command,
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    log.write_bytes(done.stdout)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stdout.decode(errors='replace')[-500:]}")
