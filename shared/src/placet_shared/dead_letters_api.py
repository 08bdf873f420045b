"""Dead letters over HTTP: every service has these routes for its own, and the console shows them as one list."""

import base64
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import Row, select, tuple_

from .envelope import unpack_headers
from .errors import NotFoundError
from .identity import CallerDependency, Identity
from .letters import replay
from .paging import Limit, MomentCursor, Page, moment_cursor, page_of
from .work import Database


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


def dead_letters_router(database: Database, caller: CallerDependency) -> APIRouter:
    """Routes below `/dead-letters`, for a router of `/api/v1`. Everybody reads, operators replay."""
    router = APIRouter(prefix="/dead-letters", tags=["dead letters"])
    letters, who = database.tables.letters, Depends(caller)

    @router.get("", dependencies=[who])
    async def list_dead_letters(before: MomentCursor, limit: Limit = 100) -> Page[DeadLetter]:
        """Newest first."""
        dead = select(letters).where(letters.c.dead_at.is_not(None))
        if before is not None:
            dead = dead.where(tuple_(letters.c.dead_at, letters.c.id) < tuple_(*before))
        dead = dead.order_by(letters.c.dead_at.desc(), letters.c.id.desc()).limit(limit + 1)
        async with database.transaction() as work:
            rows = (await work.connection.execute(dead)).all()
        return page_of(rows, limit, cursor_of, lambda row: DeadLetter(**_about(row, database.service)))

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


def cursor_of(letter: DeadLetter | Row[Any]) -> str:
    """The cursor after a letter, which means the same in every service's list."""
    return moment_cursor(letter.dead_at, letter.id)


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
