"""A broker that was away may have lost what it had taken: the last 15 minutes before are sent again."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from placet_shared import outbox as relays
from placet_shared.topics import DEAD_LETTERS
from tests.support.delivery import until
from tests.support.relays import FakeSender, Outbox, by_key, event, relaying

AGES = {"m16": 16, "m14": 14, "m1": 1, "m0": 0}
"""Minutes before the newest."""

RECENT = ["m14", "m1", "m0"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle relay asks often whether the broker is there; only what a test does is an outage."""
    monkeypatch.setattr(relays, "PROBE_SECONDS", 0.02)
    monkeypatch.setattr(relays, "IDLE_SECONDS", 0.02)
    monkeypatch.setattr(relays, "SILENCE_SECONDS", 3600.0)


async def sent(outbox: Outbox, hours_ago: int = 2) -> None:
    """Messages of some ages, and a dead letter among the newest; no relay sees them unsent."""
    table = outbox.table
    async with outbox.database.transaction() as work:
        for one in AGES:
            await work.publish(event("a"), one)
        await work.send(DEAD_LETTERS, b"a", [("ce_id", b"dead")], b"", subject="a", event_id="dead")
        for one, minutes in (AGES | {"dead": 0}).items():
            at = work.now - timedelta(hours=hours_ago, minutes=minutes)
            await work.connection.execute(update(table).where(table.c.event_id == one).values(sent_at=at))


async def turned(sender: FakeSender, times: int = 3) -> None:
    """The relay has asked for the broker so many times more, and has done what follows."""
    enough = sender.probes + times

    async def asked() -> bool:
        return sender.probes >= enough

    await until(asked)


async def outage(sender: FakeSender) -> None:
    """The broker is away for as long as it takes to be noticed, and back."""
    refused = sender.refused
    sender.away = True

    async def noticed() -> bool:
        return sender.refused > refused

    await until(noticed)
    sender.away = False


@pytest.mark.parametrize("hours_ago", [0, 2, 48])
async def test_at_its_start_a_relay_sends_the_last_minutes_again_however_long_ago(
    outbox: Outbox, sender: FakeSender, hours_ago: int
) -> None:
    """Nobody knows what became of the broker while no relay was there."""
    await sent(outbox, hours_ago)
    await outbox.publish("a", "new")
    async with relaying((outbox.database, sender)):
        await until(outbox.all_sent)
        await turned(sender)
    assert by_key(sender.taken) == {"a": [*RECENT, "new"]}
    assert len(sender.taken) == len(RECENT) + 1


async def test_an_outage_that_an_idle_relay_noticed(outbox: Outbox, sender: FakeSender) -> None:
    async with relaying((outbox.database, sender)):
        await turned(sender)
        await sent(outbox)
        await turned(sender)
        assert sender.taken == []
        await outage(sender)
        await turned(sender)
        assert [message.id for message in sender.taken] == RECENT
        await turned(sender)
        assert len(sender.taken) == len(RECENT)


async def test_an_outage_that_a_message_noticed(
    outbox: Outbox, sender: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relaying((outbox.database, sender)):
        await turned(sender)
        await sent(outbox)
        monkeypatch.setattr(relays, "PROBE_SECONDS", 3600.0)
        sender.away = True
        await outbox.publish("a", "new")

        async def noticed() -> bool:
            return sender.refused > 0

        await until(noticed)
        assert await outbox.unsent() == ["new"]
        sender.away = False
        await until(outbox.all_sent)
    assert by_key(sender.taken)["a"] == [*RECENT, "new"]


async def test_each_outage_has_its_minutes_sent_again(outbox: Outbox, sender: FakeSender) -> None:
    await sent(outbox)
    async with relaying((outbox.database, sender)):
        for turn in range(1, 4):
            await turned(sender)
            assert [message.id for message in sender.taken] == RECENT * turn
            await outage(sender)


async def test_what_is_published_during_an_outage_comes_after_what_was_before_it(
    outbox: Outbox, sender: FakeSender
) -> None:
    async with relaying((outbox.database, sender)):
        await turned(sender)
        await sent(outbox)
        sender.away = True
        await outbox.publish("a", "d1", "d2")
        await outage(sender)
        await until(outbox.all_sent)
    assert by_key(sender.taken) == {"a": [*RECENT, "d1", "d2"]}


async def test_a_relay_that_slept_does_not_trust_the_broker_and_one_that_looked_away_does(
    outbox: Outbox, sender: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "PROBE_SECONDS", 1.0)
    monkeypatch.setattr(relays, "SILENCE_SECONDS", 5.0)
    now = 1000.0
    monkeypatch.setattr(relays, "monotonic", lambda: now)
    async with relaying((outbox.database, sender)):
        await turned(sender, 1)
        await sent(outbox)
        for _ in range(3):
            now += 4
            await turned(sender, 1)
        assert sender.taken == []
        now += 6
        await turned(sender, 1)
        await until(lambda: _taken(sender, len(RECENT)))
    assert [message.id for message in sender.taken] == RECENT


async def _taken(sender: FakeSender, count: int) -> bool:
    return len(sender.taken) >= count


async def test_two_relays_lose_nothing_over_outages(outbox: Outbox, sender: FakeSender) -> None:
    replicas = [outbox.replica() for _ in range(2)]
    published = {key: [f"{key}{number:02}" for number in range(30)] for key in "abcd"}
    async with relaying(*((replica, sender) for replica in replicas)):
        writing = asyncio.gather(*(outbox.publish(key, *ids) for key, ids in published.items()))
        while not writing.done():
            await outage(sender)
            await turned(sender, 1)
        await writing
        await until(outbox.all_sent)
    assert by_key(sender.taken) == published


async def test_news_do_not_wait_for_the_next_turn(
    outbox: Outbox, sender: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "IDLE_SECONDS", 3600.0)
    async with relaying((outbox.database, sender)):
        for number in range(5):
            await outbox.publish("a", f"a{number}")
            await until(outbox.all_sent)
    assert by_key(sender.taken) == {"a": [f"a{number}" for number in range(5)]}
