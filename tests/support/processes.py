"""Server processes that tests start, pause and kill; none outlives its test."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar


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


class OwnServer:
    """A server of a test's own; who knows its command sets `_process`."""

    _process: ServerProcess

    def start(self) -> None:
        self._process.start()

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        """kill -9: what it had not yet saved is lost."""
        self._process.kill()

    def pause(self) -> None:
        """Connections stay open and nobody answers, until `resume`."""
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()


AnyServer = TypeVar("AnyServer", bound=OwnServer)


@contextlib.contextmanager
def running(name: str, make: Callable[[Path], AnyServer]) -> Iterator[AnyServer]:
    """A started server in a folder of its own; both end with the block."""
    folder = Path(tempfile.mkdtemp(prefix=f"placet-{name}-"))
    try:
        server = make(folder)
        try:
            server.start()
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_stopped(thread: Path) -> bool:
    """Its state follows its name, which may hold anything but ends with a bracket."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0] in "TZ"
