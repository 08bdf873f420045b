"""CloudEvents 1.0 in Kafka's binary mode: what a message says about itself, read without trust."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from .complaints import first_complaint
from .errors import PermanentError
from .events import EVENTS, Event
from .topics import event_type

RawHeaders = Sequence[tuple[str, bytes | None]]


class UnreadableMessageError(PermanentError):
    """The message is not an event that this service can read."""


@dataclass(frozen=True)
class Message:
    """A Kafka message as it came, bytes and all."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: RawHeaders
    body: bytes | None

    @property
    def id(self) -> str:
        """The same each time that the message is sent: by its content, and by its place too if it brought no id of its
        own (a wiped broker counts anew)."""
        place = "" if dict(self.headers).get("ce_id") else f"-{self.partition}-{self.offset}"
        content = repr((self.key, list(self.headers), self.body)).encode()
        return f"{self.topic}{place}-{hashlib.sha256(content).hexdigest()[:16]}"


@dataclass(frozen=True)
class Envelope:
    """An event with its id."""

    event_id: str
    type: str
    event: Event


def read_envelope(message: Message) -> Envelope:
    """The event in a message. Raises UnreadableMessageError, which says what is wrong with it."""
    headers = {name: value for name, value in message.headers if value is not None}
    try:
        event_id, kind = (headers[name].decode() for name in ("ce_id", "ce_type"))
    except KeyError as error:
        raise UnreadableMessageError(f"the header {error.args[0]} is missing or null") from error
    except UnicodeDecodeError as error:
        raise UnreadableMessageError("a header is not UTF-8") from error
    if not 1 <= len(event_id) <= 200 or "\0" in event_id:
        raise UnreadableMessageError("ce_id must have 1 to 200 characters")
    if kind not in EVENTS:
        raise UnreadableMessageError(f"the type {kind} is unknown here")
    event = _read_event(kind, message.body or b"")
    if event.topic != message.topic:
        raise UnreadableMessageError(f"a {kind} does not belong on {message.topic}")
    return Envelope(event_id, kind, event)


def _read_event(kind: str, body: bytes) -> Event:
    if holds_nul(body):
        raise UnreadableMessageError(f"the body of this {kind} has a NUL character in it")
    try:
        return EVENTS[kind].model_validate_json(body)
    except ValidationError as error:
        raise UnreadableMessageError(f"{kind}: {first_complaint(error)}") from error


def holds_nul(body: bytes) -> bool:
    """Whether a text in this JSON has a NUL character, which PostgreSQL cannot keep."""
    return _NUL.search(body) is not None


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def event_headers(event_id: str, event: Event, service: str, time: datetime) -> RawHeaders:
    """The headers that an event is sent with."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", event_type(event.topic).encode()),
        ("ce_source", f"/placet/{service}".encode()),
        ("ce_time", time.isoformat().encode()),
        ("content-type", b"application/json"),
    ]


def pack_headers(headers: RawHeaders) -> list[list[str | None]]:
    """Headers as JSON: values in base64, null kept. A NUL in a name, which PostgreSQL cannot keep, becomes U+FFFD."""
    return [
        [name.replace("\0", "\ufffd"), None if value is None else base64.b64encode(value).decode()]
        for name, value in headers
    ]


def unpack_headers(packed: Sequence[Sequence[str | None]]) -> RawHeaders:
    """What `pack_headers` was given."""
    return [(str(name), None if value is None else base64.b64decode(value)) for name, value in packed]
