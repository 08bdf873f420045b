"""Runs over HTTP: ask for one, watch it, end it."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel

from placet_shared.api import MOST_PER_PAGE, Page
from placet_shared.errors import InvalidError
from placet_shared.identity import CallerDependency, Identity
from placet_shared.work import Database, Work

from . import store
from .errors import UnknownRunError
from .ordering import Asking, Orderer
from .runs import show_run

ENDING_SECONDS = 15.0
"""How long a request waits for a cancelled run of the job to end, so that it does not get that one as its answer."""


class RunBody(BaseModel):
    """A request for a run. `records` are keys, for previews."""

    job: str
    preview: bool = False
    records: list[str] = []


def runs_router(database: Database, orderer: Orderer, caller: CallerDependency) -> APIRouter:
    """`runs` and what belongs to one."""
    router = APIRouter(tags=["runs"])
    who = Depends(caller)

    @router.post("/runs", status_code=202)
    async def request_run(
        body: RunBody,
        user: Annotated[Identity, who],
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> dict[str, Any]:
        user.require("operator", *(["editor"] if body.preview else []))  # type: ignore[arg-type] # roles by literal
        if body.records and not body.preview:
            raise InvalidError("records are for previews; add --preview", field="records")
        if not body.preview:
            await _until_ended(database, body.job)
        async with database.transaction() as work:
            run_id = await _ask(work, orderer, body, user, idempotency_key)
            return await _shown(work, run_id)

    @router.get("/runs")
    async def list_runs(
        _user: Annotated[Identity, who],
        job: str | None = None,
        state: str | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 100,
    ) -> Page:
        async with database.transaction() as work:
            rows = await store.list_runs(work, job=job, state=state, before=_position(cursor), limit=limit)
        following = f"{rows[-1].requested_at.isoformat()} {rows[-1].run_id}" if len(rows) == limit else None
        return Page(items=[show_run(dict(row._mapping)) for row in rows], next=following)

    @router.get("/runs/{run_id}")
    async def show(run_id: str, _user: Annotated[Identity, who]) -> dict[str, Any]:
        async with database.transaction() as work:
            return await _shown(work, run_id)

    @router.post("/runs/{run_id}/cancel")
    async def cancel(run_id: str, user: Annotated[Identity, who]) -> dict[str, Any]:
        user.require("operator")
        async with database.transaction() as work:
            await _shown(work, run_id)
            await orderer.cancel(work, run_id, user.user, "")
            return await _shown(work, run_id)

    return router


async def _ask(work: Work, orderer: Orderer, body: RunBody, user: Identity, key: str | None) -> str:
    before = await store.answered_before(work, user.user, key) if key else None
    if before is not None:
        return before
    asking = Asking(body.job, "manual", user.user, "", body.preview, tuple(body.records))
    run_id = await orderer.order(work, asking)
    if key:
        await store.note_answer(work, user.user, key, run_id)
    return run_id


async def _until_ended(database: Database, job: str) -> None:
    """Waits a little while an open run of the job is being cancelled."""
    for _ in range(int(ENDING_SECONDS * 10)):
        async with database.transaction() as work:
            run = await store.open_run(work, job)
        if run is None or not run.cancel_asked:
            return
        await asyncio.sleep(0.1)


async def _shown(work: Work, run_id: str) -> dict[str, Any]:
    run = await store.find_run(work, run_id)
    if run is None:
        raise UnknownRunError(f"no run has the id {run_id}; see `placet run list`")
    return show_run(dict(run._mapping))


def _position(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        at, run_id = cursor.split(" ", 1)
        return datetime.fromisoformat(at), run_id
    except ValueError as error:
        raise InvalidError(f"cursor: {cursor!r} is not one that a page named as next", field="cursor") from error
