"""A real MariaDB server of a test's own, in one folder and on a port of its own; no server of the system."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tests.support.ports import free_port
from tests.support.processes import OwnServer, ServerProcess, running

SERVER, INSTALL = "/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db"
SETTINGS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
    "--character-set-server=utf8mb4",
)


class Mariadb(OwnServer):
    """One server; `root` needs no password."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        data = folder / "data"
        user = ["--user=root"] if os.geteuid() == 0 else []  # it refuses to be root unless it is told to
        self._run(
            INSTALL, "--no-defaults", f"--datadir={data}", *user, "--auth-root-authentication-method=normal",
            "--skip-test-db", "--skip-name-resolve",
        )  # fmt: skip
        command = [SERVER, "--no-defaults", f"--datadir={data}", f"--port={self.port}", f"--socket={folder}/socket"]
        self._process = ServerProcess(
            [*command, f"--pid-file={folder}/pid", *SETTINGS, *user], folder / "mariadb.log", self.answers
        )

    def url(self, database: str = "", user: str = "root", password: str | None = None, port: int = 0) -> str:
        host, at = "127.0.0.1", port or self.port
        return URL.create("mariadb+pymysql", user, password, host, at, database).render_as_string(hide_password=False)

    def answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except DBAPIError:
            return False
        return True

    def execute(self, *statements: str, database: str = "") -> None:
        """As root, each by itself."""
        engine = create_engine(self.url(database), poolclass=NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.commit()

    def create_database(self) -> str:
        """A fresh database; its name."""
        name = f"test_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout.decode()}{done.stderr.decode()}")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Mariadb]:
    """A running server for the whole session; tests that pause or kill it make their own."""
    with running("mariadb", Mariadb) as server:
        yield server
