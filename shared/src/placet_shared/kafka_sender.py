"""Sending to Kafka, for the relay."""

import asyncio

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from .envelope import RawHeaders
from .kafka_topics import LARGEST_MESSAGE, ensure_topics
from .outbox import UnsendableError
from .topics import ALL_TOPICS

log = structlog.get_logger()

SEND_SECONDS = 10.0
CLOSE_SECONDS = 2.0


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
        if not set(ALL_TOPICS) <= set(known.topics()):
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
