"""The same directory in memory and real, the latter by each driver."""

from collections.abc import Iterator

import pytest

from placet_sync_worker.providers.ldap.drivers import installed
from tests.support.directories import FakeWorld, World, slapd_world


@pytest.fixture(params=["fake", "slapd", "slapd-libldap"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A server of the test's own."""
    if request.param == "fake":
        yield FakeWorld()
        return
    if request.param == "slapd-libldap" and not installed():
        pytest.skip("python-ldap is not installed; `make test` installs it")
    with slapd_world(driver="libldap" if request.param == "slapd-libldap" else "python") as real:
        yield real
