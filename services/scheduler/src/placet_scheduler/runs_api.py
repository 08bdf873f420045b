"""Runs over HTTP: ask for one, watch it, end it."""

import asyncio
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, Field, StringConstraints

from placet_shared.errors import InvalidError
from placet_shared.identity import CallerDependency, Identity
from placet_shared.paging import Limit, MomentCursor, Page, moment_cursor, page_of
from placet_shared.work import Database, Work

from . import store
from .errors import UnknownRunError
from .ordering import Asking, Orderer
from .runs import UNDECIDED, State, show_run

ENDING_SECONDS = 15.0
"""How long a request waits for a cancelled run of the job to end, so that it does not get that one as its answer."""

POLL_SECONDS = 0.1

MOST_RECORDS = 1_000
RecordKey = Annotated[str, StringConstraints(max_length=500)]


class RunBody(BaseModel):
    """A request for a run. `records` are keys: the run plans for these records alone; `all`: everything is read,
    whatever the job's mode."""

    job: str
    preview: bool = False
    records: Annotated[list[RecordKey], Field(max_length=MOST_RECORDS)] = []
    all: bool = False


class AnotherRequestError(InvalidError):
    """The Idempotency-Key was used for another request."""


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
        """The new run, or with `joined` the one that is open."""
        if body.preview:
            user.require("operator", "editor")
        else:
            user.require("operator")
            await _until_ended(database, body.job)
        async with database.transaction() as work:
            run, asked_at = await _asked_for(work, orderer, body, user, idempotency_key)
        return show_run(run) | ({"joined": True} if run["requested_at"] != asked_at else {})

    @router.post("/runs/{run_id}/cancel")
    async def cancel(run_id: str, user: Annotated[Identity, who]) -> dict[str, Any]:
        user.require("operator")
        async with database.transaction() as work:
            await _found(work, run_id)
            await orderer.cancel(work, run_id, user.user)
            return show_run(await _found(work, run_id))

    _reading(router, database, who)
    return router


def _reading(router: APIRouter, database: Database, who: Any) -> None:
    @router.get("/runs", dependencies=[who])
    async def list_runs(
        before: MomentCursor, job: str | None = None, state: State | None = None, limit: Limit = 100
    ) -> Page[dict[str, Any]]:
        """Newest first."""
        async with database.transaction() as work:
            rows = await store.list_runs(work, job=job, state=state, before=before, limit=limit + 1)
        return page_of(
            rows, limit, lambda row: moment_cursor(row.requested_at, row.run_id), lambda row: show_run(row._asdict())
        )

    @router.get("/runs/{run_id}", dependencies=[who])
    async def show(run_id: str) -> dict[str, Any]:
        async with database.transaction() as work:
            return show_run(await _found(work, run_id))


async def _asked_for(
    work: Work, orderer: Orderer, body: RunBody, user: Identity, key: str | None
) -> tuple[dict[str, Any], datetime]:
    """The run that answers a request, and when that came first: a key that comes again gets the run that it got."""
    request = sha256(body.model_dump_json().encode()).hexdigest()
    before = await store.answered_before(work, user.user, key) if key else None
    if before is not None:
        if before.request != request:
            raise AnotherRequestError("this Idempotency-Key came with another request before; use a new one")
        return await _found(work, before.run_id), before.asked_at
    asking = Asking(body.job, "manual", user.user, "", body.preview, tuple(body.records), body.all)
    run_id = await orderer.order_or_join(work, asking)
    if key:
        await store.note_answer(work, user.user, key, request, run_id)
    return await _found(work, run_id), work.now


async def _until_ended(database: Database, job: str) -> None:
    """Waits a little while an open run of the job is being cancelled."""
    for _ in range(int(ENDING_SECONDS / POLL_SECONDS)):
        async with database.transaction() as work:
            run = await store.open_run(work, job)
        if run is None or not run.cancel_asked or (run.cancel_unless_approved and run.state not in UNDECIDED):
            return
        await asyncio.sleep(POLL_SECONDS)


async def _found(work: Work, run_id: str) -> dict[str, Any]:
    run = await store.find_run(work, run_id)
    if run is None:
        raise UnknownRunError(f"no run has the id {run_id}; see `placet run list`")
    return run._asdict()
