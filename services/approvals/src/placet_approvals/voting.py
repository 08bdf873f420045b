"""Who may vote, and what the votes decide. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from placet_shared.approvers import is_meant, who_can_approve
from placet_shared.errors import InvalidError
from placet_shared.events import UserChanged
from placet_shared.identity import Identity

from .errors import AlreadyVotedError, MayNotDecideError, NotOpenError, UsersBehindError
from .policy import Gate


class Ballot(BaseModel):
    """What a person sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    decision: Literal["approve", "deny"]
    comment: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""

    @property
    def approve(self) -> bool:
        return self.decision == "approve"


@dataclass(frozen=True)
class Call:
    """A ballot as it came: from whom, and the token and the body that prove it."""

    caller: Identity
    ballot: Ballot
    token: str
    body: bytes
    idempotency_key: str | None


@dataclass(frozen=True)
class Vote:
    """One person's word."""

    voter: str
    approve: bool
    comment: str
    voted_at: datetime


@dataclass(frozen=True)
class Standing:
    """How far a request has come. `closed_by` and `closed_at` are set when `state` is not `open`."""

    state: str
    expires_at: datetime
    closed_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Ruling:
    """Yes or no, by whom (`policy`, `expiry`, or people in the order of their votes), and why."""

    approved: bool
    by: tuple[str, ...]
    reason: str


def require_vote(gate: Gate, standing: Standing, votes: Sequence[Vote], call: Call, now: datetime) -> None:
    """Passes if the caller may cast this ballot now. Raises ForbiddenError, ConflictError or InvalidError."""
    caller, ballot = call.caller, call.ballot
    caller.require("approver")
    _require_open(standing, now)
    if caller.user == gate.requester:
        raise MayNotDecideError(f"{caller.user} asked for this run, so somebody else must decide about it")
    if not is_meant(gate.approvers, caller.user, caller.email, caller.groups):
        raise MayNotDecideError(
            f"{caller.user} is not among the approvers of this request: {', '.join(gate.approvers)}"
        )
    if not ballot.approve and not ballot.comment.strip():
        raise InvalidError("a denial needs a comment that says why", "comment")
    if any(vote.voter == caller.user and vote.approve == ballot.approve for vote in votes):
        raise AlreadyVotedError(f"{caller.user} has already approved this request, and one person has one vote")


def require_known(gate: Gate, call: Call, users: Collection[UserChanged]) -> None:
    """Where all must approve, raises UsersBehindError until the caller is known: others may be missing as well."""
    if gate.need == "all" and call.ballot.approve and call.caller.user not in everybody(gate, users):
        raise UsersBehindError


def ruling_of(gate: Gate, votes: Sequence[Vote], users: Collection[UserChanged]) -> Ruling | None:
    """What the votes decide, or None while some are missing. One denial ends it."""
    for vote in votes:
        if not vote.approve:
            return Ruling(False, (vote.voter,), vote.comment)
    if _enough(gate, {vote.voter for vote in votes}, users):
        comments = "; ".join(vote.comment for vote in votes if vote.comment)
        return Ruling(True, tuple(vote.voter for vote in votes), comments)
    return None


def expired(gate: Gate, votes: Sequence[Vote], at: datetime) -> Ruling:
    """The no of the clock. Votes that came were too few."""
    until = f"until {at:%Y-%m-%d %H:%M} UTC"
    said_yes = ", ".join(vote.voter for vote in votes if vote.approve)
    few = f"{said_yes} approved, but {gate.need} had to, and nobody else decided {until}"
    return Ruling(False, ("expiry",), few if said_yes else f"nobody decided {until}")


def everybody(gate: Gate, users: Collection[UserChanged]) -> set[str]:
    """The names of the users who could approve."""
    return {user.name for user in who_can_approve(users, gate.approvers, gate.requester)}


def _require_open(standing: Standing, now: datetime) -> None:
    if standing.state != "open":
        when = f"{standing.closed_at:%Y-%m-%d %H:%M:%S} UTC" if standing.closed_at else "an unknown time"
        raise NotOpenError(f"the request was already {standing.state} by {standing.closed_by} at {when}")
    if now >= standing.expires_at:
        raise NotOpenError(f"the request expired at {standing.expires_at:%Y-%m-%d %H:%M:%S} UTC; start the job again")


def _enough(gate: Gate, approving: set[str], users: Collection[UserChanged]) -> bool:
    if gate.need == "all":
        return bool(approving) and _each_is_somebody(gate, users) and everybody(gate, users) <= approving
    return len(approving) >= gate.need


def _each_is_somebody(gate: Gate, users: Collection[UserChanged]) -> bool:
    """Whether each name, e-mail and group means one at least who could approve: the others are no fewer without them.
    Who asked for the run counts as one, although they are kept out of this request."""
    return all(who_can_approve(users, (approver,), None) for approver in gate.approvers)
