"""The whole local stack as a newcomer starts it, and people who use it through the real `placet` command."""

import asyncio
import email
import email.policy
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from aiokafka import AIOKafkaProducer

from placet_shared.chain import Signer
from placet_shared.clock import utc_now
from placet_shared.envelope import event_headers
from placet_shared.events import Event
from placet_shared.keys import load_signing_key

PLACET = Path(sys.executable).parent / "placet"
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.05

FoundT = TypeVar("FoundT")


def until(found: Callable[[], FoundT], what: str, seconds: float = PATIENCE_SECONDS) -> FoundT:
    """What `found` gives as soon as it is true. When that takes too long, the test fails and says what was awaited."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(PAUSE_SECONDS)
    return value


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its one JSON document: nothing else may stand on standard output."""
        return json.loads(self.out)


class Person:
    """Somebody at the command line, with a token of their own."""

    def __init__(self, home: Path, token: str | None = None) -> None:
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("PLACET_")}
        self._environment |= {"PLACET_HOME": str(home)} | ({"PLACET_TOKEN": token} if token else {})

    def run(self, *arguments: str | Path, **environment: str) -> Done:
        """Runs a command as it stands."""
        command = [str(PLACET), *map(str, arguments)]
        done = subprocess.run(
            command, env=self._environment | environment, capture_output=True, text=True, timeout=120, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def ask(self, *arguments: str | Path, code: int = 0) -> Any:
        """The JSON that a command prints, which must end with this code."""
        done = self.run(*arguments, "--output", "json")
        assert done.code == code, f"placet {' '.join(map(str, arguments))} ended with {done.code}: {done.err}{done.out}"
        return done.document

    def complaint(self, *arguments: str | Path, code: int = 1) -> str:
        """The one sentence on standard error of a command that must fail."""
        done = self.run(*arguments, "--output", "json")
        assert done.code == code, f"placet {' '.join(map(str, arguments))} ended with {done.code}: {done.err}{done.out}"
        assert done.document is not None
        lines = done.err.strip().splitlines()
        assert len(lines) == 1, done.err
        return lines[0].removeprefix("placet: ")


class Stack:
    """One `placet up` in one folder. `secrets` is where `{file: NAME}` is found; `kafka` is a broker of its own."""

    def __init__(self, folder: Path, workers: int = 1, kafka: str | None = None, **environment: str) -> None:
        self.home = folder / "home"
        self.secrets = self.home / "secrets"
        self.workers = workers
        self._options = ["--kafka", kafka] if kafka else []
        self._environment = environment
        self._state: Mapping[str, Any] = {}
        self.admin = Person(self.home)

    def up(self) -> None:
        options = ["--port", "0", "--workers", str(self.workers), "--detach", *self._options]
        done = self.admin.run("up", "--home", self.home, *options, **self._environment)
        assert done.code == 0, done.err
        self._state = self.admin.ask("status", "--home", self.home)

    def down(self) -> None:
        self.admin.run("down", "--home", self.home)

    def join(self, name: str, *roles: str) -> Person:
        """A new user, `NAME@example.org`, and their token."""
        given = [part for role in roles for part in ("--role", role)]
        self.admin.ask("user", "add", name, "--email", f"{name}@example.org", *given)
        return Person(self.home, self.admin.ask("token", "create", name)["token"])

    # ---- what a stranger could reach ---------------------------------------------------------------------------------

    @property
    def state(self) -> Mapping[str, Any]:
        """The document of `placet status`, as it was at the start."""
        return self._state

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """All tables of all services, as the owner; each statement counts at once."""
        with psycopg.connect(self.state["database"], autocommit=True) as connection:
            yield connection

    def publish(self, event: Event, event_id: str, source: str = "stranger") -> None:
        """Sends an event as anybody could who reaches the broker; returns when the broker has it."""
        body, headers = event.model_dump_json(by_alias=True).encode(), event_headers(event_id, event, source, utc_now())
        self.publish_bytes(event.topic, event.key.encode(), list(headers), body)

    def publish_bytes(self, topic: str, key: bytes, headers: Sequence[tuple[str, bytes | None]], body: bytes) -> None:
        """Sends a message that need not be an event."""
        asyncio.run(_send(self.state["kafka"], topic, key, headers, body))

    def signer(self, service: str) -> Signer:
        """Signs as the service does: with its private key."""
        return Signer(load_signing_key(service, self.home / "keys" / f"{service}.pem"))

    @property
    def installation(self) -> str:
        return str(json.loads((self.home / "settings.json").read_text())["installation"])

    def metric(self, service: str, name: str, **labels: str) -> float:
        """The sum of a metric over all processes of a service; labels that are not given count alike."""
        ports = [one["port"] for one in self.state["services"] if one["name"] == service]
        lines = [line for port in ports for line in _metrics(port).splitlines() if line.startswith(name)]
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(one in line for one in wanted))

    def alarms(self, service: str, kind: str | None = None) -> float:
        """How many alarms a service has counted."""
        return self.metric(service, "placet_alarms_total", **({"kind": kind} if kind else {}))

    @property
    def mail_settings(self) -> dict[str, Any]:
        """Settings of a store whose mails are caught."""
        host, port = self.state["smtp"].split(":")
        return {"host": host, "port": int(port), "security": "none", "sender": "placet@example.org"}

    def log(self, service: str) -> str:
        return (self.home / "logs" / f"{service}.log").read_text()

    def pids(self, *services: str) -> list[int]:
        """Processes of these services that live now; all if none is named."""
        rows = self.admin.ask("status", "--home", self.home)["services"]
        return [one["pid"] for one in rows if one["pid"] and (not services or one["name"] in services)]

    # ---- mail --------------------------------------------------------------------------------------------------------

    def mails(self, job: str) -> list[EmailMessage]:
        """Mails about a job that were caught, the oldest first."""
        log = self.home / "mail" / "log.jsonl"
        caught = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        about = re.compile(rf"\[Placet\] {re.escape(job)}: ")
        return [_mail(self.home / "mail" / one["file"]) for one in caught if about.match(one["subject"])]


def text_of(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@contextmanager
def running_stack(folder: Path, workers: int = 1, kafka: str | None = None, **environment: str) -> Iterator[Stack]:
    """A stack that ends with the block; `environment` is what its services inherit."""
    stack = Stack(folder, workers, kafka, **environment)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


async def _send(kafka: str, topic: str, key: bytes, headers: Sequence[tuple[str, bytes | None]], body: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(topic, body, key=key, headers=headers)


def _metrics(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with suppress(OSError):
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    return ""


def _mail(file: Path) -> EmailMessage:
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail
