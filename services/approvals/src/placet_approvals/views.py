"""A request as people and programs see it: what was signed, and how far it has come."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import Row

from placet_shared.events import Counts, UserChanged

from .evidence import Planned
from .policy import Held, gate_of, judge, request_ends_at
from .voting import Vote, everybody


class VoteView(BaseModel):
    """One person's word."""

    user: str
    decision: Literal["approve", "deny"]
    comment: str
    at: datetime


class RequestView(BaseModel):
    """A request. `can_approve` are the users who could say yes now and have not; `decided_by` and what follows are null
    while it is open."""

    id: str
    run_id: str
    job: str
    state: Literal["open", "approved", "denied", "withdrawn"]
    requested_by: str
    trigger: str
    opened_at: datetime
    expires_at: datetime
    counts: Counts
    by_attribute: dict[str, int]
    safety: str
    warnings: tuple[str, ...]
    reasons: tuple[str, ...]
    approvers: tuple[str, ...]
    need: int | Literal["all"]
    can_approve: list[str]
    votes: list[VoteView]
    digest: str
    decided_by: str | None
    decided_at: datetime | None
    comment: str | None


def view_of(run: Row[Any], planned: Planned, votes: Sequence[Vote], users: Collection[UserChanged]) -> RequestView:
    """The request of a run, among the users who are known."""
    order, plan, gate = planned.order, planned.plan, gate_of(planned.order)
    voted = {vote.voter for vote in votes if vote.approve}
    verdict = judge(order, plan, run.opened_at)
    return RequestView(
        id=run.request_id,
        run_id=order.run_id,
        job=order.snapshot.job.name,
        state=run.state,
        requested_by=order.requested_by,
        trigger=order.trigger,
        opened_at=run.opened_at,
        expires_at=request_ends_at(order, plan),
        counts=plan.counts,
        by_attribute=dict(plan.by_attribute),
        safety=plan.safety,
        warnings=plan.warnings,
        reasons=verdict.reasons if isinstance(verdict, Held) else (),
        approvers=gate.approvers,
        need=gate.need,
        can_approve=sorted(everybody(gate, users) - voted) if run.state == "open" else [],
        votes=[_vote(vote) for vote in votes],
        digest=plan.digest,
        decided_by=run.closed_by,
        decided_at=run.closed_at,
        comment=run.closed_because,
    )


def _vote(vote: Vote) -> VoteView:
    decision: Any = "approve" if vote.approve else "deny"
    return VoteView(user=vote.voter, decision=decision, comment=vote.comment, at=vote.voted_at)
