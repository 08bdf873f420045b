"""The relay, to a fake and to Apache Kafka: all that was published arrives, each key's events in their order."""

import asyncio
from random import Random

import pytest
from sqlalchemy import text

from placet_shared.outbox import BATCH, Relay
from tests.support.delivery import until
from tests.support.logs import Log
from tests.support.relays import Outbox, by_key, event, relaying, repeated

pytestmark = pytest.mark.usefixtures("undisturbed")


def numbered(key: str, count: int) -> list[str]:
    return [f"{key}{number:04}" for number in range(count)]


async def test_one_turn_sends_what_is_there_and_marks_it(outbox: Outbox, log: Log) -> None:
    await outbox.publish("a", "a1", "a2")
    await outbox.publish("b", "b1")
    relay = Relay(outbox.database, log.sender())
    assert await outbox.unsent() == ["a1", "a2", "b1"]
    assert await relay.flush() == 3
    assert await outbox.unsent() == []
    assert await relay.flush() == 0
    assert by_key(await log.taken()) == {"a": ["a1", "a2"], "b": ["b1"]}
    assert repeated(await log.taken()) == set()


async def test_more_than_one_batch_arrives_in_order(outbox: Outbox, log: Log) -> None:
    keys = ["a", "b", "c"]
    async with outbox.database.transaction() as work:
        for number in range(BATCH):
            for key in keys:
                await work.publish(event(key), f"{key}{number:04}")
    async with relaying((outbox.database, log.sender())):
        await until(outbox.all_sent)
    taken = await log.taken()
    assert by_key(taken) == {key: numbered(key, BATCH) for key in keys}
    assert repeated(taken) == set()


async def test_a_row_that_commits_late_is_sent_all_the_same(outbox: Outbox, log: Log) -> None:
    """It has its number before the others, and is seen after they were sent."""
    relay = Relay(outbox.database, log.sender())
    late = outbox.replica()
    async with late.transaction() as work:
        await work.publish(event("a"), "late")
        await outbox.publish("b", "b1", "b2")
        assert await relay.flush() == 2
        assert await outbox.unsent() == []
    assert await outbox.unsent() == ["late"]
    assert await relay.flush() == 1
    assert by_key(await log.taken()) == {"a": ["late"], "b": ["b1", "b2"]}


async def test_transactions_that_commit_in_any_order_lose_nothing(outbox: Outbox, log: Log) -> None:
    """Each of eight writers begins, waits, and commits or rolls back, while the relay sends."""
    kept: dict[str, list[str]] = {}

    async def write(key: str) -> None:
        chance, replica = Random(key), outbox.replica()
        for number in range(12):
            one = f"{key}{number:04}"
            try:
                async with replica.transaction() as work:
                    await work.publish(event(key), one)
                    await work.connection.execute(text("SELECT pg_sleep(:s)"), {"s": chance.random() / 20})
                    if chance.random() < 0.25:
                        raise InterruptedError
            except InterruptedError:
                continue
            kept.setdefault(key, []).append(one)

    async with relaying((outbox.database, log.sender())):
        await asyncio.gather(*(write(key) for key in "abcdefgh"))
        await until(outbox.all_sent)
    taken = await log.taken()
    assert by_key(taken) == kept
    assert repeated(taken) == set()
    assert await outbox.total() == sum(map(len, kept.values()))


# ---- replicas --------------------------------------------------------------------------------------------------------


async def test_two_relays_send_each_row_once_and_in_order(outbox: Outbox, log: Log) -> None:
    replicas = [outbox.replica() for _ in range(2)]
    async with relaying(*((replica, log.sender()) for replica in replicas)):
        published = {key: numbered(key, 60) for key in "abcdef"}
        writers = [
            outbox.publish(key, *ids, replica=replicas[number % 2])
            for number, (key, ids) in enumerate(published.items())
        ]
        await asyncio.gather(*writers)
        await until(outbox.all_sent)
    taken = await log.taken()
    assert by_key(taken) == published
    assert repeated(taken) == set()


async def test_relays_that_turn_at_once_take_no_row_twice(outbox: Outbox, log: Log) -> None:
    relays = [Relay(outbox.replica(), log.sender()) for _ in range(3)]
    for turn in range(10):
        ids = [f"{turn}-{number}" for number in range(5)]
        await outbox.publish(str(turn), *ids)
        counts = await asyncio.gather(*(relay.flush() for relay in relays))
        assert sorted(counts) == [0, 0, 5]
    taken = await log.taken()
    assert (len(taken), repeated(taken)) == (50, set())
