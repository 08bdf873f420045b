"""Starts the stack, keeps it running, and ends it: one process that all others die with."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .child import Child, born_at, is_alive, stop_orphans
from .home import FIRST_PORT, SERVICES, Home, write_private
from .postgres import make_database, make_roles, owner_url, postgres_child
from .servers import mail_child, noida_child
from .services import Addresses, environment, service_children, worker_name

START_SECONDS = 120.0
STOP_SECONDS = 15.0
TURN_SECONDS = 0.1


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


class StackFailedError(Exception):
    """The stack could not be started."""


@dataclass
class Supervisor:
    """One stack in one folder."""

    home: Home
    options: Options
    tell: Callable[[str], None]
    """Called with the console's address when every service is ready."""
    _children: list[Child] = field(default_factory=list)
    _state: dict[str, Any] = field(default_factory=dict)
    _stopping: bool = False

    def run(self) -> None:
        """From the first server to the last goodbye; returns after SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        with self.home.lock_file.open("w") as lock:
            if not _lock(lock):
                raise StackFailedError(f"a stack runs in {self.home.folder} already; see `placet status`")
            try:
                self._start()
                while not self._stopping:
                    self._turn()
            finally:
                self._stop()

    def _start(self) -> None:
        stop_orphans((self.home.read_state() or {}).get("processes", []))
        ports = self.home.choose_ports(self._names(), self.options.port)
        self._state = {"supervisor": {"pid": os.getpid(), "born": born_at(os.getpid())}, "ready": False}
        servers = [mail_child(self.home, ports["smtp"])]
        if self.options.database is None:
            servers.append(postgres_child(self.home, ports["postgres"]))
        servers.append(noida_child(self.home, ports["kafka"], ports["elasticsearch"]))
        self._start_all(servers)
        if self.options.database is None:
            make_database(self.home, ports["postgres"])
        database = self.options.database or owner_url(self.home, ports["postgres"])
        kafka = self.options.kafka or f"127.0.0.1:{ports['kafka']}"
        databases = make_roles(database, self.home.settings["password"])
        addresses = Addresses(kafka, databases, ports, ports["smtp"], self.options.kafka is None)
        self._make_admin(addresses)
        self._state |= {
            "url": f"http://127.0.0.1:{ports['console']}", "kafka": kafka, "database": database,
            "elasticsearch": f"http://127.0.0.1:{ports['elasticsearch']}", "smtp": f"127.0.0.1:{ports['smtp']}",
        }  # fmt: skip
        self._start_all(service_children(self.home, addresses, self.options.workers))
        self._state["ready"] = not self._stopping
        self._write()
        if not self._stopping:
            self.tell(self._state["url"])

    def _names(self) -> list[str]:
        """Everything that needs a port."""
        workers = [worker_name(number) for number in range(self.options.workers)]
        others = [service for service in SERVICES if service not in ("console", "sync-worker")]
        return ["console", "postgres", "kafka", "elasticsearch", "smtp", *others, *workers]

    def _start_all(self, children: Sequence[Child]) -> None:
        """Starts them at once and waits until each answers."""
        for child in children:
            child.start()
            self._children.append(child)
        deadline = time.monotonic() + START_SECONDS
        while not all(child.state == "running" for child in children):
            if self._stopping:
                return
            if time.monotonic() > deadline:
                late = next(child for child in children if child.state != "running")
                raise StackFailedError(f"{late.name} is not ready after {START_SECONDS:.0f} s; see {late.log}")
            self._turn()

    def _turn(self) -> None:
        changed = [child.watch() for child in self._children]
        if any(changed):
            self._write()
        time.sleep(TURN_SECONDS)

    def _make_admin(self, addresses: Addresses) -> None:
        """The first start makes a user `admin` and keeps a token of theirs."""
        if self.home.token_file.exists():
            return
        command = [sys.executable, "-m", "placet_console", "bootstrap-admin"]
        made = subprocess.run(
            command,
            env=environment(self.home, addresses, "console", "console"),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise StackFailedError(f"the first admin could not be made: {made.stderr.strip()[-500:]}")
        write_private(self.home.token_file, made.stdout.split()[-1])

    def _write(self) -> None:
        services = [
            {"name": child.name, "pid": child.pid, "port": child.port, "state": child.state}
            for child in self._children
            if child.is_service
        ]
        running = [child.pid for child in self._children if child.pid is not None]
        processes = [{"pid": pid, "born": born_at(pid)} for pid in running]
        write_private(self.home.state_file, json.dumps(self._state | {"services": services, "processes": processes}))

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _stop(self) -> None:
        """Services first, then what they need."""
        for some in ([c for c in self._children if c.is_service], [c for c in self._children if not c.is_service]):
            for child in some:
                child.ask_to_stop()
            for child in some:
                child.wait_stopped(STOP_SECONDS)
        self._state["ready"] = False
        self._write()


def _lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def running_pid(home: Home) -> int | None:
    """The supervisor's process id, if it runs."""
    recorded = (home.read_state() or {}).get("supervisor")
    if recorded and is_alive(recorded["pid"], recorded["born"]):
        return int(recorded["pid"])
    return None


def start_detached(home: Home, options: Options) -> None:
    """Starts a supervisor in the background and returns when every service is ready. Raises StackFailedError."""
    home.logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "placet_cli.main", "up", "--home", str(home.folder), *options.arguments()]
    log = home.logs / "supervisor.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    while not _is_ready(home, process.pid):
        if process.poll() is not None:
            raise StackFailedError(f"the stack did not start: {_last_line(log)}")
        time.sleep(TURN_SECONDS)


def _is_ready(home: Home, pid: int) -> bool:
    state = home.read_state() or {}
    return bool(state.get("ready")) and state.get("supervisor", {}).get("pid") == pid


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"see {log}"


def stop(home: Home) -> bool:
    """Ends a stack, or what a killed supervisor left; False where nothing ran."""
    pid = running_pid(home)
    state = home.read_state() or {}
    if pid is None:
        left = [one for one in state.get("processes", []) if is_alive(one["pid"], one["born"])]
        stop_orphans(left)
        return bool(left)
    os.kill(pid, signal.SIGTERM)
    while running_pid(home) is not None:
        time.sleep(TURN_SECONDS)
    return True
