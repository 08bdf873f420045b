"""The broker: real Apache Kafka and the embedded one, the same tests for both."""

from collections.abc import AsyncIterator

import pytest

from tests.support.delivery import Peer, Watcher, watching
from tests.support.kafka import Kafka
from tests.support.noida import Noida


@pytest.fixture(params=["kafka", "noida"])
def broker(request: pytest.FixtureRequest) -> Kafka | Noida:
    found: Kafka | Noida = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def seen(database_url: str) -> AsyncIterator[Watcher]:
    """A peer's schema, seen from outside; the peer itself is `seen.peer`."""
    async with watching(Peer(database_url)) as watcher:
        yield watcher
