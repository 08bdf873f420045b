"""One message is one transaction: claim the event, change the schema, publish what follows, all or nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import and_, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from .database import DeliveryTables
from .envelope import Envelope, RawHeaders, event_headers, pack_headers
from .errors import ForgedEventError, PermanentError
from .events import Event
from .topics import ANSWERS

REARM_AFTER = text("interval '2 seconds'")
"""A repeated question brings its answer again, but not more often than this."""

LARGEST_BODY = 900_000
"""Bytes of an event: brokers take messages of 1 MiB."""


class EventTooLargeError(PermanentError):
    """The event is too large for the broker."""


class Work:
    """An open transaction of one service. Handlers write through `connection` and publish; nobody commits."""

    def __init__(self, connection: AsyncConnection, tables: DeliveryTables, service: str, now: datetime) -> None:
        self.connection = connection
        self.now = now
        """The database's clock at the transaction's start."""
        self._tables = tables
        self._service = service
        self.published = False

    async def claim(self, envelope: Envelope) -> bool:
        """False if the event was handled before; its answers are then sent again. It counts as an answer each time: the
        question may have been asked after it came first. Raises ForgedEventError for an id that came with another
        subject: nobody has looked at the signature of a repeat."""
        inbox, event = self._tables.inbox, envelope.event
        row = upsert(inbox).values(event_id=envelope.event_id, type=envelope.type, subject=event.subject)
        claimed = await self.connection.execute(row.on_conflict_do_nothing().returning(inbox.c.event_id))
        is_new = claimed.first() is not None
        if not is_new:
            await self._remember(envelope)
            await self._rearm(event)
        await self._mark_answered(event)
        return is_new

    async def publish(self, event: Event, event_id: str | None = None) -> str:
        """Puts an event into the outbox and returns its id."""
        row = self._row(event, event_id or str(uuid4()))
        await self.send(**row)
        await self._mark_answered(event)
        return str(row["event_id"])

    async def publish_alike(self, events: Sequence[Event]) -> None:
        """Puts many events of one type, which answers no other, into the outbox by one statement."""
        assert len({event.topic for event in events}) <= 1
        if events:
            rows = [self._row(event, str(uuid4())) for event in events]
            packed = [{**row, "headers": pack_headers(row["headers"])} for row in rows]
            await self.connection.execute(insert(self._tables.outbox), packed)
            self.published = True

    def _row(self, event: Event, event_id: str) -> dict[str, Any]:
        """What `send` takes."""
        body = event.model_dump_json(by_alias=True).encode()
        if len(body) > LARGEST_BODY:
            raise EventTooLargeError(
                f"{type(event).__name__} about {event.subject} has {len(body):,} bytes of at most {LARGEST_BODY:,}"
            )
        return {
            "topic": event.topic, "key": event.key.encode(), "body": body, "subject": event.subject,
            "headers": event_headers(event_id, event, self._service, self.now), "event_id": event_id,
        }  # fmt: skip

    async def send(
        self, topic: str, key: bytes | None, headers: RawHeaders, body: bytes, *, subject: str, event_id: str
    ) -> None:
        """Puts a raw message into the outbox; for dead letters and replays."""
        await self.connection.execute(
            insert(self._tables.outbox).values(
                event_id=event_id, topic=topic, key=key, subject=subject, headers=pack_headers(headers), body=body
            )
        )
        self.published = True

    async def without_sync(self) -> None:
        """A crash of the database may lose this transaction, as a whole: for what may happen twice or be forgotten. Its
        commit waits for no disk, and keeps none busy that a directory waits for."""
        await self.connection.execute(text("SET LOCAL synchronous_commit = off"))

    async def _mark_answered(self, event: Event) -> None:
        outbox = self._tables.outbox
        questions = [question for question, answers in ANSWERS.items() if event.topic in answers]
        if questions:
            asked = and_(
                outbox.c.subject == event.subject, outbox.c.topic.in_(questions), outbox.c.answered_at.is_(None)
            )
            await self.connection.execute(update(outbox).where(asked).values(answered_at=func.now()))

    async def _remember(self, envelope: Envelope) -> None:
        """What is still sent must not be forgotten as old."""
        inbox, subject = self._tables.inbox, envelope.event.subject
        same = and_(inbox.c.event_id == envelope.event_id, inbox.c.type == envelope.type, inbox.c.subject == subject)
        if not (await self.connection.execute(update(inbox).where(same).values(received_at=func.now()))).rowcount:
            raise ForgedEventError(f"{envelope.type} about {subject}: its id came before, about something else")

    async def _rearm(self, event: Event) -> None:
        outbox = self._tables.outbox
        answers = ANSWERS.get(event.topic, frozenset())
        newest = (
            select(func.max(outbox.c.seq))
            .where(outbox.c.subject == event.subject, outbox.c.topic.in_(answers))
            .group_by(outbox.c.topic)
        )
        due = and_(outbox.c.seq.in_(newest), outbox.c.sent_at < func.now() - REARM_AFTER)
        rearmed = await self.connection.execute(update(outbox).where(due).values(sent_at=None))
        self.published = self.published or bool(rearmed.rowcount)


Handler = Callable[[Event, Work], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]


class Database:
    """Opens transactions in one service's schema and tells the relay when there is something to send."""

    def __init__(self, engine: AsyncEngine, tables: DeliveryTables, service: str) -> None:
        self.engine = engine
        self.tables = tables
        self.service = service
        self.outbox_filled = asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        """Commits when the block ends, rolls back when it raises."""
        async with self.engine.begin() as connection:
            now = (await connection.execute(select(func.now()))).scalar_one()
            work = Work(connection, self.tables, self.service, now)
            yield work
        if work.published:
            self.outbox_filled.set()
