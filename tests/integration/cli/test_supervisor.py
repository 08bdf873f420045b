"""`placet up` as people use it: it keeps everything running, alone in its folder, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from placet_cli.local.processes import is_alive
from tests.support.kafka import Kafka
from tests.support.ports import free_port
from tests.support.postgres import Postgres
from tests.support.stack import PLACET, Person, Stack, running_stack, until

SERVICES = ["approvals", "console", "notifier", "scheduler", "sync-worker"]


@pytest.fixture(scope="module", name="stack")
def one_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


def services(stack: Stack) -> Mapping[str, Mapping[str, Any]]:
    return {one["name"]: one for one in stack.admin.ask("status")["services"]}


def processes(home: Path) -> Sequence[Mapping[str, Any]]:
    """All that the supervisor has started, and itself."""
    state = json.loads((home / "stack.json").read_text())
    return [*state["processes"], state["supervisor"]]


def all_gone(known: Sequence[Mapping[str, Any]]) -> bool:
    return not any(map(is_alive, known))


@contextmanager
def foreground(home: Path, *options: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """`placet up` in the foreground, ready."""
    command = [str(PLACET), "up", "--home", str(home), "--port", "0", *options]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PLACET_")}
    with subprocess.Popen(command, env=inherited | environment, stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stderr is not None
            while "Placet runs at" not in (line := process.stderr.readline()):
                assert line, "the stack did not start"
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_every_service_runs_in_a_process_of_its_own(stack: Stack) -> None:
    found = services(stack)
    assert sorted(found) == SERVICES
    assert {one["state"] for one in found.values()} == {"running"}
    assert len({one["pid"] for one in found.values()}) == len({one["port"] for one in found.values()}) == len(SERVICES)
    for one in found.values():
        words = Path(f"/proc/{one['pid']}/cmdline").read_text().split("\0")
        assert f"placet_{one['name'].replace('-', '_')}" in words


def test_the_public_origin_shows_the_api_alone_and_each_port_of_a_service_its_probes(stack: Stack) -> None:
    def status(url: str) -> int:
        with httpx2.Client(trust_env=False) as client:
            return client.get(url).status_code

    public = str(stack.state["url"])
    for path in ("/metrics", "/health/live", "/health/ready", "/openapi.json", "/docs", "/redoc", "/", "/apis"):
        assert status(public + path) == 404, path
    for path in ("/api/v1/openapi.json", "/api/v1/users"):
        assert status(public + path) == 401, path
    for one in services(stack).values():
        assert f":{one['port']}" not in public
        for path in ("/metrics", "/health/live", "/health/ready"):
            assert status(f"http://127.0.0.1:{one['port']}{path}") == 200, one
        for path in ("/docs", "/redoc"):
            assert status(f"http://127.0.0.1:{one['port']}{path}") == 404, one


@pytest.mark.parametrize("name", ["console", "sync-worker"])
def test_a_service_that_dies_is_back_soon_on_its_port(name: str, stack: Stack) -> None:
    before = services(stack)[name]
    os.kill(before["pid"], signal.SIGKILL)
    until(lambda: services(stack)[name]["pid"] not in (None, before["pid"]), f"{name} is started again")
    until(lambda: services(stack)[name]["state"] == "running", f"{name} is ready")
    assert services(stack)[name]["port"] == before["port"]
    assert stack.admin.ask("run", "list")["items"] == []


def test_a_server_that_dies_is_back_soon_and_nothing_is_lost(stack: Stack) -> None:
    stack.join("dora", "viewer")
    (postgres,) = [one for one in processes(stack.home) if one["stop"] == signal.SIGINT]
    os.kill(postgres["pid"], signal.SIGQUIT)
    until(lambda: not is_alive(postgres), "the database has ended")
    assert "dora" in [one["name"] for one in stack.admin.ask("user", "list")["items"]]


def test_a_second_one_in_the_folder_says_that_one_runs(stack: Stack) -> None:
    for options in ([], ["--detach"]):
        done = stack.admin.run("up", "--home", stack.home, *options, "--output", "json")
        assert (done.code, done.document["url"]) == (0, stack.state["url"])
        assert f"a stack runs in {stack.home} already, at {stack.state['url']}" in done.err
    assert sorted(services(stack)) == SERVICES


def test_the_token_of_the_folder_is_an_admins_and_private(stack: Stack) -> None:
    assert (stack.home / "token").stat().st_mode & 0o777 == 0o600
    (admin,) = [one for one in stack.admin.ask("user", "list")["items"] if one["name"] == "admin"]
    assert admin["roles"] == ["admin"]


def test_no_service_reads_the_schema_of_another(stack: Stack) -> None:
    host = stack.state["database"].rpartition("@")[2]
    passwords = json.loads((stack.home / "settings.json").read_text())["passwords"]
    url = f"postgresql://placet_notifier:{passwords['notifier']}@{host}"
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM scheduler.outbox")


def test_ctrl_c_ends_everything_and_the_data_stay(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with foreground(home, "--output", "json") as process:
        known = processes(home)
        admin = Person(home)
        admin.ask("user", "add", "dora", "--email", "dora@example.org", "--role", "viewer")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert {one["state"] for one in json.loads(out)["services"]} == {"stopped"}
    assert all_gone(known)
    assert admin.run("status", "--home", home).code == 1
    with foreground(home):
        assert "dora" in [one["name"] for one in admin.ask("user", "list")["items"]]


def test_a_supervisor_that_is_killed_leaves_nothing_and_the_next_start_works(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    try:
        stack.up()
        known = processes(stack.home)
        os.kill(known[-1]["pid"], signal.SIGKILL)
        until(lambda: not is_alive(known[-1]), "it has ended")
        assert "no stack runs" in stack.admin.complaint("status", "--home", stack.home)
        stack.up()
        assert all_gone(known)
        assert {one["state"] for one in services(stack).values()} == {"running"}
        known = processes(stack.home)
        os.kill(known[-1]["pid"], signal.SIGKILL)
    finally:
        stack.down()
    assert all_gone(known)


def test_down_where_nothing_runs_says_so(tmp_path: Path) -> None:
    done = Person(tmp_path).run("down", "--home", tmp_path, "--output", "json")
    assert (done.code, done.document["services"], done.err) == (0, [], "no stack ran here\n")


def test_real_servers_are_used_instead_of_embedded_ones(tmp_path: Path, kafka: Kafka, postgres: Postgres) -> None:
    database, home = postgres.create_database(), tmp_path / "home"
    home.mkdir()
    (home / "token").write_text("placet_of_the_embedded_database")
    with foreground(home, "--kafka", kafka.bootstrap, "--database", database):
        admin = Person(home)
        found = admin.ask("status", "--home", home)
        assert (found["kafka"], found["database"]) == (kafka.bootstrap, database)
        assert {one["state"] for one in found["services"]} == {"running"}
        assert not (home / "postgres").exists()
        assert admin.ask("audit", "verify")["ok"] is True
        with psycopg.connect(database) as connection:
            schemas = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"
            names = ["scheduler", "sync", "approvals", "notifier", "console"]
            assert len(connection.execute(schemas, [names]).fetchall()) == len(names)


@pytest.mark.parametrize("detach", [[], ["--detach"]])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--kafka", "127.0.0.1:1"], "--kafka 127.0.0.1:1: nobody answers there"),
        (["--database", "postgresql://placet@127.0.0.1:1/placet"], "the database: "),
    ],
)
def test_a_real_server_that_is_not_there_is_named(
    options: list[str], words: str, detach: list[str], tmp_path: Path
) -> None:
    sentence = Person(tmp_path).complaint("up", "--home", tmp_path / "home", *options, *detach)
    assert words in sentence
    assert Person(tmp_path).run("status", "--home", tmp_path / "home").code == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in Person(tmp_path).complaint("up", "--home", tmp_path / "file" / "home")


def test_a_wanted_port_that_is_taken_gives_the_next(tmp_path: Path) -> None:
    wanted, stack = free_port(), Stack(tmp_path)
    with socket.create_server(("127.0.0.1", wanted)):
        done = stack.admin.run("up", "--home", stack.home, "--port", str(wanted), "--detach", "--output", "json")
        try:
            port = int(done.document["url"].rpartition(":")[2])
            assert wanted < port < wanted + 200
            assert stack.admin.ask("run", "list")["items"] == []
        finally:
            stack.down()
