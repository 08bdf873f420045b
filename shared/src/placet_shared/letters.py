"""Messages that wait for another try, and those that never will succeed: kept with their bytes, to be replayed."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from .backoff import backoff
from .envelope import Message, RawHeaders, pack_headers, unpack_headers
from .errors import NotFoundError
from .metrics import LETTERS
from .topics import DEAD_LETTERS
from .work import Database, Work

MOST_ATTEMPTS = 12
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
LONGEST_REASON = 2_000


async def keep_for_retry(database: Database, message: Message, reason: str) -> None:
    """The message comes again after a pause; after too many attempts it is dead."""
    letters = database.tables.letters
    async with database.transaction() as work:
        row = await _store(work, database, message, reason)
        if row.dead_at is not None:
            return
        if row.attempts >= MOST_ATTEMPTS:
            await _bury(work, database, message, f"given up after {row.attempts} attempts: {reason}")
        else:
            pause = backoff(row.attempts, FIRST_PAUSE, LONGEST_PAUSE, random.random())  # noqa: S311
            await work.connection.execute(
                update(letters).where(letters.c.id == message.id).values(next_at=work.now + pause)
            )


async def bury(database: Database, message: Message, reason: str) -> None:
    """The message is dead: it is kept, and published once on `placet.dead-letters`."""
    async with database.transaction() as work:
        await _store(work, database, message, reason)
        await _bury(work, database, message, reason)


async def forget(work: Work, database: Database, message: Message, *, succeeded: bool) -> None:
    """The message succeeded after all, or another with its id: then it needs no more tries, but a dead one stays."""
    letters = database.tables.letters
    known = letters.c.id == message.id
    await work.connection.execute(delete(letters).where(known if succeeded else known & letters.c.dead_at.is_(None)))


async def due_letters(database: Database, limit: int = 50) -> Sequence[Message]:
    """Messages whose next try is due; each is pushed back, so that another replica does not take it as well."""
    letters = database.tables.letters
    async with database.transaction() as work:
        due = select(letters.c.id).where(letters.c.next_at <= func.now()).order_by(letters.c.next_at).limit(limit)
        taken = await work.connection.execute(
            update(letters)
            .where(letters.c.id.in_(due.with_for_update(skip_locked=True)))
            .values(next_at=work.now + LONGEST_PAUSE)
            .returning(letters)
        )
        return [letter_message(row) for row in taken]


async def replay(work: Work, database: Database, letter_id: str) -> None:
    """Sends a dead letter's own message again, as it was, and forgets the letter. Raises NotFoundError."""
    letters = database.tables.letters
    found = await work.connection.execute(
        delete(letters).where(letters.c.id == letter_id, letters.c.dead_at.is_not(None)).returning(letters)
    )
    row = found.first()
    if row is None:
        raise NotFoundError(f"no dead letter has the id {letter_id}; see `placet dead-letter list`")
    message = letter_message(row)
    replay_id = f"replay {letter_id} {work.now.isoformat()}"
    await work.send(
        message.topic, message.key, message.headers, message.body or b"", subject=letter_id, event_id=replay_id
    )


def storable(reason: str) -> str:
    """A reason as PostgreSQL can keep it, whatever the message put into it: no NUL, no lone surrogate, no novel."""
    return reason.encode(errors="replace").decode().replace("\0", "\ufffd")[:LONGEST_REASON]


def letter_message(row: Row[Any]) -> Message:
    """The message that a row keeps."""
    return Message(row.topic, row.partition, row.offset, row.key, unpack_headers(row.headers), row.body)


async def _store(work: Work, database: Database, message: Message, reason: str) -> Row[Any]:
    letters, reason = database.tables.letters, storable(reason)
    row = upsert(letters).values(
        id=message.id,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        headers=pack_headers(message.headers),
        body=message.body,
        reason=reason,
        attempts=1,
    )
    again = {"attempts": letters.c.attempts + 1, "reason": reason}
    stored = await work.connection.execute(
        row.on_conflict_do_update(index_elements=[letters.c.id], set_=again).returning(letters)
    )
    row_now: Row[Any] = stored.one()
    return row_now


async def _bury(work: Work, database: Database, message: Message, reason: str) -> None:
    letters, reason = database.tables.letters, storable(reason)
    alive = (letters.c.id == message.id) & letters.c.dead_at.is_(None)
    buried = await work.connection.execute(
        update(letters).where(alive).values(dead_at=work.now, next_at=None, reason=reason)
    )
    if buried.rowcount:
        LETTERS.labels(message.topic).inc()
        event_id = f"dead {database.service} {message.id} {work.now.isoformat()}"
        headers = _dead_headers(message, database.service, reason)
        await work.send(DEAD_LETTERS, message.key, headers, message.body or b"", subject=message.id, event_id=event_id)


def _dead_headers(message: Message, service: str, reason: str) -> RawHeaders:
    about = {"service": service, "topic": message.topic, "partition": message.partition, "offset": message.offset}
    ours = {**about, "reason": reason}
    return [*message.headers, *((f"placet_{name}", str(value).encode()) for name, value in ours.items())]
