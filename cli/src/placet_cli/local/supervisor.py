"""Starts the stack, keeps it running, and ends it: one process that all others die with."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from .child import Child
from .control import Options, StackFailedError
from .home import SERVICES, Home, write_private
from .ports import choose_ports
from .postgres import DatabaseFailedError, make_database, make_roles, owner_url, place_of, postgres_child, service_urls
from .processes import identify, stop_orphans
from .servers import mail_child, noida_child, reachable
from .services import Addresses, environment, service_children, worker_name

START_SECONDS = 120.0
STOP_SECONDS = 15.0
TURN_SECONDS = 0.1
EMBEDDED = "embedded"
MOST_DEATHS = 5
"""A program that dies so often before it was ever ready will not start by itself."""


@dataclass
class Supervisor:
    """One stack in one folder, which is prepared."""

    home: Home
    options: Options
    tell: Callable[[str], None]
    """Called with a line for whoever looks on."""
    _children: list[Child] = field(default_factory=list)
    _state: dict[str, Any] = field(default_factory=dict)
    _stopping: bool = False

    def run(self) -> None:
        """From the first server to the last goodbye; returns after a signal to end. Raises StackFailedError."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        stop_orphans((self.home.read_state() or {}).get("processes", []))
        self._state = {"supervisor": identify(os.getpid()), "ready": False}
        self._write()
        try:
            self._start()
            while not self._stopping:
                self._turn()
        except (psycopg.Error, DatabaseFailedError) as error:
            raise StackFailedError(f"the database: {' '.join(str(error).split())}") from error
        finally:
            self._stop()

    def _start(self) -> None:
        """Everything starts at once, since services wait for their servers; roles are made as soon as they can be."""
        ports = choose_ports(self.home, self._names(), self.options.port)
        addresses = self._addresses(ports)
        self._look_for_real_servers()
        self.tell(f"the local stack starts in {self.home.folder}; what it says is in {self.home.logs}")
        self._begin(mail_child(self.home, ports["smtp"]))
        self._begin(noida_child(self.home, ports["kafka"], ports["elasticsearch"]))
        for child in service_children(self.home, addresses, self.options.workers):
            self._begin(child)
        if self.options.database is None:
            self._begin_database(ports["postgres"])
        if not self._stopping:
            self._make_admin(addresses)
        self._until_running(self._children)
        if not self._stopping:
            self._state["ready"] = True
            self._write()
            self.tell(f"Placet runs at {self._state['url']}; Ctrl-C ends it")

    def _look_for_real_servers(self) -> None:
        """Before anything is started. Raises StackFailedError or psycopg.Error."""
        if self.options.kafka is not None and not reachable(self.options.kafka):
            raise StackFailedError(f"--kafka {self.options.kafka}: nobody answers there; write HOST:PORT of a broker")
        if self.options.database is not None:
            make_roles(self.options.database, self.home.settings["passwords"])

    def _begin_database(self, port: int) -> None:
        self._begin(server := postgres_child(self.home, port))
        self._until_running([server])
        if not self._stopping:
            make_database(self.home, port)
            make_roles(self._state["database"], self.home.settings["passwords"])

    def _addresses(self, ports: dict[str, int]) -> Addresses:
        """Where everything will be, which the state file says from now on."""
        database = self.options.database or owner_url(self.home, ports["postgres"])
        kafka = self.options.kafka or f"127.0.0.1:{ports['kafka']}"
        self._state |= {
            "url": f"http://127.0.0.1:{ports['public']}", "kafka": kafka, "database": database,
            "elasticsearch": f"http://127.0.0.1:{ports['elasticsearch']}", "smtp": f"127.0.0.1:{ports['smtp']}",
        }  # fmt: skip
        return Addresses(kafka, service_urls(self.home, database), ports, self.options.kafka is None)

    def _names(self) -> list[str]:
        """Everything that needs a port."""
        workers = [worker_name(number) for number in range(self.options.workers)]
        others = [service for service in SERVICES if service != "sync-worker"]
        return ["public", "postgres", "kafka", "elasticsearch", "smtp", *others, *workers]

    def _begin(self, child: Child) -> None:
        child.start(time.monotonic())
        self._children.append(child)
        self._write()

    def _until_running(self, children: Sequence[Child]) -> None:
        """Waits until each answers. Raises StackFailedError with the words of the one that does not."""
        deadline = time.monotonic() + START_SECONDS
        while not self._stopping and (late := [child for child in children if child.state != "running"]):
            hopeless = next((child for child in late if child.deaths >= MOST_DEATHS), None)
            if hopeless:
                raise StackFailedError(f"{hopeless.name} does not start: {hopeless.last_words()}")
            if time.monotonic() > deadline:
                raise StackFailedError(f"{late[0].name} is not ready after {START_SECONDS:.0f} s; see {late[0].log}")
            self._turn()

    def _turn(self) -> None:
        now = time.monotonic()
        changed = [child for child in self._children if child.watch(now)]
        for child in changed:
            if child.state == "restarting":
                self.tell(f"{child.name} has ended; it is started again, see {child.log}")
        if changed:
            self._write()
        time.sleep(TURN_SECONDS)

    def _make_admin(self, addresses: Addresses) -> None:
        """The first start with a database makes a user `admin` in it, and keeps a token of theirs."""
        settings = self.home.settings
        database = place_of(self.options.database) if self.options.database else EMBEDDED
        if self.home.token_file.exists() and settings.get("admin_in", EMBEDDED) == database:
            return
        made = subprocess.run(
            [sys.executable, "-m", "placet_console", "bootstrap-admin"],
            env=environment(self.home, addresses, "console", "console"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,  # Ctrl-C is for the supervisor alone
        )
        if made.returncode:
            raise StackFailedError(f"the first admin could not be made: {made.stderr.strip()[-500:]}")
        write_private(self.home.token_file, made.stdout.split()[-1])
        write_private(self.home.settings_file, json.dumps(settings | {"admin_in": database}))

    def _write(self) -> None:
        services = [
            {"name": child.name, "pid": child.pid, "port": child.port, "state": child.state}
            for child in self._children
            if child.is_service
        ]
        processes = [identify(child.pid, child.stop_signal) for child in self._children if child.pid is not None]
        write_private(self.home.state_file, json.dumps(self._state | {"services": services, "processes": processes}))

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _stop(self) -> None:
        """Services first, then what they need."""
        self._state["ready"] = False
        for some in ([c for c in self._children if c.is_service], [c for c in self._children if not c.is_service]):
            for child in some:
                child.ask_to_stop()
            for child in some:
                child.wait_stopped(STOP_SECONDS)
        self._write()
