"""The embedded PostgreSQL of a stack."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from placet_cli.local.child import Child
from placet_cli.local.home import Home
from placet_cli.local.postgres import (
    DATABASE,
    make_database,
    make_roles,
    owner_url,
    place_of,
    postgres_child,
    service_urls,
)
from placet_cli.local.preparing import prepare
from tests.support.ports import free_port
from tests.support.stack import until


@pytest.fixture(name="home")
def prepared_home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    with home.alone():
        prepare(home)
    return home


@pytest.fixture(name="server")
def running_server(home: Home) -> Iterator[Child]:
    unfinished = home.postgres / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")  # what a first start leaves that is killed
    child = postgres_child(home, free_port())
    child.start(0.0)
    until(lambda: child.watch(0.0) and child.state == "running", "the server answers")
    yield child
    child.ask_to_stop()
    child.wait_stopped(30)


def test_a_first_start_that_was_killed_is_begun_again(server: Child, home: Home) -> None:
    assert [one.name for one in home.postgres.iterdir()] == ["data"]
    make_database(home, server.port)
    make_database(home, server.port)
    with psycopg.connect(owner_url(home, server.port)) as connection:
        assert connection.info.dbname == DATABASE


def test_each_service_has_its_own_role_and_schema(server: Child, home: Home) -> None:
    make_database(home, server.port)
    owner, passwords = owner_url(home, server.port), home.settings["passwords"]
    make_roles(owner, passwords)
    make_roles(owner, passwords | {"notifier": "another"})
    urls = service_urls(home, owner)
    with psycopg.connect(urls["sync-worker"]) as connection:
        connection.execute("CREATE TABLE sync.mine (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE notifier.theirs (id int)")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(urls["notifier"])


def test_only_who_knows_the_password_gets_in(server: Child, home: Home) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://placet:wrong@127.0.0.1:{server.port}/postgres")


def test_a_place_names_nobody() -> None:
    assert (
        place_of("postgresql://owner:p@ss@db:5432/placet?sslmode=require")
        == "postgresql://db:5432/placet?sslmode=require"
    )
