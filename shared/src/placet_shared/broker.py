"""Kafka, and every rule of delivery that touches it.

A message is settled in the database (handled, kept for another try, or dead) and only then is its offset committed, explicitly
and under a time limit. FastStream's own parsers and acknowledgements lose messages or rewind groups; none of them is used.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from . import letters, topics
from .alarms import raise_alarm
from .envelope import Envelope, Message, RawHeaders, UnreadableMessageError, read_envelope
from .errors import ForgedEventError, PermanentError, ReplayedEventError
from .metrics import EVENTS, HANDLING
from .work import Database, Handlers

log = structlog.get_logger()

SEND_SECONDS = 10.0
COMMIT_SECONDS = 10.0
OUTAGE_PAUSE_SECONDS = 1.0
STUCK_AFTER_SECONDS = 300.0
PARTITIONS = 12


@dataclass
class Heartbeat:
    """Whether the consume loop moves: it waits for a message, or has worked on one for less than five minutes."""

    busy_since: float | None = None
    tasks: Sequence[asyncio.Task[Any]] = field(default_factory=tuple)

    def alive(self) -> bool:
        stuck = self.busy_since is not None and monotonic() - self.busy_since > STUCK_AFTER_SECONDS
        return not stuck and not any(task.done() for task in self.tasks)


class Settler:
    """Decides what becomes of each message, and writes it down."""

    def __init__(self, database: Database, handlers: Handlers) -> None:
        self._database = database
        self._handlers = handlers

    async def settle(self, message: Message) -> None:
        """Returns when the database knows what became of the message; waits only while the database is away."""
        while True:
            try:
                return await self._settle(message)
            except Exception as error:
                log.error("database_away", topic=message.topic, error=str(error))
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)

    async def _settle(self, message: Message) -> None:
        try:
            envelope = read_envelope(message)
        except UnreadableMessageError as error:
            await self._bury(message, "unreadable", error)
            return
        with (
            structlog.contextvars.bound_contextvars(
                event_id=envelope.event_id,
                event_type=envelope.type,
                **{name: value for name in ("run_id", "job") if (value := getattr(envelope.event, name, None))},
            ),
            HANDLING.labels(envelope.type).time(),
        ):
            try:
                settled = await self._handle(envelope, message)
                EVENTS.labels(envelope.type, settled).inc()
            except (ForgedEventError, ReplayedEventError) as error:
                kind = "forged" if isinstance(error, ForgedEventError) else "replayed"
                raise_alarm(kind, topic=message.topic, offset=message.offset, reason=str(error))
                await self._bury(message, envelope.type, error)
            except PermanentError as error:
                await self._bury(message, envelope.type, error)
            except Exception as error:  # transient or unforeseen: it comes again, and is dead after many tries
                log.exception("event_kept_for_retry", error=str(error))
                await letters.keep_for_retry(self._database, message, f"{type(error).__name__}: {error}")
                EVENTS.labels(envelope.type, "retry").inc()

    async def _handle(self, envelope: Envelope, message: Message) -> str:
        handler = self._handlers.get(type(envelope.event))
        if handler is None:
            raise UnreadableMessageError(f"{self._database.service} does not handle {envelope.type}")
        async with self._database.transaction() as work:
            await letters.forget(work, self._database, message)
            if not await work.claim(envelope):
                return "repeated"
            await handler(envelope.event, work)
            return "handled"

    async def _bury(self, message: Message, kind: str, error: PermanentError) -> None:
        log.warning("event_is_dead", topic=message.topic, offset=message.offset, reason=str(error))
        EVENTS.labels(kind, "dead").inc()
        await letters.bury(self._database, message, str(error))


class Consumer:
    """A service's one subscription: all topics that it handles, in the group `placet-<service>`."""

    def __init__(
        self, bootstrap: str, settler: Settler, handlers: Handlers, service: str, instance: str | None
    ) -> None:
        self.heartbeat = Heartbeat()
        self._settler = settler
        self._broker = KafkaBroker(bootstrap, client_id=f"placet-{service}", logger=None)
        self._subscriber = self._broker.subscriber(
            *sorted({event.topic for event in handlers}),
            group_id=f"placet-{service}",
            group_instance_id=instance,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            parser=_keep_raw,
            decoder=_keep_bytes,
            max_poll_interval_ms=600_000,
        )
        self._subscriber(self._consume)

    async def start(self) -> None:
        """Connects, trying again until the broker is there."""
        while True:
            try:
                await self._broker.start()
                self.heartbeat.tasks = self._subscriber.tasks
                return
            except (KafkaError, OSError) as error:
                log.warning("broker_away", error=str(error))
                await self._stop_quietly()
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)

    async def stop(self) -> None:
        await self._broker.stop()

    async def ping(self) -> bool:
        """Whether the broker answers: for readiness alone."""
        return bool(await self._broker.ping(timeout=2))

    async def _stop_quietly(self) -> None:
        try:
            await self._broker.stop()
        except (KafkaError, OSError) as error:
            log.info("broker_stop_failed", error=str(error))

    async def _consume(self, message: KafkaMessage) -> None:
        record: Any = message.raw_message
        self.heartbeat.busy_since = monotonic()
        try:
            await self._settler.settle(
                Message(record.topic, record.partition, record.offset, record.key, record.headers, record.value)
            )
            await self._commit(record)
        finally:
            self.heartbeat.busy_since = None

    async def _commit(self, record: Any) -> None:
        """A commit that fails costs a repeat, which the inbox knows."""
        consumer: Any = self._subscriber.consumer
        if consumer is None:
            return
        offsets = {TopicPartition(record.topic, record.partition): record.offset + 1}
        try:
            await asyncio.wait_for(consumer.commit(offsets), COMMIT_SECONDS)
        except (KafkaError, TimeoutError) as error:
            log.info("commit_failed", topic=record.topic, offset=record.offset, error=str(error))


async def _keep_raw(record: Any) -> KafkaMessage:
    return KafkaMessage(
        body=record.value or b"", headers={}, message_id=f"{record.offset}", raw_message=record, consumer=FAKE_CONSUMER
    )


async def _keep_bytes(message: KafkaMessage) -> bytes:
    return message.body


class KafkaSender:
    """Sends with acknowledgement of all replicas; a producer that failed is thrown away, and a new one is made."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def send(self, topic: str, key: bytes | None, headers: RawHeaders, body: bytes) -> None:
        """Raises when the broker did not acknowledge in time; the message may still be in its log."""
        producer = await self._connected()
        try:
            await asyncio.wait_for(producer.send_and_wait(topic, body, key=key, headers=list(headers)), SEND_SECONDS)
        except UnknownTopicOrPartitionError:
            await ensure_topics(self._bootstrap)
            raise
        except (KafkaError, TimeoutError):
            await self._drop(producer)
            raise

    async def probe(self) -> None:
        """Asks for fresh metadata; a broker that was wiped gets its topics again."""
        producer = await self._connected()
        try:
            known = await asyncio.wait_for(producer.client.fetch_all_metadata(), SEND_SECONDS)
        except (KafkaError, TimeoutError, OSError):
            await self._drop(producer)
            raise
        if not set(topics.ALL_TOPICS) <= set(known.topics()):
            await ensure_topics(self._bootstrap)
            raise UnknownTopicOrPartitionError("topics were missing and have been made")

    async def close(self) -> None:
        if self._producer is not None:
            await self._drop(self._producer)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap, client_id=self._client_id, acks="all", request_timeout_ms=8_000
                )
                try:
                    await asyncio.wait_for(producer.start(), SEND_SECONDS)
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _drop(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        try:
            await asyncio.wait_for(producer.stop(), SEND_SECONDS)
        except (KafkaError, TimeoutError, OSError) as error:
            log.info("producer_stop_failed", error=str(error))


async def ensure_topics(bootstrap: str, partitions: int = PARTITIONS, replicas: int = -1) -> None:
    """Makes the topics that are missing; `replicas` -1 is the broker's default. Raises KafkaError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        missing = [_new_topic(name, partitions, replicas) for name in topics.ALL_TOPICS if name not in existing]
        if missing:
            await admin.create_topics(missing)
    except TopicAlreadyExistsError:
        log.info("topics_made_by_another")
    finally:
        await admin.close()


def _new_topic(name: str, partitions: int, replicas: int) -> NewTopic:
    policy = {"cleanup.policy": "compact"} if name in topics.COMPACTED else {}
    return NewTopic(name, partitions, replicas, topic_configs=policy)
