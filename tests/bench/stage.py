"""What a benchmark runs on: a local stack, a real slapd, and the same people on both sides."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

from placet_sync_worker.providers.ldap.drivers import Driver
from tests.bench.people import ATTRIBUTES, COLUMNS, people, write_csv
from tests.support.slapd import BASE_DN, BIND_DN, PASSWORD, PEOPLE, Setup, Slapd

PLACET = Path(sys.executable).parent / "placet"
CLASSES = ("top", "person", "organizationalPerson", "inetOrgPerson")


@dataclass(frozen=True)
class Measured:
    """One run: seconds from its request to its end, and the worker's peak memory meanwhile."""

    seconds: float
    peak_mb: float
    plan: dict[str, Any]


class Stage:
    """A running stack with jobs from a table of PostgreSQL to a directory, and from a CSV to a table."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = folder / "home"
        self.csv = folder / "people.csv"
        self._environment = {**os.environ, "PLACET_HOME": str(self._home), "PLACET_SECRET_BENCH": PASSWORD}

    def start(self) -> None:
        self._placet("up", "--home", str(self._home), "--detach")

    def stop(self) -> None:
        self._placet("down", "--home", str(self._home))

    @property
    def database(self) -> str:
        """The owner's URL; the floor keeps its people there too."""
        return str(self._json("status", "--home", str(self._home))["database"])

    def people(self, count: int, changed_every: int = 0) -> None:
        """What the source's table holds from now on, for Placet and for the floor."""
        self._fill("people", count, changed_every)

    def stamped_people(self, count: int) -> None:
        """The same in a table, of which each row says when it was changed: a month ago."""
        self._fill("stamped", count)
        with psycopg.connect(self.database) as connection:
            connection.execute(b"ALTER TABLE stamped ADD changed timestamptz")
            connection.execute(b"UPDATE stamped SET changed = now() - interval '30 days'")
            connection.execute(b"CREATE INDEX ON stamped (changed)")
            connection.execute(b"CREATE UNIQUE INDEX ON stamped (employee_id)")
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(b"VACUUM ANALYZE stamped")

    def change(self, count: int) -> None:
        """The first so many get another title now; changes of before are older than any overlap."""
        with psycopg.connect(self.database) as connection:
            connection.execute(
                b"UPDATE stamped SET changed = changed - interval '1 hour' WHERE changed > now() - interval '1 day'"
            )
            connection.execute(
                b"UPDATE stamped SET title = title || '+', changed = now() WHERE employee_id < %s", (f"E{count:07}",)
            )

    def file_and_table(self, count: int) -> None:
        """The same people in a CSV and in a table with a key, and a job that copies the one to the other."""
        with self.csv.open("w", encoding="utf-8", newline="") as file:
            write_csv(file, people(count))
        self._fill("copied", count)
        with psycopg.connect(self.database) as connection:
            connection.execute("ALTER TABLE copied ADD PRIMARY KEY (employee_id)")
        fields = [{"to": column, "from": column} for column in COLUMNS]
        self._apply(
            {"kind": "provider", "name": "file", "type": "csv", "path": str(self.csv)},
            self._table("copied"),
            {"kind": "job", "name": "copied", "source": {"provider": "file"}, "destination": {"provider": "copied"},
             "key": [{"source": "employee_id", "destination": "employee_id"}], "fields": fields, "workflow": "none"},
        )  # fmt: skip

    def point_at(self, job: str, directory: Slapd, driver: Driver | None = None, since: str | None = None) -> None:
        """Saves a job that copies the people into a directory; above any limit nobody is asked. `since`: the column by
        which changed ones are read."""
        source = self._table("stamped" if since else "people")
        fields = [{"to": to, "from": column} for to, column in zip(ATTRIBUTES, COLUMNS, strict=True)]
        self._apply(
            source,
            {"kind": "provider", "name": job, "type": "ldap", "url": directory.url, "bind_dn": BIND_DN,
             "password": {"env": "PLACET_SECRET_BENCH"}, "base_dn": BASE_DN, "driver": driver},
            {"kind": "job", "name": job, "source": {"provider": source["name"]},
             "destination": {"provider": job, "container": PEOPLE, "rdn": "cn"},
             "key": [{"source": "employee_id", "destination": "employeeNumber"}],
             "fields": [*fields, {"to": "cn", "from": "employee_id"}], "workflow": "none",
             **({"mode": "changed", "time_stamp": since, "overlap": "1s"} if since else {})},
        )  # fmt: skip

    def _table(self, name: str) -> dict[str, Any]:
        """The provider of a table in the stack's own database, whose password stands in a file of secrets."""
        parts = urlsplit(self.database)
        secret = self._home / "secrets" / "bench-database"
        secret.write_text(unquote(parts.password or ""))
        without = parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}").geturl()
        return {"kind": "provider", "name": name, "type": "sql", "url": without, "table": name,
                "password": {"file": secret.name}}  # fmt: skip

    def _apply(self, *objects: dict[str, Any]) -> None:
        file = self._folder / "objects.json"
        file.write_text(json.dumps(objects))
        self._placet("apply", "-f", str(file))

    def _fill(self, table: str, count: int, changed_every: int = 0) -> None:
        with psycopg.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {table}".encode())
            cursor.execute(f"CREATE TABLE {table} ({', '.join(f'{name} text' for name in COLUMNS)})".encode())
            with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for row in people(count, changed_every):
                    copy.write_row(row)

    def run(self, job: str) -> Measured:
        """Runs the job to its end."""
        worker = self._worker()
        Path(f"/proc/{worker}/clear_refs").write_text("5")
        run = self._json("job", "run", job, "--wait")
        if run["outcome"] != "succeeded":
            raise RuntimeError(f"{job} ended as {run['outcome']}: {run['reason']}")
        began, ended = (datetime.fromisoformat(run[name]) for name in ("requested_at", "finished_at"))
        return Measured((ended - began).total_seconds(), _peak_mb(worker), run["plan"])

    def _worker(self) -> int:
        services = self._json("status", "--home", str(self._home))["services"]
        return int(next(service["pid"] for service in services if service["name"] == "sync-worker"))

    def _placet(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(PLACET), *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"placet {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _json(self, *arguments: str) -> Any:
        return json.loads(self._placet(*arguments, "--output", "json"))


@contextmanager
def stage() -> Iterator[Stage]:
    """A stack for the length of a block."""
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        made = Stage(Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def directory(*, synced: bool, filled_with: int = 0) -> Iterator[Slapd]:
    """A fresh directory: `synced` writes each change to disk, as Debian ships it."""
    with tempfile.TemporaryDirectory(prefix="placet-bench-slapd-") as folder:
        server = Slapd(Path(folder), Setup(sync=synced, audit=False))
        if filled_with:
            server.load("".join(map(_ldif, people(filled_with))))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _ldif(row: tuple[str, ...]) -> str:
    values = [("objectClass", name) for name in CLASSES] + [("cn", row[0]), *zip(ATTRIBUTES, row, strict=True)]
    lines = "".join(f"{name}:: {_base64(value)}\n" for name, value in values)
    return f"dn: cn={row[0]},{PEOPLE}\n{lines}\n"


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
