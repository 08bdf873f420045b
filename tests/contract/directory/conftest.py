"""The same directory in memory and real, the latter by each driver."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from placet_sync_worker.providers.ldap.drivers import installed
from placet_sync_worker.testing.directory import FakeServer
from tests.support.directories import FakeWorld, World, hiding, slapd_world
from tests.support.slapd import USUAL

KINDS = ["fake", "slapd", "slapd-libldap"]
HIDDEN = ("mail", "manager", "title")


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A server of the test's own."""
    with _world(request.param) as made:
        yield made


@pytest.fixture(params=KINDS)
def secretive(request: pytest.FixtureRequest) -> Iterator[World]:
    """The same, and the account may not read `HIDDEN`."""
    with _world(request.param, HIDDEN) as made:
        yield made


@contextmanager
def _world(kind: str, hidden: tuple[str, ...] = ()) -> Iterator[World]:
    if kind == "fake":
        yield FakeWorld(FakeServer(hidden=frozenset(hidden)))
        return
    if kind == "slapd-libldap" and not installed():
        pytest.skip("python-ldap is not installed; `make test` installs it")
    with slapd_world(hiding(*hidden) if hidden else USUAL, "libldap" if kind == "slapd-libldap" else "python") as real:
        yield real
