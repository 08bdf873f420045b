"""Services that record what they handle, on real servers: what the proofs of delivery are made of."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from fastapi import APIRouter
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import Column, Identity, Integer, Row, Table, Text, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

from placet_shared.clock import utc_now
from placet_shared.database import DeliveryTables, open_engine, service_metadata
from placet_shared.envelope import Message, RawHeaders, event_headers, read_envelope
from placet_shared.events import BatchReady, Event, RunTriggered
from placet_shared.service import Service, build_app
from placet_shared.settings import Settings
from placet_shared.settling import Settler
from placet_shared.topics import DEAD_LETTERS
from placet_shared.work import Database, Handler, Handlers, Work

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE_SECONDS = 60.0


class Peer:
    """A service of a test's own: a schema with the tables of delivery and `handled`, into which its handlers write."""

    def __init__(self, database_url: str, name: str | None = None) -> None:
        self.name = name or f"peer-{uuid4().hex[:8]}"
        self.url = database_url
        self.metadata = service_metadata(self.name)
        self.tables = DeliveryTables(self.metadata)
        self.handled = Table(
            "handled",
            self.metadata,
            Column("seq", Integer, Identity(always=True), primary_key=True),
            Column("type", Text, nullable=False),
            Column("subject", Text, nullable=False),
            Column("content", JSONB, nullable=False),
        )

    def database(self) -> Database:
        """Its tables through connections of a caller's own."""
        return Database(open_engine(self.url, self.name), self.tables, self.name)

    async def record(self, event: Event, work: Work) -> None:
        """A handler that writes down what it got, in the transaction of the message."""
        row = {"type": event.topic, "subject": event.subject, "content": event.model_dump(mode="json")}
        await work.connection.execute(insert(self.handled).values(row))

    def service(self, bootstrap: str, handlers: Mapping[type[Event], Handler], instance: str | None = None) -> Service:
        settings = Settings(
            database_url=self.url,
            kafka=bootstrap,
            key=Path("unused"),
            public_keys=Path("unused"),
            installation="test",
            http_port=0,
            group_instance_id=instance,
        )
        return Service(
            name=self.name,
            settings=settings,
            database=self.database(),
            metadata=self.metadata,
            migrations=MIGRATIONS,
            handlers=handlers,
            loops=(),
            router=APIRouter(),
        )


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    """The service as its process would run it, without the HTTP server; from when it is ready."""
    app = build_app(service)
    local = AsyncClient(transport=ASGITransport(app), base_url="http://peer")
    async with app.router.lifespan_context(app), local as client:

        async def ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await until(ready)
        yield service


@dataclass(frozen=True)
class Watcher:
    """Reads a peer's schema from outside."""

    peer: Peer
    database: Database

    async def subjects(self, *of: str) -> list[str]:
        """What was handled, in order: the subjects, of those asked for."""
        handled = self.peer.handled
        query = select(handled.c.subject).where(handled.c.subject.in_(of)).order_by(handled.c.seq)
        return [row.subject for row in await self.rows(query)]

    async def contents(self, subject: str) -> list[Any]:
        handled = self.peer.handled
        rows = await self.rows(select(handled.c.content).where(handled.c.subject == subject).order_by(handled.c.seq))
        return [row.content for row in rows]

    async def kept(self, message: "Raw") -> list[Row[Any]]:
        """Letters with this message's key and body, dead or to be tried again."""
        letters = self.peer.tables.letters
        rows = await self.rows(select(letters).where(letters.c.key == message.key))
        return [row for row in rows if row.body == message.body]

    async def dead(self, message: "Raw") -> list[Row[Any]]:
        """Of those, the dead ones."""
        return [row for row in await self.kept(message) if row.dead_at is not None]

    async def count(self, table: Table) -> int:
        return int((await self.rows(select(func.count()).select_from(table)))[0][0])

    async def rows(self, query: Any) -> list[Row[Any]]:
        async with self.database.engine.connect() as connection:
            return list((await connection.execute(query)).all())

    async def execute(self, statement: Any) -> None:
        async with self.database.engine.begin() as connection:
            await connection.execute(statement)

    async def publish(self, event: Event, event_id: str | None = None) -> str:
        async with self.database.transaction() as work:
            return await work.publish(event, event_id)


@asynccontextmanager
async def watching(peer: Peer) -> AsyncIterator[Watcher]:
    database = peer.database()
    try:
        yield Watcher(peer, database)
    finally:
        await database.engine.dispose()


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = PATIENCE_SECONDS) -> Any:
    """The condition's value once it is true; what it was last is in the error when it never is."""
    deadline = monotonic() + seconds
    last: Any = None
    while monotonic() < deadline:
        try:
            last = await condition()
        except (DBAPIError, KafkaError, OSError) as error:  # a server that is away just now
            last = error
        else:
            if last:
                return last
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {last!r} after {seconds:.0f} s")


@dataclass(frozen=True)
class Raw:
    """A message as anybody may send it."""

    topic: str
    headers: RawHeaders
    body: bytes | None
    key: bytes | None = b"k"
    partition: int | None = None

    def to(self, partition: int) -> "Raw":
        return replace(self, partition=partition)

    def once(self) -> "Raw":
        """The same with a key that no other message has, so that a test finds it again."""
        return replace(self, key=uuid4().hex.encode())


def raw(event: Event, event_id: str | None = None, source: str = "test") -> Raw:
    """The message that an event is sent as."""
    headers = event_headers(event_id or uuid4().hex, event, source, utc_now())
    return Raw(event.topic, headers, event.model_dump_json().encode(), event.key.encode())


async def handled(database: Database, handlers: Handlers, event: Event, event_id: str | None = None) -> bool:
    """An event that comes as a message; False if its id came before. Raises what would keep it for another try, or make
    it a dead letter."""
    one = raw(event, event_id)
    message = Message(one.topic, 0, 0, one.key, one.headers, one.body)
    return await Settler(database, handlers).handle(read_envelope(message), message)


async def produce(bootstrap: str, *messages: Raw) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for each in messages:
            where = {"key": each.key, "partition": each.partition, "headers": list(each.headers)}
            await producer.send_and_wait(each.topic, each.body, **where)
    finally:
        await producer.stop()


async def messages_on(bootstrap: str, topic: str) -> Sequence[Any]:
    """All messages on a topic now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        await consumer._client.force_metadata_update()
        parts = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        found: list[Any] = []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
        return found
    finally:
        await consumer.stop()


async def dead_letters_on(bootstrap: str, message: Raw, service: str) -> list[dict[str, bytes | None]]:
    """The headers of each message on placet.dead-letters with this message's key and body, from this service."""
    found = await messages_on(bootstrap, DEAD_LETTERS)
    ours = [each for each in found if (each.key, each.value) == (message.key, message.body or b"")]
    return [
        headers for headers in (dict(each.headers) for each in ours) if headers["placet_service"] == service.encode()
    ]


def trigger(subject: str | None = None, reason: str = "") -> RunTriggered:
    """An unsigned event with a subject of its own."""
    return RunTriggered(job=subject or f"job-{uuid4().hex[:12]}", reason=reason)


def batch(run_id: str, index: int) -> BatchReady:
    return BatchReady(run_id=run_id, batch_id=f"{run_id}-{index}", phase="create", index=index)
