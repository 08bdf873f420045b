"""A relay whose broker fails it: nothing is lost, each key's events keep their order, and nobody waits for another."""

import asyncio
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from placet_shared import outbox as relays
from placet_shared.outbox import Relay
from placet_shared.topics import NOTIFICATION_SENT
from tests.support.delivery import until
from tests.support.relays import FakeSender, Outbox, Taken, away, by_key, relaying, repeated, unsendable

CUT_THE_OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def away_for(*ids: str) -> Any:
    return lambda message: away(message) if message.id in ids else None


async def test_what_failed_and_all_behind_it_waits_and_other_keys_go_on(outbox: Outbox, sender: FakeSender) -> None:
    await outbox.publish("a", "a1", "a2", "a3")
    await outbox.publish("b", "b1", "b2")
    relay = Relay(outbox.database, sender)
    sender.fails = away_for("a2")
    with pytest.raises(ConnectionError, match="the broker is away"):
        await relay.flush()
    assert by_key(sender.taken) == {"a": ["a1"], "b": ["b1", "b2"]}
    assert await outbox.unsent() == ["a2", "a3"]
    sender.fails = away_for()
    assert await relay.flush() == 2
    assert by_key(sender.taken)["a"] == ["a1", "a2", "a3"]
    assert repeated(sender.taken) == set()


async def test_one_key_on_two_topics_is_two_lanes(outbox: Outbox, sender: FakeSender) -> None:
    """Order is kept on a topic; between topics there is none."""
    await outbox.publish("a", "a1", "a2")
    async with outbox.database.transaction() as work:
        await work.send("placet.dead-letters", b"a", [("ce_id", b"dead")], b"", subject="a", event_id="dead")
    sender.fails = lambda message: away(message) if message.topic == NOTIFICATION_SENT else None
    with pytest.raises(ConnectionError):
        await Relay(outbox.database, sender).flush()
    assert await outbox.unsent() == ["a1", "a2"]


async def test_what_may_have_been_taken_is_sent_again(outbox: Outbox, sender: FakeSender) -> None:
    """The answer was lost: a repeat, which readers know, and no gap."""
    await outbox.publish("a", "a1", "a2")
    relay = Relay(outbox.database, sender)
    sender.forgets_to_say = away_for("a1")
    with pytest.raises(ConnectionError):
        await relay.flush()
    assert await outbox.unsent() == ["a1", "a2"]
    sender.forgets_to_say = away_for()
    await relay.flush()
    assert sender.taken == [Taken(NOTIFICATION_SENT, "a", one) for one in ("a1", "a1", "a2")]


@pytest.mark.parametrize("seed", range(8))
async def test_a_broker_that_fails_at_random_loses_nothing_and_keeps_the_order(
    outbox: Outbox, sender: FakeSender, seed: int
) -> None:
    chance = Random(seed)
    published: dict[str, list[str]] = {key: [] for key in "abc"}
    relay = Relay(outbox.database, sender)
    sender.fails = lambda message: away(message) if chance.random() < 0.2 else None
    sender.forgets_to_say = lambda message: away(message) if chance.random() < 0.1 else None
    for number in range(30):
        key = chance.choice("abc")
        published[key].append(f"{key}{number}")
        await outbox.publish(key, published[key][-1])
        if chance.random() < 0.3:
            await _turn(relay)
            unsent = await outbox.unsent()
            assert all(_end_of(ids, unsent) for ids in published.values())
    while await outbox.unsent():
        await _turn(relay)
    assert by_key(sender.taken) == published


def _end_of(ids: list[str], unsent: list[str]) -> bool:
    """Whether those that are not sent yet are the last ones."""
    left = [one for one in ids if one in unsent]
    return left == ids[len(ids) - len(left) :]


async def _turn(relay: Relay) -> None:
    try:
        await relay.flush()
    except ConnectionError:
        return


async def test_what_can_never_be_sent_blocks_neither_its_key_nor_the_others(
    outbox: Outbox, sender: FakeSender, capsys: pytest.CaptureFixture[str]
) -> None:
    await outbox.publish("a", "a1", "huge", "a2")
    await outbox.publish("b", "b1")
    sender.fails = unsendable("huge")
    assert await Relay(outbox.database, sender).flush() == 4
    assert by_key(sender.taken) == {"a": ["a1", "a2"], "b": ["b1"]}
    assert await outbox.unsent() == []
    said = capsys.readouterr().out
    assert ("event_unsendable" in said, "huge" in said, "too large" in said) == (True, True, True)


async def test_a_slow_broker_is_left_after_a_while_and_gets_the_rest_later(
    outbox: Outbox, sender: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn has a limit, so that what was sent is marked before the transaction has grown old."""
    now = 0.0
    monkeypatch.setattr(relays, "monotonic", lambda: now)

    def four_seconds(_message: Taken) -> None:
        nonlocal now
        now += 4

    sender.fails = four_seconds
    await outbox.publish("a", *(f"a{number}" for number in range(5)))
    relay = Relay(outbox.database, sender)
    assert await relay.flush() == 3
    assert await outbox.unsent() == ["a3", "a4"]
    assert await relay.flush() == 2
    assert by_key(sender.taken) == {"a": [f"a{number}" for number in range(5)]}


# ---- replicas --------------------------------------------------------------------------------------------------------


async def test_while_one_sends_the_other_leaves_it_to_it(outbox: Outbox, sender: FakeSender) -> None:
    other = FakeSender()
    sender.open.clear()
    await outbox.publish("a", "a1", "a2")
    sending = asyncio.create_task(Relay(outbox.replica(), sender).flush())
    await sender.knocking.wait()
    await outbox.publish("a", "a3")
    assert await Relay(outbox.replica(), other).flush() == 0
    sender.open.set()
    assert await sending == 2
    assert await Relay(outbox.replica(), other).flush() == 1
    assert by_key([*sender.taken, *other.taken]) == {"a": ["a1", "a2", "a3"]}


async def test_what_a_relay_had_in_hand_when_it_died_is_sent_by_the_next(outbox: Outbox, sender: FakeSender) -> None:
    other = FakeSender()
    sender.open.clear()
    await outbox.publish("a", "a1", "a2")
    dying = asyncio.create_task(Relay(outbox.replica(), sender).flush())
    await sender.knocking.wait()
    dying.cancel()
    await asyncio.wait([dying])
    assert await Relay(outbox.replica(), other).flush() == 2
    assert by_key(other.taken) == {"a": ["a1", "a2"]}


async def test_a_relay_whose_connection_was_cut_sends_again_and_goes_on(outbox: Outbox, sender: FakeSender) -> None:
    sender.open.clear()
    await outbox.publish("a", "a1", "a2")
    async with relaying((outbox.replica(), sender)):
        await sender.knocking.wait()
        async with outbox.database.engine.begin() as connection:
            await connection.execute(CUT_THE_OTHERS)
        sender.open.set()
        await until(outbox.all_sent)
        await outbox.publish("a", "a3")
        await until(outbox.all_sent)
    assert by_key(sender.taken) == {"a": ["a1", "a2", "a3"]}
