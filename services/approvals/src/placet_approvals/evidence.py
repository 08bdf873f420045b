"""What was signed about a run. Nothing else is judged or shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Row

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Order, PlanHeader, Verifier
from placet_shared.errors import ForgedEventError, ReplayedEventError
from placet_shared.identity import Identity, body_hash

from .voting import Ballot, Vote


@dataclass(frozen=True)
class Planned:
    """A run's order and plan, verified and of the same run, with the tokens that say so."""

    order: Order
    plan: PlanHeader
    order_token: str
    plan_token: str

    @property
    def run_id(self) -> str:
        return self.order.run_id

    @property
    def request_id(self) -> str:
        """Made of the plan, so that a vote, whose identity names it, is about this plan and no other."""
        return str(UUID(bytes=sha256(self.plan_token.encode()).digest()[:16], version=4))


def read_planned(verifier: Verifier, run_id: str, order: str, plan: str, *, audit: bool = False) -> Planned:
    """The signed content of both tokens. Raises ForgedEventError unless both are about this run."""
    planned = Planned(verifier.order(order, audit=audit), verifier.plan(plan, order, audit=audit), order, plan)
    if not planned.order.run_id == planned.plan.run_id == run_id:
        raise ForgedEventError(
            f"order and plan are about the runs {planned.order.run_id} and {planned.plan.run_id}, not about {run_id}"
        )
    return planned


def stored_planned(verifier: Verifier, run: Row[Any], *, audit: bool = False) -> Planned:
    """The same from a row. Raises ForgedEventError when somebody altered it."""
    planned = read_planned(verifier, run.run_id, run.order_token, run.plan_token, audit=audit)
    if run.request_id not in (None, planned.request_id):
        raise ForgedEventError(f"the request {run.request_id} is not about the plan of run {run.run_id}")
    return planned


def require_epoch(order: Order, epoch: int) -> None:
    """Raises ReplayedEventError for a run that was ordered before the database was restored."""
    if order.epoch != epoch:
        raise ReplayedEventError(
            f"run {order.run_id} was ordered in epoch {order.epoch}, and this is epoch {epoch}; start the job again"
        )


def cast_votes(verifier: Verifier, rows: Iterable[Row[Any]], *, audit: bool = False) -> list[Vote]:
    """The votes that their voters did cast; one that was put into the table by hand counts for nothing."""
    votes = []
    for row in rows:
        try:
            votes.append(_cast_vote(verifier, row, audit))
        except ForgedEventError as error:
            raise_alarm("altered_vote", request_id=row.request_id, voter=row.voter, reason=str(error))
    return votes


def _cast_vote(verifier: Verifier, row: Row[Any], audit: bool) -> Vote:
    """Raises ForgedEventError unless the console signed this voter's call with this body for this request."""
    try:
        signed = verifier.read_bytes(row.identity, "console", "Identity", audit=audit)
        identity = Identity.model_validate_json(signed)
        ballot = Ballot.model_validate_json(row.body)
    except ValidationError as error:
        raise ForgedEventError("what proves the vote has another shape") from error
    path = identity.target.partition("?")[0]
    proven = (identity.user, identity.method, path, identity.body, ballot.approve)
    wanted = (row.voter, "POST", f"/api/v1/requests/{row.request_id}/decisions", body_hash(row.body), row.approve)
    if proven != wanted:
        raise ForgedEventError("what proves the vote is about something else")
    return Vote(row.voter, ballot.approve, ballot.comment, row.voted_at)
