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

import psycopg
from sqlalchemy import make_url

from tests.bench.people import ATTRIBUTES, COLUMNS, as_csv, people
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
    """A running stack with one job from a CSV to a directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._home = folder / "home"
        self._csv = folder / "people.csv"
        self._secrets = folder / "secrets"
        self._secrets.mkdir()
        self._environment = {
            **os.environ, "PLACET_HOME": str(self._home), "PLACET_SECRET_BENCH": PASSWORD,
            "PLACET_SECRETS": str(self._secrets),
        }  # fmt: skip

    def start(self) -> None:
        self._placet("up", "--home", str(self._home), "--detach")

    def stop(self) -> None:
        self._placet("down", "--home", str(self._home))

    @property
    def database(self) -> str:
        """The owner's URL; the floor keeps its people there too."""
        return str(self._json("status", "--home", str(self._home))["database"])

    def people(self, count: int, changed_every: int = 0) -> None:
        """What the source holds from now on, for Placet and for the floor."""
        self._csv.write_text(as_csv(people(count, changed_every)), newline="")
        with psycopg.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(b"DROP TABLE IF EXISTS people")
            cursor.execute(f"CREATE TABLE people ({', '.join(f'{name} text' for name in COLUMNS)})".encode())
            with cursor.copy("COPY people FROM STDIN") as copy:
                for row in people(count, changed_every):
                    copy.write_row(row)

    def stamped_people(self, count: int) -> None:
        """The same in a table, of which each row says when it was changed: a month ago."""
        names = ", ".join(f"{name} text" for name in COLUMNS)
        with psycopg.connect(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(b"DROP TABLE IF EXISTS stamped")
            cursor.execute(f"CREATE TABLE stamped ({names}, changed timestamptz)".encode())
            with cursor.copy(f"COPY stamped ({', '.join(COLUMNS)}) FROM STDIN".encode()) as copy:
                for row in people(count):
                    copy.write_row(row)
            cursor.execute(b"UPDATE stamped SET changed = now() - interval '30 days'")
            cursor.execute(b"CREATE INDEX ON stamped (changed)")
            cursor.execute(b"CREATE UNIQUE INDEX ON stamped (employee_id)")
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

    def point_at(self, job: str, directory: Slapd, since: str | None = None) -> None:
        """Saves a job that copies the people into a directory; above any limit nobody is asked. `since`: the column by
        which changed ones are read of the table."""
        source: dict[str, Any] = {"kind": "provider", "name": "people", "type": "csv", "path": str(self._csv)}
        if since is not None:
            url = make_url(self.database)
            (self._secrets / "database").write_text(str(url.password))
            source = {
                "kind": "provider", "name": "stamped", "type": "sql", "table": "stamped",
                "url": url._replace(password=None).render_as_string(), "password": {"file": "database"},
            }  # fmt: skip
        fields = [{"to": to, "from": column} for to, column in zip(ATTRIBUTES, COLUMNS, strict=True)]
        objects = [
            source,
            {"kind": "provider", "name": job, "type": "ldap", "url": directory.url, "bind_dn": BIND_DN,
             "password": {"env": "PLACET_SECRET_BENCH"}, "base_dn": BASE_DN},
            {"kind": "job", "name": job, "source": {"provider": source["name"]},
             "destination": {"provider": job, "container": PEOPLE, "rdn": "cn"},
             "key": [{"source": "employee_id", "destination": "employeeNumber"}],
             "fields": [*fields, {"to": "cn", "from": "employee_id"}], "workflow": "none",
             **({"mode": "changed", "time_stamp": since, "overlap": "1s"} if since else {})},
        ]  # fmt: skip
        file = self._folder / "objects.json"
        file.write_text(json.dumps(objects))
        self._placet("apply", "-f", str(file))

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
