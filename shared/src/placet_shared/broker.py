"""Reading from Kafka, and every rule of delivery that touches it.

A message is settled in the database and only then is its offset committed, explicitly and under a time limit.
FastStream's own parsers and acknowledgements lose messages or rewind groups; none of them is used. Its loop and the
tasks of aiokafka can end for good after an error; a watch builds the consumer anew then.
"""

import asyncio
from collections.abc import Iterator
from time import monotonic
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from .envelope import Message
from .fetching import pace_fetches
from .kafka_topics import LARGEST_MESSAGE
from .settling import Settler
from .work import Handlers

log = structlog.get_logger()

COMMIT_SECONDS = 10.0
CLOSE_SECONDS = 2.0
HANDLER_GRACE_SECONDS = 10.0
OUTAGE_PAUSE_SECONDS = 1.0
WATCH_SECONDS = 1.0
STUCK_AFTER_SECONDS = 300.0
METADATA_MILLISECONDS = 3_000
"""How long a consumer may miss that topics were made again after a wipe."""


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
                pace_fetches(self._subscriber.consumer)
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


async def _keep_raw(record: Any) -> KafkaMessage:
    return KafkaMessage(
        body=record.value or b"", headers={}, message_id=f"{record.offset}", raw_message=record, consumer=FAKE_CONSUMER
    )


async def _keep_bytes(message: KafkaMessage) -> bytes:
    return message.body
