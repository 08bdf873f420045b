"""The same directory twice: in memory and real."""

from collections.abc import Iterator

import pytest

from tests.support.directories import FakeWorld, World, slapd_world


@pytest.fixture(params=["fake", "slapd"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A server of the test's own."""
    if request.param == "fake":
        yield FakeWorld()
        return
    with slapd_world() as real:
        yield real
