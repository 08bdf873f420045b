"""A relay to an Apache Kafka that dies, stalls, comes late or forgets everything."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from placet_shared import kafka_sender
from placet_shared.topics import DEAD_LETTERS, NOTIFICATION_SENT
from tests.support.delivery import messages_on, until
from tests.support.kafka import Kafka
from tests.support.logs import KafkaLog, kafka_log
from tests.support.relays import Outbox, by_key, event, relaying

KEYS = "abcd"


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """One that no other file uses."""
    with tempfile.TemporaryDirectory(prefix="placet-kafka-", ignore_cleanup_errors=True) as folder:
        running = Kafka(Path(folder))
        running.start()
        yield running
        running.kill()


@pytest.fixture
async def log(kafka: Kafka, outbox: Outbox) -> AsyncIterator[KafkaLog]:
    await asyncio.to_thread(kafka.start)
    async with kafka_log(kafka.bootstrap, outbox.peer.name) as made:
        yield made


class Stream:
    """Events of several keys that are published until it is told to stop."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._stop = asyncio.Event()
        self.published: dict[str, list[str]] = {key: [] for key in KEYS}

    async def flow(self) -> None:
        number = 0
        while not self._stop.is_set():
            for key in KEYS:
                self.published[key].append(f"{key}{number:05}")
                await self._outbox.publish(key, self.published[key][-1])
            number += 1
            await asyncio.wait([asyncio.ensure_future(self._stop.wait())], timeout=0.01)

    def stop(self) -> None:
        self._stop.set()


async def some_sent(outbox: Outbox, more: int = 40) -> None:
    """So many more events have been sent than when it was asked."""
    before = await outbox.total() - len(await outbox.unsent())

    async def enough() -> bool:
        return await outbox.total() - len(await outbox.unsent()) >= before + more

    await until(enough)


async def some_wait(outbox: Outbox, more: int = 40) -> None:
    """So many events wait that the broker must be away."""

    async def enough() -> bool:
        return len(await outbox.unsent()) >= more

    await until(enough)


@pytest.mark.parametrize("trouble", ["kill", "stop", "wipe"])
async def test_a_broker_that_dies_while_events_flow_loses_none_and_keeps_the_order(
    outbox: Outbox, log: KafkaLog, kafka: Kafka, trouble: str
) -> None:
    stream = Stream(outbox)
    async with relaying((outbox.database, log.sender())):
        flowing = asyncio.create_task(stream.flow())
        await some_sent(outbox)
        await asyncio.to_thread({"kill": kafka.kill, "stop": kafka.stop, "wipe": kafka.lose}[trouble])
        await some_wait(outbox)
        await asyncio.to_thread(kafka.start)
        await some_sent(outbox)
        stream.stop()
        await flowing
        await until(outbox.all_sent)
    assert by_key(await log.taken()) == stream.published


async def test_a_broker_that_stalls_is_given_up_and_gets_everything_when_it_goes_on(
    outbox: Outbox, log: KafkaLog, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections stay open and nobody answers: the sender's limits end the wait."""
    monkeypatch.setattr(kafka_sender, "SEND_SECONDS", 1.0)
    stream = Stream(outbox)
    async with relaying((outbox.database, log.sender())):
        flowing = asyncio.create_task(stream.flow())
        await some_sent(outbox)
        kafka.pause()
        try:
            await some_wait(outbox, 200)
        finally:
            kafka.resume()
        await some_sent(outbox)
        stream.stop()
        await flowing
        await until(outbox.all_sent)
    assert by_key(await log.taken()) == stream.published


async def test_a_broker_that_comes_late_gets_all_that_waited(outbox: Outbox, log: KafkaLog, kafka: Kafka) -> None:
    await asyncio.to_thread(kafka.stop)
    published = {key: [f"{key}{number}" for number in range(20)] for key in KEYS}
    async with relaying((outbox.database, log.sender())):
        for key, ids in published.items():
            await outbox.publish(key, *ids)
        assert len(await outbox.unsent()) == 80
        await asyncio.to_thread(kafka.start)
        await until(outbox.all_sent)
    assert by_key(await log.taken()) == published


async def test_a_wiped_broker_gets_its_topics_and_the_last_minutes_again(
    outbox: Outbox, log: KafkaLog, kafka: Kafka
) -> None:
    async with relaying((outbox.database, log.sender())):
        await outbox.publish("a", "m16", "m14", "m0")
        async with outbox.database.transaction() as work:
            await work.send(DEAD_LETTERS, b"a", [("ce_id", b"dead")], b"", subject="a", event_id="dead")
        await until(outbox.all_sent)
        assert by_key(await log.taken()) == {"a": ["m16", "m14", "m0"]}
        await _aged(outbox, m16=16, m14=14)
        await asyncio.to_thread(kafka.wipe)

        async def come_again() -> bool:
            return len(by_key(await log.taken()).get("a", [])) >= 2

        await until(come_again)
        await outbox.publish("a", "after")
        await until(outbox.all_sent)
    assert by_key(await log.taken()) == {"a": ["m14", "m0", "after"]}
    assert await messages_on(kafka.bootstrap, DEAD_LETTERS) == []


async def _aged(outbox: Outbox, **minutes: int) -> None:
    for one, age in minutes.items():
        await outbox.sql("sent_at = sent_at - make_interval(mins => :age) WHERE event_id = :id", age=age, id=one)


async def test_two_replicas_bring_everything_through_an_outage(outbox: Outbox, log: KafkaLog, kafka: Kafka) -> None:
    stream = Stream(outbox)
    async with relaying(*((outbox.replica(), log.sender()) for _ in range(2))):
        flowing = asyncio.create_task(stream.flow())
        await some_sent(outbox)
        await asyncio.to_thread(kafka.kill)
        await some_wait(outbox)
        await asyncio.to_thread(kafka.start)
        await some_sent(outbox)
        stream.stop()
        await flowing
        await until(outbox.all_sent)
    assert by_key(await log.taken()) == stream.published


async def test_a_message_that_is_too_large_blocks_nobody(
    outbox: Outbox, log: KafkaLog, kafka: Kafka, capsys: pytest.CaptureFixture[str]
) -> None:
    """The broker takes 1 MiB; the dead letters' topic has room for more."""
    huge = b"x" * 2_000_000
    async with outbox.database.transaction() as work:
        for topic in (NOTIFICATION_SENT, DEAD_LETTERS):
            await work.publish(event("a"), f"before {topic}")
            await work.send(topic, b"a", [("ce_id", b"huge")], huge, subject="a", event_id=f"huge {topic}")
        await work.publish(event("a"), "after")
    async with relaying((outbox.database, log.sender())):
        await until(outbox.all_sent)
        await outbox.publish("a", "later")
        await until(outbox.all_sent)
    ids = by_key(await log.taken())["a"]
    assert ids == [f"before {NOTIFICATION_SENT}", f"before {DEAD_LETTERS}", "after", "later"]
    assert huge in [one.value for one in await messages_on(kafka.bootstrap, DEAD_LETTERS)]
    assert capsys.readouterr().out.count("event_unsendable") == 1
