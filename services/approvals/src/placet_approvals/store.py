"""The rows of approvals, in the caller's transaction; a run's row is locked before anything is decided about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.work import Work

from .tables import runs, votes
from .voting import Call


async def lock_run(work: Work, run_id: str) -> Row[Any] | None:
    """The run's row, which nobody else changes until this transaction ends; None if there is none."""
    found = await work.connection.execute(select(runs).where(runs.c.run_id == run_id).with_for_update())
    return found.one_or_none()


async def lock_request(work: Work, request_id: str) -> Row[Any] | None:
    """The same, by the request."""
    found = await work.connection.execute(select(runs).where(runs.c.request_id == request_id).with_for_update())
    return found.one_or_none()


async def lock_overdue(work: Work, most: int) -> Sequence[Row[Any]]:
    """Open requests whose time is up; those that somebody is deciding about just now are left for the next time."""
    overdue = select(runs).where(runs.c.state == "open", runs.c.expires_at <= work.now).order_by(runs.c.expires_at)
    return await _rows(work, overdue.limit(most).with_for_update(skip_locked=True))


async def add_run(work: Work, run_id: str, state: str, **columns: Any) -> bool:
    """False if the run has a row already, made by another transaction meanwhile perhaps."""
    row = upsert(runs).values(run_id=run_id, state=state, **columns)
    added = await work.connection.execute(row.on_conflict_do_nothing().returning(runs.c.run_id))
    return added.first() is not None


async def close(work: Work, run_id: str, state: str, by: str, because: str, decision: str | None = None) -> None:
    """The run needs nobody any more."""
    closed = {"state": state, "closed_at": work.now, "closed_by": by, "closed_because": because}
    await work.connection.execute(update(runs).where(runs.c.run_id == run_id).values(decision_token=decision, **closed))


async def open_request(work: Work, run_id: str, request_id: str, expires_at: datetime) -> None:
    """People are asked about the run."""
    opened = {"state": "open", "request_id": request_id, "expires_at": expires_at}
    await work.connection.execute(update(runs).where(runs.c.run_id == run_id).values(opened))


async def add_vote(work: Work, request_id: str, call: Call) -> None:
    """Keeps a vote with what proves it; one that proved nothing any more makes room."""
    proof = {"identity": call.token, "body": call.body, "idempotency_key": call.idempotency_key}
    row = upsert(votes).values(request_id=request_id, voter=call.caller.user, approve=call.ballot.approve, **proof)
    again = proof | {"voted_at": func.clock_timestamp()}
    await work.connection.execute(row.on_conflict_do_update(index_elements=list(votes.primary_key), set_=again))


async def votes_about(work: Work, request_ids: Sequence[str]) -> Sequence[Row[Any]]:
    """The votes about these requests, oldest first."""
    about = select(votes).where(votes.c.request_id.in_(request_ids)).order_by(votes.c.voted_at, votes.c.voter)
    return await _rows(work, about)


async def page_of_requests(work: Work, state: str | None, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """Requests, newest first, from the one before the cursor on."""
    query: Select[Any] = select(runs).where(runs.c.request_id.is_not(None))
    if state is not None:
        query = query.where(runs.c.state == state)
    if before is not None:
        query = query.where(runs.c.seq < before)
    return await _rows(work, query.order_by(runs.c.seq.desc()).limit(limit))


async def request(work: Work, request_id: str) -> Row[Any] | None:
    """One request, as it is."""
    found = await work.connection.execute(select(runs).where(runs.c.request_id == request_id))
    return found.one_or_none()


async def judged_runs(work: Work, after: int, limit: int) -> Sequence[Row[Any]]:
    """Runs whose plan was seen, oldest first."""
    query = select(runs).where(runs.c.plan_token.is_not(None), runs.c.seq > after).order_by(runs.c.seq).limit(limit)
    return await _rows(work, query)


async def _rows(work: Work, query: Select[Any]) -> Sequence[Row[Any]]:
    rows: Sequence[Row[Any]] = (await work.connection.execute(query)).all()
    return rows
