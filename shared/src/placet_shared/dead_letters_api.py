"""Dead letters over HTTP: every service has these routes for its own, and the console shows them as one list."""

import base64
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from sqlalchemy import Row, select, tuple_

from .api import MOST_PER_PAGE
from .envelope import unpack_headers
from .errors import InvalidError, NotFoundError
from .identity import Identity
from .letters import replay
from .work import Database

CallerDependency = Callable[[Request], Coroutine[Any, Any, Identity]]
"""What `identity.caller_of` gives."""


class DeadLetter(BaseModel):
    """A message that can never succeed, and why."""

    id: str
    service: str
    topic: str
    partition: int
    offset: int
    reason: str
    attempts: int
    received_at: datetime
    dead_at: datetime


class WholeDeadLetter(DeadLetter):
    """The same with what was in the message; what is no UTF-8 is shown by escapes, `bytes` is the body in base64."""

    key: str | None
    headers: list[tuple[str, str | None]]
    body: str | None
    bytes: str | None


class DeadLetterPage(BaseModel):
    """Dead letters, newest first; `next` is the cursor of the page after this one."""

    items: list[DeadLetter]
    next: str | None


def dead_letters_router(database: Database, caller: CallerDependency) -> APIRouter:
    """Routes below `/dead-letters`, for a router of `/api/v1`. Everybody reads, operators replay."""
    router = APIRouter(prefix="/dead-letters", tags=["dead letters"])
    letters, who = database.tables.letters, Depends(caller)

    @router.get("", dependencies=[who])
    async def list_dead_letters(
        cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 100
    ) -> DeadLetterPage:
        dead = select(letters).where(letters.c.dead_at.is_not(None))
        if cursor is not None:
            dead = dead.where(tuple_(letters.c.dead_at, letters.c.id) < tuple_(*read_position(cursor)))
        dead = dead.order_by(letters.c.dead_at.desc(), letters.c.id.desc()).limit(limit + 1)
        async with database.transaction() as work:
            rows = (await work.connection.execute(dead)).all()
        items = [DeadLetter(**_about(row, database.service)) for row in rows[:limit]]
        return DeadLetterPage(items=items, next=position(items[-1]) if len(rows) > limit else None)

    @router.get("/{letter_id}", dependencies=[who])
    async def show_dead_letter(letter_id: str) -> WholeDeadLetter:
        one = select(letters).where(letters.c.id == letter_id, letters.c.dead_at.is_not(None))
        async with database.transaction() as work:
            row = (await work.connection.execute(one)).one_or_none()
        if row is None:
            raise NotFoundError(f"no dead letter has the id {letter_id}; see `placet dead-letter list`")
        return WholeDeadLetter(**_about(row, database.service), **_content(row))

    @router.post("/{letter_id}/replay", status_code=202)
    async def replay_dead_letter(letter_id: str, identity: Annotated[Identity, who]) -> dict[str, str]:
        identity.require("operator")
        async with database.transaction() as work:
            await replay(work, database, letter_id)
        return {"id": letter_id, "service": database.service, "state": "replayed"}

    return router


def position(letter: DeadLetter) -> str:
    """A letter's place in the list, which is a cursor in every service's list."""
    return f"{int(letter.dead_at.timestamp() * 1_000_000)}-{letter.id}"


def read_position(cursor: str) -> tuple[datetime, str]:
    """The place that a cursor names. Raises InvalidError."""
    at, _, letter_id = cursor.partition("-")
    try:
        if not letter_id.isprintable():
            raise ValueError(letter_id)
        return datetime.fromtimestamp(int(at) / 1_000_000, UTC), letter_id
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidError("the cursor is none that this list gave", "cursor") from error


def _about(row: Row[Any], service: str) -> dict[str, Any]:
    fields = row._asdict()
    return {name: fields[name] for name in DeadLetter.model_fields if name != "service"} | {"service": service}


def _content(row: Row[Any]) -> dict[str, Any]:
    return {
        "key": _readable(row.key),
        "headers": [(name, _readable(value)) for name, value in unpack_headers(row.headers)],
        "body": _readable(row.body),
        "bytes": None if row.body is None else base64.b64encode(row.body).decode(),
    }


def _readable(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace")
