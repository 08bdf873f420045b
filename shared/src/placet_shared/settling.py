"""What becomes of each message: handled, kept for another try, or dead. It is written down before the offset is."""

import asyncio
from collections.abc import Callable

import structlog

from . import letters
from .alarms import raise_alarm
from .envelope import Envelope, Message, UnreadableMessageError, read_envelope
from .errors import ForgedEventError, PermanentError, ReplayedEventError
from .failpoints import Failpoint, no_failpoint, place_of
from .metrics import EVENTS, HANDLING
from .work import Database, Handlers

log = structlog.get_logger()

OUTAGE_PAUSE_SECONDS = 1.0


class Settler:
    """Decides what becomes of each message, and writes it down."""

    def __init__(self, database: Database, handlers: Handlers, failpoint: Failpoint = no_failpoint) -> None:
        self._database = database
        self._handlers = handlers
        self._failpoint = failpoint

    async def settle(self, message: Message, waiting: Callable[[], None] = lambda: None) -> None:
        """Returns when the database knows what became of the message. While the database is away it waits, and says so
        by calling `waiting` before each further try."""
        while True:
            try:
                return await self._settle(message)
            except Exception as error:
                log.error("database_away", topic=message.topic, error=repr(error))
                await asyncio.sleep(OUTAGE_PAUSE_SECONDS)
                waiting()

    async def _settle(self, message: Message) -> None:
        try:
            envelope = read_envelope(message)
        except UnreadableMessageError as error:
            await self._bury(message, "unreadable", error)
            return
        ids = {name: value for name in ("run_id", "job") if (value := getattr(envelope.event, name, None))}
        with (
            structlog.contextvars.bound_contextvars(event_id=envelope.event_id, event_type=envelope.type, **ids),
            HANDLING.labels(envelope.type).time(),
        ):
            await self._settle_event(envelope, message)

    async def _settle_event(self, envelope: Envelope, message: Message) -> None:
        try:
            fresh = await self.handle(envelope, message)
        except PermanentError as error:
            _alarm_about(error, message)
            await self._bury(message, envelope.type, error)
        except Exception as error:  # transient or unforeseen: it comes again, and is dead after many tries
            log.exception("event_kept_for_retry", error=str(error))
            await letters.keep_for_retry(self._database, message, f"{type(error).__name__}: {error}")
            EVENTS.labels(envelope.type, "retry").inc()
        else:
            EVENTS.labels(envelope.type, "handled" if fresh else "repeated").inc()

    async def handle(self, envelope: Envelope, message: Message) -> bool:
        """Lets the handler do its work, in the transaction that claims the event; False if it was handled before.
        Raises what the handler raised."""
        handler = self._handlers.get(type(envelope.event))
        if handler is None:
            raise UnreadableMessageError(f"{self._database.service} does not handle {envelope.type}")
        async with self._database.transaction() as work:
            fresh = await work.claim(envelope)
            await letters.forget(work, self._database, message, succeeded=fresh)
            if not fresh:
                return False
            await handler(envelope.event, work)
            self._failpoint(place_of("before_commit", message.topic))
        self._failpoint(place_of("after_commit", message.topic))
        return True

    async def _bury(self, message: Message, kind: str, error: PermanentError) -> None:
        log.warning("event_is_dead", topic=message.topic, offset=message.offset, reason=str(error))
        await letters.bury(self._database, message, str(error))
        EVENTS.labels(kind, "dead").inc()


def _alarm_about(error: PermanentError, message: Message) -> None:
    if isinstance(error, ForgedEventError | ReplayedEventError):
        kind = "forged" if isinstance(error, ForgedEventError) else "replayed"
        raise_alarm(kind, topic=message.topic, offset=message.offset, reason=str(error))
