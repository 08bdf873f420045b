"""Server processes that tests start, pause and kill; none outlives its test."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class ServerProcess:
    """A command that runs in the background in a session of its own, with its output in a file."""

    def __init__(self, command: Sequence[str], log: Path, answers: Callable[[], bool], cwd: Path | None = None) -> None:
        self._command = command
        self._log = log
        self._answers = answers
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60) -> None:
        """Starts it, unless it runs, and returns when it answers."""
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._cwd,
                    start_new_session=True,
                )
        deadline = time.monotonic() + seconds
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self._command[0]} does not answer; it said: {self._last_words()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not enough."""
        if self._process is None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Like kill -9: nothing is flushed, nobody is told."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Returns when no thread runs any more: a signal takes its time on a busy machine."""
        self._signal(signal.SIGSTOP)
        while self._process is not None and not all(
            map(_is_stopped, Path(f"/proc/{self._process.pid}/task").iterdir())
        ):
            time.sleep(0.005)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


def _is_stopped(thread: Path) -> bool:
    """Its state follows its name, which may hold anything but ends with a bracket."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0] in "TZ"
