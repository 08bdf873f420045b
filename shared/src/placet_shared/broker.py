"""Kafka, and every rule of delivery that touches it.

A message is settled in the database and only then is its offset committed, explicitly and under a time limit.
FastStream's own parsers and acknowledgements lose messages or rewind groups; none of them is used. Its loop and the
tasks of aiokafka can end for good after an error; a watch builds the consumer anew then.
"""

import asyncio
from collections.abc import Iterator
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    NoError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from . import topics
from .envelope import Message, RawHeaders
from .outbox import UnsendableError
from .settling import Settler
from .work import Handlers

log = structlog.get_logger()

SEND_SECONDS = 10.0
COMMIT_SECONDS = 10.0
CLOSE_SECONDS = 2.0
HANDLER_GRACE_SECONDS = 10.0
OUTAGE_PAUSE_SECONDS = 1.0
WATCH_SECONDS = 1.0
STUCK_AFTER_SECONDS = 300.0
SHORTEST_FETCH_SECONDS, LONGEST_FETCH_SECONDS = 0.05, 0.25
"""An empty fetch takes so long at least: the shorter while there was news lately, the longer on a quiet broker."""
METADATA_MILLISECONDS = 3_000
"""How long a consumer may miss that topics were made again after a wipe."""
PARTITIONS = 12
REPLICAS = 3
LARGEST_MESSAGE = 4 * 1024 * 1024
"""Room for a dead letter, which is a message of the broker's largest size and its reason."""


class Heartbeat:
    """Whether the consume loop moves: it waits for a message, or has worked on one for less than five minutes. Waiting
    for the database counts as moving."""

    def __init__(self) -> None:
        self._busy_since: float | None = None
        self.watch: asyncio.Task[None] | None = None

    def beat(self) -> None:
        self._busy_since = monotonic()

    def rest(self) -> None:
        self._busy_since = None

    def alive(self) -> bool:
        stuck = self._busy_since is not None and monotonic() - self._busy_since > STUCK_AFTER_SECONDS
        return not stuck and not (self.watch is not None and self.watch.done())


class Consumer:
    """A service's one subscription: all topics that it handles, in the group `placet-<service>`."""

    def __init__(
        self, bootstrap: str, settler: Settler, handlers: Handlers, service: str, instance: str | None
    ) -> None:
        self.heartbeat = Heartbeat()
        self._bootstrap = bootstrap.split(",")
        self._settler = settler
        self._topics = sorted({event.topic for event in handlers})
        self._service = service
        self._instance = instance
        self._build()

    async def start(self) -> None:
        """Connects, trying again until the broker is there, and watches over itself from then on."""
        await self._connect()
        self.heartbeat.watch = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Lets a handler finish, leaves the group, and takes no longer than its limits."""
        if self.heartbeat.watch is not None:
            self.heartbeat.watch.cancel()
            await asyncio.gather(self.heartbeat.watch, return_exceptions=True)
        await self._stop_quietly()

    async def ping(self) -> bool:
        """Whether the broker answers: for readiness alone."""
        consumer = self._subscriber.consumer
        try:
            return consumer is not None and bool(await asyncio.wait_for(consumer.topics(), 2))
        except (KafkaError, TimeoutError, OSError):
            return False

    def _build(self) -> None:
        self._broker = KafkaBroker(
            self._bootstrap,
            client_id=f"placet-{self._service}",
            logger=None,
            consumer_only=True,
            graceful_timeout=HANDLER_GRACE_SECONDS,
            metadata_max_age_ms=METADATA_MILLISECONDS,
        )
        self._subscriber = self._broker.subscriber(
            *self._topics,
            group_id=f"placet-{self._service}",
            group_instance_id=self._instance,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            parser=_keep_raw,
            decoder=_keep_bytes,
            max_poll_interval_ms=600_000,
            max_partition_fetch_bytes=LARGEST_MESSAGE,
        )
        self._subscriber(self._consume)

    async def _connect(self) -> None:
        while True:
            try:
                await self._broker.start()
                _pace_fetches(self._subscriber.consumer)
                return
            except (KafkaError, OSError) as error:
                log.warning("broker_away", error=repr(error))
                await self._stop_quietly()
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
                self._build()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if any(task.done() for task in self._background_tasks()):
                log.warning("consumer_built_anew")
                await self._stop_quietly()
                self._build()
                await self._connect()

    def _background_tasks(self) -> Iterator[asyncio.Task[Any]]:
        """Tasks without which no message comes: none of them ends while the consumer works."""
        yield from self._subscriber.tasks
        consumer: Any = self._subscriber.consumer
        if consumer is not None:
            yield consumer._fetcher.error_future
            yield consumer._coordinator._coordination_task

    async def _stop_quietly(self) -> None:
        try:
            await asyncio.wait_for(self._broker.stop(), HANDLER_GRACE_SECONDS + CLOSE_SECONDS)
        except Exception as error:  # aiokafka's own tasks raise what they ended with, in groups
            log.info("broker_stop_failed", error=repr(error))

    async def _consume(self, message: KafkaMessage) -> None:
        record: Any = message.raw_message
        self.heartbeat.beat()
        try:
            settled = Message(record.topic, record.partition, record.offset, record.key, record.headers, record.value)
            await self._settler.settle(settled, self.heartbeat.beat)
            await self._commit(record)
        finally:
            self.heartbeat.rest()

    async def _commit(self, record: Any) -> None:
        """A commit that fails costs a repeat, which the inbox knows."""
        consumer: Any = self._subscriber.consumer
        partition, after = TopicPartition(record.topic, record.partition), record.offset + 1
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                # Elsewhere after a rebalance: another's work, or a wiped broker that would take an offset past its end.
                if await consumer.position(partition) == after:
                    await consumer.commit({partition: after})
        except (KafkaError, TimeoutError) as error:
            log.info("commit_failed", topic=record.topic, offset=record.offset, error=repr(error))


def _pace_fetches(consumer: Any) -> None:
    """A broker lets an empty fetch wait for news; the embedded one answers at once, and aiokafka would ask it again
    thousands of times a second."""
    send, news_at = consumer._client.send, monotonic()

    async def paced(node: int, request: Any, **options: Any) -> Any:
        nonlocal news_at
        started = monotonic()
        answer = await send(node, request, **options)
        if isinstance(request, FetchRequest):
            ended = monotonic()
            news_at = ended if _has_news(answer) else news_at
            await asyncio.sleep(fetch_pause(ended - started, ended - news_at))
        return answer

    consumer._client.send = paced


def fetch_pause(took: float, quiet: float) -> float:
    """Seconds to wait after a fetch that took so long, when the last news is so long ago; none at all after news, or
    after an empty fetch that the broker itself held back."""
    if not quiet or took >= SHORTEST_FETCH_SECONDS:
        return 0.0
    return min(max(quiet / 20, SHORTEST_FETCH_SECONDS), LONGEST_FETCH_SECONDS)


def _has_news(answer: Any) -> bool:
    return any(partition[-1] for _topic, partitions in answer.topics for partition in partitions)


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
        self._ends: dict[TopicPartition, int] = {}

    async def send(self, topic: str, key: bytes | None, headers: RawHeaders, body: bytes) -> None:
        """Raises when the broker did not acknowledge in time; the message may still be in its log."""
        producer = await self._connected()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                sent = await producer.send_and_wait(topic, body, key=key, headers=list(headers))
        except MessageSizeTooLargeError as error:
            raise UnsendableError(f"a message of {len(body)} bytes is too large for {topic}") from error
        except (KafkaError, TimeoutError):
            await self._drop(producer)
            raise
        if sent.offset < self._ends.get(sent.topic_partition, 0):
            self._ends.clear()
            raise KafkaError(f"{topic} begins anew: the broker lost its messages")
        self._ends[sent.topic_partition] = sent.offset

    async def probe(self) -> None:
        """Asks for fresh metadata; a broker that was wiped gets its topics again."""
        producer = await self._connected()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                known = await producer.client.fetch_all_metadata()
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
                self._producer = await self._connect()
            return self._producer

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            acks="all",
            request_timeout_ms=int(SEND_SECONDS * 800),
            max_request_size=LARGEST_MESSAGE,
        )
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await producer.start()
        except BaseException:
            await _close(producer)
            raise
        return producer

    async def _drop(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            await _close(producer)


async def _close(producer: AIOKafkaProducer) -> None:
    """Closes it, whatever it still holds: what it did not send stands in the outbox."""
    for step in (producer.stop, producer._sender.close, producer.client.close):
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await step()
        except Exception as error:
            log.info("producer_close_failed", error=repr(error))


async def ensure_topics(bootstrap: str, partitions: int = PARTITIONS, replicas: int | None = None) -> None:
    """Makes the topics that are missing, with three replicas where there are three brokers. Raises KafkaError or
    TimeoutError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(SEND_SECONDS * 1000))
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await admin.start()
            missing = set(topics.ALL_TOPICS) - set(await admin.list_topics())
            if missing:
                copies = replicas or min(REPLICAS, len((await admin.describe_cluster())["brokers"]))
                made = await admin.create_topics([_new_topic(name, partitions, copies) for name in sorted(missing)])
                _check_made(made)
    finally:
        await admin.close()


def _check_made(answer: Any) -> None:
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):  # two services may make them at once
            raise error(f"the topic {name} could not be made")


def _new_topic(name: str, partitions: int, replicas: int) -> NewTopic:
    settings = {"min.insync.replicas": "2"} if replicas >= REPLICAS else {}
    if name in topics.COMPACTED:
        settings["cleanup.policy"] = "compact"
    if name == topics.DEAD_LETTERS:
        settings["max.message.bytes"] = str(LARGEST_MESSAGE)
    return NewTopic(name, partitions, replicas, topic_configs=settings)
