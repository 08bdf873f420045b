"""Decisions are signed and published in the transaction that takes them: by policy, by people, by the clock."""

from typing import Any

from sqlalchemy import Row

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Decision, Signer, Verifier, link_hash
from placet_shared.errors import ForbiddenError, ForgedEventError
from placet_shared.events import ApprovalRequested, RunApproved, RunDenied
from placet_shared.work import Database, Work

from . import store
from .errors import AlteredError, NoSuchRequestError
from .evidence import Planned, cast_votes, require_epoch, stored_planned
from .policy import Held, gate_of, request_ends_at
from .tables import users
from .voting import Call, Ruling, Standing, expired, require_known, require_vote, ruling_of

OVERDUE_AT_ONCE = 50


async def ask_people(planned: Planned, held: Held, work: Work, signer: Signer) -> None:
    """Opens the run's request."""
    expires_at = request_ends_at(planned.order, planned.plan)
    await store.open_request(work, planned.run_id, planned.request_id, expires_at)
    await work.publish(
        signer.signed(
            ApprovalRequested,
            run_id=planned.run_id,
            job=planned.order.snapshot.job.name,
            request_id=planned.request_id,
            requested_by=planned.order.requested_by,
            approvers=held.gate.approvers,
            kept_out=held.gate.requester,
            need=held.gate.need,
            reasons=held.reasons,
            counts=planned.plan.counts,
            digest=planned.plan.digest,
            expires_at=expires_at,
            stores=(planned.order.snapshot.destination.name, planned.order.snapshot.source.name),
        )
    )


async def decide(planned: Planned, request_id: str | None, ruling: Ruling, work: Work, signer: Signer) -> None:
    """Signs the ruling, keeps it and publishes it."""
    decision = Decision(
        run_id=planned.run_id,
        plan=link_hash(planned.plan_token),
        request_id=request_id,
        approved=ruling.approved,
        decided_by=ruling.by,
        reason=ruling.reason,
        decided_at=work.now,
        expires_at=planned.plan.valid_until,
    )
    token, by = signer.sign(decision), ", ".join(ruling.by)
    await store.close(work, planned.run_id, "approved" if ruling.approved else "denied", by, ruling.reason, token)
    event = RunApproved if ruling.approved else RunDenied
    await work.publish(
        event(run_id=planned.run_id, request_id=request_id, decided_by=by, comment=ruling.reason, decision=token)
    )


async def cast(request_id: str, call: Call, work: Work, *, verifier: Verifier, signer: Signer, epoch: int) -> None:
    """Takes one person's ballot, and decides when it is the one that was missing."""
    run = await store.lock_request(work, request_id)
    if run is None:
        raise NoSuchRequestError(f"there is no request {request_id}; see `placet request list`")
    rows = await store.votes_about(work, [request_id])
    if any(_is_repeat(call, row) for row in rows):
        return
    planned = _unaltered(run, verifier)
    require_epoch(planned.order, epoch)
    gate, standing = gate_of(planned.order), _standing(run, planned)
    try:
        require_vote(gate, standing, cast_votes(verifier, rows), call, work.now)
    except ForbiddenError as error:
        raise_alarm("not_allowed", request_id=request_id, user=call.caller.user, reason=str(error))
        raise
    known = await users.everybody(work, verifier) if gate.need == "all" else []
    require_known(gate, call, known)
    await store.add_vote(work, request_id, call)
    votes = cast_votes(verifier, await store.votes_about(work, [request_id]))
    if ruling := ruling_of(gate, votes, known):
        await decide(planned, request_id, ruling, work, signer)


async def expire_requests(database: Database, verifier: Verifier, signer: Signer) -> bool:
    """Denies the open requests whose time is up; True when there may be more."""
    async with database.transaction() as work:
        overdue = await store.lock_overdue(work, OVERDUE_AT_ONCE)
        for run in overdue:
            await _expire(run, work, verifier, signer)
    return len(overdue) == OVERDUE_AT_ONCE


async def _expire(run: Row[Any], work: Work, verifier: Verifier, signer: Signer) -> None:
    try:
        planned = stored_planned(verifier, run, audit=True)
    except ForgedEventError as error:
        raise_alarm("altered", run_id=run.run_id, reason=str(error))
        await store.close(work, run.run_id, "withdrawn", "expiry", "what was stored about this run was altered")
        return
    if (ends_at := request_ends_at(planned.order, planned.plan)) > work.now:
        raise_alarm("altered", run_id=run.run_id, reason=f"its request would end at {run.expires_at}, not at {ends_at}")
        await store.open_request(work, planned.run_id, planned.request_id, ends_at)
        return
    votes = cast_votes(verifier, await store.votes_about(work, [run.request_id]), audit=True)
    await decide(planned, run.request_id, expired(gate_of(planned.order), votes, ends_at), work, signer)


def _is_repeat(call: Call, vote: Row[Any]) -> bool:
    """Whether this very call was taken before: its answer was lost on the way."""
    ours = (call.caller.user, call.ballot.approve, call.idempotency_key)
    return call.idempotency_key is not None and ours == (vote.voter, vote.approve, vote.idempotency_key)


def _unaltered(run: Row[Any], verifier: Verifier) -> Planned:
    try:
        return stored_planned(verifier, run)
    except ForgedEventError as error:
        raise_alarm("altered", run_id=run.run_id, reason=str(error))
        raise AlteredError from error


def _standing(run: Row[Any], planned: Planned) -> Standing:
    return Standing(run.state, request_ends_at(planned.order, planned.plan), run.closed_by, run.closed_at)
