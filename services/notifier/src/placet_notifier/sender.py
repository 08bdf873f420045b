"""Takes due deliveries one at a time, under a lease, and hands them to their channel."""

import asyncio
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Verifier
from placet_shared.clock import boot_seconds
from placet_shared.events import NotificationSent, RunFinished
from placet_shared.failpoints import Failpoint
from placet_shared.work import Database, Work

from . import store
from .deliveries import (
    DATA_LIMIT,
    MARGIN,
    SESSION_LIMIT,
    Later,
    Outcome,
    Step,
    Unknown,
    after,
    delivery_id,
    held,
    moot,
    recovered,
)
from .errors import AlteredError, LeaseLostError, NoRouteError
from .metrics import ATTEMPTS, LOST
from .ports import Channels, Mail, Parcel, Route
from .reading import Told, read_cause
from .resting import Resting
from .rules import rule_of
from .tables import users

log = structlog.get_logger()

RECORD_SECONDS = 60.0
"""How long the outcome of an attempt waits for the database to come back, before it is given up as uncertain."""
STOP_SECONDS = 8.0
Render = Callable[[Told], Mail]


@dataclass(frozen=True)
class Attempt:
    """A delivery that is ours until its lease is over."""

    row: Row[Any]
    epoch: int
    parcel: Parcel
    route: Route


class Sender:
    """Sends what is due. Any number of senders and processes may share the tables."""

    def __init__(
        self,
        database: Database,
        verifier: Verifier,
        channels: Channels,
        render: Render,
        resting: Resting,
        failpoint: Failpoint,
    ) -> None:
        self._database = database
        self._verifier = verifier
        self._channels = channels
        self._render = render
        self._resting = resting
        self._failpoint = failpoint

    async def step(self) -> bool:
        """One delivery; True if there was one. When the service stops, what is being handed over may finish."""
        turn = asyncio.create_task(self._turn())
        try:
            return await asyncio.shield(turn)
        except asyncio.CancelledError:
            await asyncio.wait([turn], timeout=STOP_SECONDS)
            raise

    async def _turn(self) -> bool:
        async with self._database.transaction() as work:
            row = await store.lock_due(work)
            if row is None:
                return False
            planned = await self._prepare(work, row)
            if isinstance(planned, Step):
                await store.move(work, row.id, planned, attempts=row.attempts + (planned.state == "queued"))
        if isinstance(planned, Attempt):
            self._failpoint("delivery_claimed")
            with structlog.contextvars.bound_contextvars(delivery_id=row.id, run_id=row.run_id, job=row.job):
                await self._record(planned, await self._attempt(planned))
        return True

    async def _prepare(self, work: Work, row: Row[Any]) -> Attempt | Step:
        """Claims a locked delivery, or says where it has to wait or end: also where it would block all others."""
        try:
            return await self._claim(work, row)
        except (DBAPIError, OSError):
            raise
        except AlteredError as error:
            raise_alarm("altered", delivery_id=row.id, reason=str(error))
            return Step("failed", f"not sent: {error}")
        except Exception as error:
            log.exception("mail_cannot_be_made", delivery_id=row.id, error=str(error))
            return Step("failed", f"the notifier cannot make this mail: {error!r}")

    async def _claim(self, work: Work, row: Row[Any]) -> Attempt | Step:
        event = read_cause(self._verifier, row)
        if end := moot(row.over, getattr(event, "expires_at", None), work.now):
            return end
        await store.lock_news(work, telling=False)
        if stranger := await self._stranger(work, row, event):
            return stranger
        try:
            settings = await store.settings_of(work, event.stores, self._verifier)
            route: Route = self._channels[row.channel].route(event.stores, settings)
        except NoRouteError as error:
            return held(str(error), work.now)
        if outcome := self._resting.why(route, boot_seconds()):
            return after(outcome, row.attempts + 1, row.queued_at, work.now, random.random())  # noqa: S311
        message_id = row.message_id or f"<{row.id}@{route.domain}>"
        parcel = Parcel(message_id, row.recipient, self._render(event), work.now)
        epoch = await store.claim(work, row, message_id, SESSION_LIMIT + MARGIN)
        return Attempt(row, epoch, parcel, route)

    async def _stranger(self, work: Work, row: Row[Any], event: Told) -> Step | None:
        """The end of a delivery whose recipient is asked no more: users may have changed meanwhile. Raises AlteredError
        for a delivery that its cause never made."""
        channel, cause = self._channels[row.channel], row.cause_id
        if row.id != delivery_id(cause, row.channel, row.recipient):
            raise AlteredError(f"{cause} has no such delivery")
        if isinstance(event, RunFinished):
            rule = rule_of(event)
            if rule is None or not _among(row.recipient, channel.told(rule)):
                raise AlteredError(f"{cause} does not name {row.recipient}")
            return None
        asked = channel.asked(event, await users.everybody(work, self._verifier))
        return (
            None if _among(row.recipient, asked) else Step("failed", f"not sent: {row.recipient} is not asked any more")
        )

    async def _attempt(self, attempt: Attempt) -> Outcome:
        """What became of it, as far as this process knows."""
        begun = False

        async def hand_over() -> None:
            nonlocal begun
            await self._begin_data(attempt)
            begun = True
            self._failpoint("data_begun")

        try:
            outcome = await self._channels[attempt.row.channel].deliver(attempt.parcel, attempt.route, hand_over)
        except LeaseLostError as error:
            outcome = Later(str(error), everywhere=False)
        except Exception as error:  # unforeseen: what may have gone out must not go out again
            log.exception("delivery_broke_off", error=str(error))
            outcome = Unknown(repr(error)) if begun else Later(repr(error), everywhere=False)
        self._failpoint("data_answered")
        self._resting.learn(attempt.route, outcome, boot_seconds())
        return outcome

    async def _begin_data(self, attempt: Attempt) -> None:
        """Notes, in a transaction of its own, that the mail goes out now. Raises LeaseLostError, also when so much time
        went by (the machine slept, perhaps) that the lease could end before the answer comes."""
        started = boot_seconds()
        async with self._database.transaction() as work:
            if not await store.begin_data(work, attempt.row.id, attempt.epoch, DATA_LIMIT + MARGIN):
                raise LeaseLostError
        if boot_seconds() - started > MARGIN.total_seconds():
            raise LeaseLostError

    async def _record(self, attempt: Attempt, outcome: Outcome) -> None:
        """Writes the outcome down, also when the database is away for a moment: it may be a mail that was taken."""
        deadline = monotonic() + RECORD_SECONDS
        while True:
            try:
                async with self._database.transaction() as work:
                    return await self._move(work, attempt, outcome)
            except (DBAPIError, OSError) as error:
                if monotonic() > deadline:
                    raise
                log.warning("outcome_waits_for_database", error=repr(error))
                await asyncio.sleep(1)

    async def _move(self, work: Work, attempt: Attempt, outcome: Outcome) -> None:
        row = attempt.row
        step = after(outcome, row.attempts + 1, row.queued_at, work.now, random.random())  # noqa: S311
        if not await store.move_mine(work, row.id, attempt.epoch, step):
            log.warning("delivery_lost", outcome=step.state)
            return
        if step.state == "sent":
            sent = {"delivery_id": row.id, "recipient": row.recipient, "channel": row.channel, "state": step.state}
            await work.publish(NotificationSent(run_id=row.run_id, **sent))
        ATTEMPTS.labels(row.channel, step.state).inc()
        log.info("delivery_attempted", state=step.state, reason=step.reason, attempts=row.attempts + 1)


def _among(recipient: str, named: Collection[str]) -> bool:
    return recipient.casefold() in {one.casefold() for one in named}


async def recover_lost(database: Database) -> None:
    """Takes over deliveries whose sender is gone: sent again only where nothing can have gone out."""
    async with database.transaction() as work:
        for row in await store.lock_lost(work):
            step = recovered(row.data_begun_at is not None, work.now)
            await store.move(work, row.id, step)
            LOST.labels(step.state).inc()
            log.warning("delivery_recovered", delivery_id=row.id, state=step.state)


async def release_held(database: Database) -> None:
    """Lets what waits for settings try again: a start may have brought those that were missing."""
    async with database.transaction() as work:
        await store.release_held(work)


async def erase_old(database: Database) -> None:
    """Forgets deliveries that are long over."""
    async with database.transaction() as work:
        if erased := await store.erase_old(work):
            log.info("deliveries_erased", **erased)
