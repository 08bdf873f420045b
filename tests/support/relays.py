"""A sender that keeps what it took and misbehaves when told to, an outbox, and relays between them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import func, select, text

from placet_shared.envelope import RawHeaders
from placet_shared.events import NotificationSent
from placet_shared.migrating import migrate
from placet_shared.outbox import Relay, Sender, UnsendableError
from placet_shared.work import Database
from tests.support.delivery import MIGRATIONS, Peer


@dataclass(frozen=True)
class Taken:
    """A message that was taken: its key, and the id of its event."""

    topic: str
    key: str
    id: str


class FakeSender:
    """Takes messages in order. `away`: neither sends nor answers. `fails`: what to raise for a message, before it is
    taken; `forgets_to_say` the same, after it was. `open` is a gate that each message passes."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.away = False
        self.fails: Callable[[Taken], Exception | None] = lambda _: None
        self.forgets_to_say: Callable[[Taken], Exception | None] = lambda _: None
        self.open = asyncio.Event()
        self.open.set()
        self.knocking = asyncio.Event()
        """Set when a message stands at the gate."""
        self.probes = 0
        self.refused = 0
        """How often it was asked whether it is there: when it was, and when it was away."""

    async def send(self, topic: str, key: bytes | None, headers: RawHeaders, _body: bytes) -> None:
        message = taken_as(topic, key, headers)
        self.knocking.set()
        await self.open.wait()
        self._check(self.fails(message))
        self.taken.append(message)
        self._check(self.forgets_to_say(message))

    async def probe(self) -> None:
        self.refused += self.away
        self._check(None)
        self.probes += 1

    def _check(self, error: Exception | None) -> None:
        if error or self.away:
            raise error or ConnectionError("the broker is away")


def away(_message: Taken) -> Exception:
    return ConnectionError("the broker is away")


def unsendable(*ids: str) -> Callable[[Taken], Exception | None]:
    """Refuses these for good."""
    return lambda message: UnsendableError("too large") if message.id in ids else None


def taken_as(topic: str, key: bytes | None, headers: RawHeaders) -> Taken:
    return Taken(topic, (key or b"").decode(), (dict(headers).get("ce_id") or b"").decode())


@asynccontextmanager
async def relaying(*pairs: tuple[Database, Sender]) -> AsyncIterator[None]:
    """Relays that run as those of so many replicas would."""
    tasks = [asyncio.create_task(Relay(database, sender).run()) for database, sender in pairs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Outbox:
    """A peer's outbox, and any number of replicas' connections to it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.table = peer.tables.outbox
        self._stack = AsyncExitStack()
        self.database = self.replica()

    def replica(self) -> Database:
        """Connections of a replica's own."""
        database = self.peer.database()
        self._stack.push_async_callback(database.engine.dispose)
        return database

    async def prepare(self) -> None:
        async with self.database.engine.begin() as connection:
            await connection.run_sync(migrate, MIGRATIONS, self.peer.metadata)

    async def close(self) -> None:
        await self._stack.aclose()

    async def publish(self, key: str, *ids: str, replica: Database | None = None) -> None:
        """One event for each id, each in its own transaction."""
        for one in ids:
            async with (replica or self.database).transaction() as work:
                await work.publish(event(key), one)

    async def unsent(self) -> list[str]:
        """The ids of what is to be sent."""
        query = select(self.table.c.event_id).where(self.table.c.sent_at.is_(None)).order_by(self.table.c.seq)
        async with self.database.engine.connect() as connection:
            return list((await connection.execute(query)).scalars())

    async def all_sent(self) -> bool:
        return not await self.unsent()

    async def total(self) -> int:
        async with self.database.engine.connect() as connection:
            return int((await connection.execute(select(func.count()).select_from(self.table))).scalar_one())

    async def sql(self, set_: str, **values: object) -> None:
        """`UPDATE outbox SET …`, in the words of SQL."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text(f'UPDATE "{self.peer.name}".outbox SET {set_}'), values)


def event(key: str) -> NotificationSent:
    """An event that nobody answers."""
    return NotificationSent(run_id=key, delivery_id="1", recipient="ada", channel="email", state="sent")


def by_key(taken: Sequence[Taken]) -> dict[str, list[str]]:
    """The ids of each key in the order in which they came first."""
    found: dict[str, dict[str, None]] = {}
    for one in taken:
        found.setdefault(one.key, {}).setdefault(one.id)
    return {key: list(ids) for key, ids in found.items()}


def repeated(taken: Sequence[Taken]) -> set[str]:
    """The ids of what came more than once."""
    return {one for one, times in Counter(message.id for message in taken).items() if times > 1}
