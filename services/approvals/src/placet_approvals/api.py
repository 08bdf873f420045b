"""The API of approvals: requests, the decisions about them, and the audit."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Request
from pydantic import ValidationError
from sqlalchemy import Row

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Signer, Verifier
from placet_shared.dead_letters_api import dead_letters_router
from placet_shared.errors import ForgedEventError, InvalidError
from placet_shared.events import UserChanged
from placet_shared.identity import HEADER, Identity, caller_of
from placet_shared.paging import Limit, NumberCursor, Page, page_of
from placet_shared.work import Database, Work

from . import store
from .audit import Audit, audit_runs
from .deciding import cast
from .errors import AlteredError, NoSuchRequestError
from .evidence import cast_votes, stored_planned
from .tables import users
from .views import RequestView, view_of
from .voting import Ballot, Call

State = Literal["open", "approved", "denied", "withdrawn"]


def build_router(database: Database, verifier: Verifier, signer: Signer, epoch: int) -> APIRouter:
    """The routes, bound to what they need."""
    router = APIRouter(prefix="/api/v1", tags=["approvals"])
    caller = caller_of(verifier)
    signed_in = [Depends(caller)]

    @router.get("/requests", dependencies=signed_in)
    async def list_requests(before: NumberCursor, state: State | None = None, limit: Limit = 100) -> Page[RequestView]:
        """Newest first."""
        async with database.transaction() as work:
            return await _page(work, verifier, state, before, limit)

    @router.get("/requests/{request_id}", dependencies=signed_in)
    async def show_request(request_id: str) -> RequestView:
        async with database.transaction() as work:
            return await _show(work, verifier, request_id)

    @router.post("/requests/{request_id}/decisions")
    async def decide_request(
        request_id: str,
        ballot: Ballot,
        request: Request,
        who: Annotated[Identity, Depends(caller)],
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> RequestView:
        call = _call(who, ballot, request.headers[HEADER], await request.body(), idempotency_key)
        async with database.transaction() as work:
            await cast(request_id, call, work, verifier=verifier, signer=signer, epoch=epoch)
        async with database.transaction() as work:
            return await _show(work, verifier, request_id)

    @router.get("/audit", dependencies=signed_in)
    async def audit() -> Audit:
        return await audit_runs(database, verifier)

    router.include_router(dead_letters_router(database, caller))
    return router


async def _page(
    work: Work, verifier: Verifier, state: State | None, before: int | None, limit: int
) -> Page[RequestView]:
    rows = await store.page_of_requests(work, state, before, limit + 1)
    votes = await store.votes_about(work, [row.request_id for row in rows])
    known = await users.everybody(work, verifier)

    def view(row: Row[Any]) -> RequestView | None:
        return _view(verifier, row, [vote for vote in votes if vote.request_id == row.request_id], known)

    return page_of(rows, limit, lambda row: str(row.seq), view)


async def _show(work: Work, verifier: Verifier, request_id: str) -> RequestView:
    run = await store.request(work, request_id)
    if run is None:
        raise NoSuchRequestError(f"there is no request {request_id}; see `placet request list`")
    known = await users.everybody(work, verifier)
    view = _view(verifier, run, await store.votes_about(work, [request_id]), known)
    if view is None:
        raise AlteredError
    return view


def _view(
    verifier: Verifier, run: Row[Any], votes: Sequence[Row[Any]], known: Collection[UserChanged]
) -> RequestView | None:
    """None, and an alarm, when what is stored was altered: nobody is shown what was not signed."""
    try:
        planned = stored_planned(verifier, run, audit=True)
    except ForgedEventError as error:
        raise_alarm("altered", run_id=run.run_id, reason=str(error))
        return None
    return view_of(run, planned, cast_votes(verifier, votes, audit=True), known)


def _call(caller: Identity, ballot: Ballot, token: str, body: bytes, idempotency_key: str | None) -> Call:
    """The body is kept as what proves the vote, so it must read the same for ever. Raises InvalidError."""
    try:
        if Ballot.model_validate_json(body) == ballot:
            return Call(caller, ballot, token, body, idempotency_key)
    except ValidationError:
        pass  # said below
    raise InvalidError("the body must be JSON in UTF-8")
