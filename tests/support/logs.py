"""Where relays send to, fake or real, and what arrived there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from placet_shared.kafka_sender import KafkaSender
from placet_shared.kafka_topics import ensure_topics
from placet_shared.outbox import Sender
from placet_shared.topics import NOTIFICATION_SENT
from tests.support.delivery import messages_on
from tests.support.relays import FakeSender, Taken, taken_as


class Log(Protocol):
    """Where relays send to, and what arrived there of one service, by key in order."""

    def sender(self) -> Sender: ...

    async def taken(self) -> Sequence[Taken]: ...


class FakeLog:
    """One log behind any number of senders that behave."""

    def __init__(self) -> None:
        self._sender = FakeSender()

    def sender(self) -> FakeSender:
        return self._sender

    async def taken(self) -> Sequence[Taken]:
        return list(self._sender.taken)


class KafkaLog:
    """The topic of `NotificationSent` on a real broker, as far as one service wrote it."""

    def __init__(self, bootstrap: str, service: str) -> None:
        self._bootstrap = bootstrap
        self._source = f"/placet/{service}".encode()
        self._senders: list[KafkaSender] = []

    def sender(self) -> KafkaSender:
        self._senders.append(KafkaSender(self._bootstrap, "test"))
        return self._senders[-1]

    async def taken(self) -> Sequence[Taken]:
        found = await messages_on(self._bootstrap, NOTIFICATION_SENT)
        ours = [one for one in found if dict(one.headers).get("ce_source") == self._source]
        ours.sort(key=lambda one: (one.partition, one.offset))
        return [taken_as(one.topic, one.key, one.headers) for one in ours]

    async def close(self) -> None:
        for sender in self._senders:
            await sender.close()


@asynccontextmanager
async def fake_log() -> AsyncIterator[FakeLog]:
    yield FakeLog()


@asynccontextmanager
async def kafka_log(bootstrap: str, service: str) -> AsyncIterator[KafkaLog]:
    await ensure_topics(bootstrap)
    log = KafkaLog(bootstrap, service)
    try:
        yield log
    finally:
        await log.close()
