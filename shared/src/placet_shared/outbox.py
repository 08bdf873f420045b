"""The relay sends what stands in the outbox; the sweeper brings back what nobody has answered."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy import Row, func, select, text, update

from .database import DeliveryTables
from .envelope import RawHeaders, unpack_headers
from .metrics import OUTBOX
from .topics import ANSWERS
from .work import Database

log = structlog.get_logger()

BATCH = 500
IDLE_SECONDS = 0.5
PROBE_SECONDS = 1.0
SWEEP_SECONDS = 1.0
AFTER_OUTAGE = text("interval '15 minutes'")
FIRST_RESEND_SECONDS, LONGEST_RESEND_SECONDS = 5, 300


class Sender(Protocol):
    """Where the relay sends to. Both methods raise when the broker cannot be reached; none waits without limit."""

    async def send(self, topic: str, key: bytes | None, headers: RawHeaders, body: bytes) -> None: ...

    async def probe(self) -> None:
        """Raises if the broker does not answer."""
        ...


class Relay:
    """Sends the outbox in order, one relay at a time in a schema; after an outage it sends the last 15 minutes again."""

    def __init__(self, database: Database, sender: Sender) -> None:
        self._database = database
        self._sender = sender
        self._outage = True  # what was sent before this process started may be lost as well

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                sent = await self._round()
                if sent < BATCH:
                    await self._wait()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # the broker or the database is away: try again, for ever
                if not self._outage:
                    log.warning("relay_interrupted", error=str(error))
                self._outage = True
                await asyncio.sleep(IDLE_SECONDS)

    async def _round(self) -> int:
        if self._outage:
            await self._sender.probe()
            await self._send_again()
            self._outage = False
        return await self.flush()

    async def flush(self) -> int:
        """Sends up to one batch and returns how many messages it sent."""
        outbox = self._database.tables.outbox
        async with self._database.engine.begin() as connection:
            lock = select(func.pg_try_advisory_xact_lock(func.hashtext(f"placet relay {outbox.schema}")))
            if not (await connection.execute(lock)).scalar_one():
                return 0
            unsent = select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.seq).limit(BATCH)
            rows = (await connection.execute(unsent)).all()
            await self._send(rows)
            if rows:
                sent = outbox.c.seq.in_([row.seq for row in rows])
                await connection.execute(update(outbox).where(sent).values(sent_at=func.clock_timestamp()))
        OUTBOX.set(len(rows) if len(rows) == BATCH else 0)
        return len(rows)

    async def _send(self, rows: Sequence[Row[Any]]) -> None:
        lanes: dict[tuple[str, bytes | None], list[Row[Any]]] = {}
        for row in rows:
            lanes.setdefault((row.topic, row.key), []).append(row)
        await asyncio.gather(*(self._send_lane(lane) for lane in lanes.values()))

    async def _send_lane(self, rows: list[Row[Any]]) -> None:
        for row in rows:
            await self._sender.send(row.topic, row.key, unpack_headers(row.headers), row.body)

    async def _send_again(self) -> None:
        outbox = self._database.tables.outbox
        async with self._database.engine.begin() as connection:
            recent = outbox.c.sent_at > func.now() - AFTER_OUTAGE
            await connection.execute(update(outbox).where(recent).values(sent_at=None))

    async def _wait(self) -> None:
        filled = self._database.outbox_filled
        try:
            await asyncio.wait_for(filled.wait(), IDLE_SECONDS)
            filled.clear()
        except TimeoutError:
            await self._sender.probe()


async def sweep_unanswered(database: Database) -> int:
    """Makes every question without an answer due again, with exponential back-off. Returns how many."""
    outbox: Any = database.tables.outbox
    pause = func.least(func.power(2, outbox.c.resends) * FIRST_RESEND_SECONDS, LONGEST_RESEND_SECONDS)
    async with database.engine.begin() as connection:
        due = await connection.execute(
            update(outbox)
            .where(
                outbox.c.topic.in_(list(ANSWERS)),
                outbox.c.answered_at.is_(None),
                outbox.c.sent_at < func.now() - pause * text("interval '1 second'"),
            )
            .values(sent_at=None, resends=func.least(outbox.c.resends + 1, 20))
        )
    if due.rowcount:
        database.outbox_filled.set()
    return due.rowcount


def purge_statements(tables: DeliveryTables) -> list[Any]:
    """What forgets events that are long over: ids after 30 days, messages after 7 days when answered or not awaited."""
    inbox, outbox = tables.inbox, tables.outbox
    over = outbox.c.answered_at.is_not(None) | outbox.c.topic.not_in(list(ANSWERS))
    return [
        inbox.delete().where(inbox.c.received_at < func.now() - text("interval '30 days'")),
        outbox.delete().where(outbox.c.sent_at < func.now() - text("interval '7 days'"), over),
    ]
