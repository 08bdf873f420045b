"""The relay sends what stands in the outbox; the sweeper brings back what nobody has answered."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol

import structlog
from sqlalchemy import Row, func, select, text, update

from .database import DeliveryTables
from .envelope import RawHeaders, unpack_headers
from .errors import PermanentError
from .failpoints import Failpoint, no_failpoint, place_of
from .topics import ANSWERS, DEAD_LETTERS
from .work import Database

log = structlog.get_logger()

BATCH = 500
FLUSH_SECONDS = 10.0
IDLE_SECONDS = 0.5
PROBE_SECONDS = 1.0
SILENCE_SECONDS = 5.0
SWEEP_SECONDS = 2.0
NEVER = float("-inf")
AFTER_OUTAGE = text("interval '15 minutes'")
FIRST_RESEND_SECONDS, LONGEST_RESEND_SECONDS = 5, 300


class UnsendableError(PermanentError):
    """The broker will never take this message."""


class Sender(Protocol):
    """Where the relay sends to. Both methods raise when the broker cannot be reached; none waits without limit."""

    async def send(self, topic: str, key: bytes | None, headers: RawHeaders, body: bytes) -> None:
        """Raises UnsendableError for a message that the broker refuses for good."""
        ...

    async def probe(self) -> None:
        """Raises if the broker does not answer, or has lost its topics."""
        ...


class Relay:
    """Sends the outbox in order, one relay at a time in a schema.

    What the broker may have lost is sent again: the last 15 minutes before it was out of reach. Out of reach is also a
    broker that this process has not heard of for a while: it may have been wiped meanwhile. Readers know repeats.
    """

    def __init__(self, database: Database, sender: Sender, failpoint: Failpoint = no_failpoint) -> None:
        self._database = database
        self._sender = sender
        self._failpoint = failpoint
        self._heard = NEVER
        """When the broker answered last."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._listen()
                if await self.flush() < BATCH:
                    await self._wait()
            except Exception as error:  # the broker or the database is away: try again, for ever
                log.warning("relay_interrupted", error=repr(error))
                await asyncio.sleep(IDLE_SECONDS)

    async def flush(self) -> int:
        """Sends up to one batch and returns how many messages it sent. Raises what the sender raised, once those that
        did go out are marked."""
        outbox = self._database.tables.outbox
        async with self._database.engine.begin() as connection:
            await connection.execute(_OF_A_FLUSH)
            lock = select(func.pg_try_advisory_xact_lock(func.hashtext(f"placet relay {outbox.schema}")))
            if not (await connection.execute(lock)).scalar_one():
                return 0
            unsent = select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.seq).limit(BATCH)
            rows = (await connection.execute(unsent)).all()
            sent, failures = await self._send(rows)
            if sent:
                for row in rows:
                    self._failpoint(place_of("after_send", row.topic))
                gone = update(outbox).where(outbox.c.seq.in_(sent)).values(sent_at=func.clock_timestamp())
                await connection.execute(gone)
        if failures:
            self._heard = NEVER
            raise failures[0]
        if sent:
            self._heard = monotonic()
        return len(sent)

    async def _send(self, rows: Sequence[Row[Any]]) -> tuple[list[int], list[Exception]]:
        lanes: dict[tuple[str, bytes | None], list[Row[Any]]] = {}
        for row in rows:
            lanes.setdefault((row.topic, row.key), []).append(row)
        sent: list[int] = []
        deadline = monotonic() + FLUSH_SECONDS
        ends = await asyncio.gather(*(self._send_lane(lane, sent, deadline) for lane in lanes.values()))
        return sent, [end for end in ends if end is not None]

    async def _send_lane(self, rows: list[Row[Any]], sent: list[int], deadline: float) -> Exception | None:
        """One key's messages, one after the other; what ended the lane early, if anything did."""
        for row in rows:
            if monotonic() > deadline:
                return None
            try:
                await self._sender.send(row.topic, row.key, unpack_headers(row.headers), row.body)
            except UnsendableError as error:  # it must not hold up the others for ever
                log.error("event_unsendable", topic=row.topic, event_id=row.event_id, error=str(error))
            except Exception as error:
                return error
            sent.append(row.seq)
        return None

    async def _listen(self) -> None:
        """Makes sure that the broker is there, and sends again what it may have lost since it was heard of last."""
        silence = monotonic() - self._heard
        if silence <= PROBE_SECONDS:
            return
        self._heard = NEVER
        await self._sender.probe()
        if silence > SILENCE_SECONDS:
            await self._send_again()
        self._heard = monotonic()

    async def _send_again(self) -> None:
        outbox = self._database.tables.outbox
        newest = select(func.max(outbox.c.sent_at)).scalar_subquery()
        recent = (outbox.c.sent_at > newest - AFTER_OUTAGE) & (outbox.c.topic != DEAD_LETTERS)
        async with self._database.engine.begin() as connection:
            await connection.execute(update(outbox).where(recent).values(sent_at=None))

    async def _wait(self) -> None:
        filled = self._database.outbox_filled
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):  # `wait_for` of Python 3.11 may swallow that it was cancelled
                await filled.wait()
                filled.clear()


_OF_A_FLUSH = text(
    "SELECT set_config('idle_in_transaction_session_timeout', '30s', true),"
    " set_config('synchronous_commit', 'off', true)"
)
"""Who is suspended gives up. A mark that a crash of the database loses costs a repeat, which readers know: it is not
worth a sync of the disk."""


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


async def count_unsent(database: Database) -> int:
    """How many events wait to be sent."""
    outbox = database.tables.outbox
    waiting = select(func.count()).select_from(outbox).where(outbox.c.sent_at.is_(None))
    async with database.engine.connect() as connection:
        return (await connection.execute(waiting)).scalar_one()


def purge_statements(tables: DeliveryTables) -> list[Any]:
    """What forgets events that are long over: ids after 30 days, messages after 7 days when answered or not awaited."""
    inbox, outbox = tables.inbox, tables.outbox
    over = outbox.c.answered_at.is_not(None) | outbox.c.topic.not_in(list(ANSWERS))
    return [
        inbox.delete().where(inbox.c.received_at < func.now() - text("interval '30 days'")),
        outbox.delete().where(outbox.c.sent_at < func.now() - text("interval '7 days'"), over),
    ]
