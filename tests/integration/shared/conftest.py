"""A service of the tests' own, with nothing but its outbox, and what its relays send to."""

from collections.abc import AsyncIterator
from math import inf

import pytest

from tests.support.delivery import Peer
from tests.support.logs import Log, fake_log, kafka_log
from tests.support.relays import FakeSender, Outbox


@pytest.fixture
async def outbox(database_url: str) -> AsyncIterator[Outbox]:
    made = Outbox(Peer(database_url))
    await made.prepare()
    yield made
    await made.close()


@pytest.fixture
async def sender() -> FakeSender:
    """Made within the test's loop."""
    return FakeSender()


@pytest.fixture
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No relay suspects an outage, however slow the machine is, and none sends anything again."""
    monkeypatch.setattr("placet_shared.outbox.SILENCE_SECONDS", inf)


@pytest.fixture(params=["fake", "kafka"])
async def log(request: pytest.FixtureRequest, outbox: Outbox) -> AsyncIterator[Log]:
    """Where relays send to: the fake and Apache Kafka must be the same to them."""
    if request.param == "fake":
        async with fake_log() as fake:
            yield fake
    else:
        broker = request.getfixturevalue("kafka")
        async with kafka_log(broker.bootstrap, outbox.peer.name) as real:
            yield real
