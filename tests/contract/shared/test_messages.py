"""What becomes of a message, on both brokers: handled once, tried again, or dead, and its partition always goes on."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from placet_shared import letters
from placet_shared.envelope import unpack_headers
from placet_shared.errors import ForgedEventError, PermanentError, TransientError
from placet_shared.events import BatchReady, Event, NotificationSent, RunTriggered
from placet_shared.kafka_topics import ensure_topics
from placet_shared.metrics import ALARMS
from placet_shared.topics import RUN_TRIGGERS
from placet_shared.work import Handlers, Work
from tests.support.delivery import (
    Raw,
    Watcher,
    batch,
    dead_letters_on,
    messages_on,
    produce,
    raw,
    running,
    trigger,
    until,
)
from tests.support.kafka import Kafka
from tests.support.noida import Noida

Broker = Kafka | Noida


def failing(
    seen: Watcher, about: Event, error: Exception, times: int = 10**6
) -> Callable[[Event, Work], Awaitable[None]]:
    """A handler that records, but first fails so often with this event, after having done its work."""
    left = {"failures": times}

    async def handler(event: Event, work: Work) -> None:
        await seen.peer.record(event, work)
        if event.subject == about.subject and left["failures"]:
            left["failures"] -= 1
            await work.publish(batch(event.subject, 0))
            raise error

    return handler


async def test_a_message_that_comes_three_times_is_handled_once(broker: Broker, seen: Watcher) -> None:
    event, last = trigger(), trigger()
    once = raw(event).to(0)
    async with running(seen.peer.service(broker.bootstrap, {RunTriggered: seen.peer.record})):
        await produce(broker.bootstrap, once, once, once, raw(last).to(0))
        await until(lambda: seen.subjects(last.job))
        assert await seen.subjects(event.job) == [event.job]


async def test_one_id_counts_once_within_its_type(broker: Broker, seen: Watcher) -> None:
    """An unsigned event does not burn the id of another type's event."""
    event_id, event = uuid4().hex, trigger()
    handlers: Handlers = {RunTriggered: seen.peer.record, BatchReady: seen.peer.record}
    async with running(seen.peer.service(broker.bootstrap, handlers)):
        await produce(broker.bootstrap, raw(batch("other", 0), event_id))
        await until(lambda: seen.subjects("other"))
        await produce(broker.bootstrap, raw(event, event_id))
        await until(lambda: seen.subjects(event.job))


GOOD = raw(trigger("poison"))


def altered(name: str | None = None, value: bytes | None = None, *, body: bytes | None = b"") -> Raw:
    """A good message with one header replaced, or with another body."""
    headers = [(key, value if key == name else old) for key, old in GOOD.headers]
    return Raw(RUN_TRIGGERS, headers, GOOD.body if body == b"" else body)


POISON = {
    "null id": (altered("ce_id", None), "ce_id is missing or null"),
    "empty id": (altered("ce_id", b""), "ce_id must have"),
    "long id": (altered("ce_id", b"x" * 201), "ce_id must have"),
    "NUL in the id": (altered("ce_id", b"a\0b"), "ce_id must have"),
    "null type": (altered("ce_type", None), "ce_type is missing or null"),
    "type not UTF-8": (altered("ce_type", b"\xff\xfe"), "not UTF-8"),
    "unknown type": (altered("ce_type", b"placet.unheard-of.v1"), "placet.unheard-of.v1 is unknown"),
    "unknown version": (altered("ce_type", b"placet.run-triggers.v9"), "placet.run-triggers.v9 is unknown"),
    "wrong topic": (altered("ce_type", b"placet.batch-ready.v1"), "batch-ready"),
    "no headers": (Raw(RUN_TRIGGERS, [], GOOD.body), "ce_id is missing"),
    "no body": (altered(body=None), "is no JSON"),
    "not JSON": (altered(body=b"job: people"), "is no JSON"),
    "not UTF-8": (altered(body=b'{"job": "\xff"}'), "is no JSON"),
    "not an object": (altered(body=b"[1, 2]"), "should be a group of fields"),
    "missing field": (altered(body=b'{"reason": "none"}'), "job: is missing"),
    "wrong kind of field": (altered(body=b'{"job": ["people"]}'), "job: should be text"),
    "NUL in a field": (altered(body=b'{"job": "a\\u0000b"}'), "NUL"),
    "lone surrogate": (altered(body=b'{"job": "\\ud800"}'), "JSON"),
    "too deep": (altered(body=b"[" * 100_000), "JSON"),
    "number without end": (altered(body=b'{"job": ' + b"9" * 10_000 + b"}"), "number out of range"),
}


@pytest.mark.parametrize("name", POISON)
async def test_poison_is_dead_once_with_its_bytes_and_the_partition_goes_on(
    broker: Broker, seen: Watcher, name: str
) -> None:
    poison, reason = POISON[name]
    message, last = poison.once(), trigger()
    async with running(seen.peer.service(broker.bootstrap, {RunTriggered: seen.peer.record})):
        await produce(broker.bootstrap, message.to(3), raw(last).to(3))
        await until(lambda: seen.subjects(last.job))
        (letter,) = await seen.dead(message)
        assert reason in letter.reason
        assert unpack_headers(letter.headers) == message.headers
        (headers,) = await until(lambda: dead_letters_on(broker.bootstrap, message, seen.peer.name))
        assert reason in (headers["placet_reason"] or b"").decode()
        assert headers["placet_topic"] == RUN_TRIGGERS.encode()


async def test_strange_headers_that_mean_nothing_do_no_harm(broker: Broker, seen: Watcher) -> None:
    event = trigger()
    good = raw(event)
    strange = [*good.headers, ("traceparent", b"\xff\xfe"), ("a\0b", b"1"), ("", None), ("ce_time", None)]
    async with running(seen.peer.service(broker.bootstrap, {RunTriggered: seen.peer.record})):
        await produce(broker.bootstrap, Raw(good.topic, strange, good.body))
        await until(lambda: seen.subjects(event.job))


async def test_a_transient_failure_comes_again_and_holds_nobody_up(broker: Broker, seen: Watcher) -> None:
    event, after = trigger(), trigger()
    message = raw(event)
    handler = failing(seen, event, TransientError("not now"), times=2)
    async with running(seen.peer.service(broker.bootstrap, {RunTriggered: handler})):
        await produce(broker.bootstrap, message.to(1), raw(after).to(1))
        await until(lambda: seen.subjects(event.job))
        assert await seen.subjects(event.job, after.job) == [after.job, event.job]
        assert not await seen.kept(message)


async def test_what_a_failed_handler_did_and_published_is_never_seen(broker: Broker, seen: Watcher) -> None:
    event, last = trigger(), trigger()
    message = raw(event)
    handler = failing(seen, event, PermanentError("never"))
    async with running(seen.peer.service(broker.bootstrap, {RunTriggered: handler})):
        await produce(broker.bootstrap, message.to(1), raw(last).to(1))
        await until(lambda: seen.subjects(last.job))
        await until(lambda: dead_letters_on(broker.bootstrap, message, seen.peer.name))
        assert await seen.subjects(event.job) == []
        batches = await messages_on(broker.bootstrap, "placet.batch-ready")
        assert not [each for each in batches if event.job.encode() in (each.value or b"")]


async def test_a_permanent_failure_is_dead_once_however_often_it_is_sent(broker: Broker, seen: Watcher) -> None:
    event, last = trigger(), trigger()
    message = raw(event)
    async with running(
        seen.peer.service(broker.bootstrap, {RunTriggered: failing(seen, event, PermanentError("never"))})
    ):
        await produce(broker.bootstrap, message.to(1), message.to(2), message.to(1), raw(last).to(1))
        await until(lambda: seen.subjects(last.job))
        await until(lambda: dead_letters_on(broker.bootstrap, message, seen.peer.name))
        second = trigger()
        await produce(broker.bootstrap, message.to(2), raw(second).to(2))
        await until(lambda: seen.subjects(second.job))
        (letter,) = await seen.dead(message)
        assert letter.reason == "never"
        assert len(await dead_letters_on(broker.bootstrap, message, seen.peer.name)) == 1


async def test_what_nobody_foresaw_is_tried_again_and_dead_in_the_end(broker: Broker, seen: Watcher) -> None:
    event = trigger()
    message = raw(event)
    hostile = ValueError("a\0b \ud800 " + "x" * 10_000)
    async with running(seen.peer.service(broker.bootstrap, {RunTriggered: failing(seen, event, hostile)})):
        await produce(broker.bootstrap, message)
        (letter,) = await until(lambda: seen.kept(message))
        kept = seen.peer.tables.letters
        nearly = update(kept).where(kept.c.id == letter.id).values(attempts=letters.MOST_ATTEMPTS - 1, next_at=None)
        await seen.execute(nearly)
        await produce(broker.bootstrap, message)
        (letter,) = await until(lambda: seen.dead(message))
        assert "given up after 12 attempts: ValueError: a\ufffdb ?" in letter.reason
        assert len(await until(lambda: dead_letters_on(broker.bootstrap, message, seen.peer.name))) == 1


async def test_a_forged_event_does_not_burn_the_id_of_the_true_one(broker: Broker, seen: Watcher) -> None:
    event_id, true = uuid4().hex, trigger(reason="true")
    forged = true.model_copy(update={"reason": "forged"})

    async def verify(event: Event, work: Work) -> None:
        if getattr(event, "reason", "") == "forged":
            raise ForgedEventError
        await seen.peer.record(event, work)

    alarms = ALARMS.labels("forged")._value.get()
    async with running(seen.peer.service(broker.bootstrap, {RunTriggered: verify})):
        false, right = raw(forged, event_id), raw(true, event_id)
        await produce(broker.bootstrap, false.to(0), right.to(0), false.to(0))
        await until(lambda: seen.subjects(true.job))
        assert len(await until(lambda: seen.dead(false))) == 1
        assert [content["reason"] for content in await seen.contents(true.job)] == ["true"]
    assert ALARMS.labels("forged")._value.get() > alarms


async def test_a_dead_letter_that_is_replayed_is_handled(broker: Broker, seen: Watcher) -> None:
    event = trigger()
    message = raw(event)
    async with running(
        seen.peer.service(broker.bootstrap, {RunTriggered: failing(seen, event, PermanentError("bug"), 1)})
    ):
        await produce(broker.bootstrap, message)
        (letter,) = await until(lambda: seen.dead(message))
        async with seen.database.transaction() as work:
            await letters.replay(work, seen.database, letter.id)
        await until(lambda: seen.subjects(event.job))
        assert not await seen.kept(message)


async def test_the_order_of_a_key_is_kept(broker: Broker, seen: Watcher) -> None:
    """From the outbox of one service, through a partition, to the handlers of another."""
    run, other = uuid4().hex, uuid4().hex
    sent = [
        NotificationSent(run_id=each, delivery_id=f"{number}", recipient="ada", channel="email", state="sent")
        for number in range(150)
        for each in (run, other)
    ]
    async with running(seen.peer.service(broker.bootstrap, {NotificationSent: seen.peer.record})):
        async with seen.database.transaction() as work:
            for event in sent[:100]:
                await work.publish(event)
        for event in sent[100:]:
            await seen.publish(event)

        async def all_there() -> bool:
            return len(await seen.subjects(run, other)) >= len(sent)

        await until(all_there)
        for each in (run, other):
            assert [content["delivery_id"] for content in await seen.contents(each)] == [str(n) for n in range(150)]


async def test_a_new_group_reads_what_was_sent_before_it(broker: Broker, seen: Watcher) -> None:
    event = trigger()
    await ensure_topics(broker.bootstrap)
    await produce(broker.bootstrap, raw(event))
    async with running(seen.peer.service(broker.bootstrap, {RunTriggered: seen.peer.record})):
        await until(lambda: seen.subjects(event.job))


async def test_the_outbox_is_marked_and_nothing_is_sent_twice(broker: Broker, seen: Watcher) -> None:
    outbox = seen.peer.tables.outbox
    async with running(seen.peer.service(broker.bootstrap, {})):
        event = trigger()
        event_id = await seen.publish(event)

        async def sent() -> bool:
            return not await seen.rows(select(outbox).where(outbox.c.sent_at.is_(None)))

        await until(sent)
        found = [
            each
            for each in await messages_on(broker.bootstrap, RUN_TRIGGERS)
            if event.job.encode() in (each.value or b"")
        ]
        assert len(found) == 1
        headers = dict(found[0].headers)
        assert headers["ce_id"] == event_id.encode()
        assert headers["ce_type"] == b"placet.run-triggers.v1"
        assert headers["ce_source"] == f"/placet/{seen.peer.name}".encode()
        assert (headers["ce_specversion"], headers["content-type"]) == (b"1.0", b"application/json")
        assert found[0].key == event.job.encode()
