"""What becomes of a plan before any person looks at it. Pure: signed content in, a verdict out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Literal

from placet_shared.approvers import EVERY_APPROVER
from placet_shared.chain import Order, PlanHeader, Snapshot
from placet_shared.objects import Workflow
from placet_shared.objects.workflow import BY_POLICY, UNLESS_SAID, workflow_of_every_plan


@dataclass(frozen=True)
class Gate:
    """Who decides: `need` of `approvers` within `expires_after`, and never `requester` (None: nobody is kept out)."""

    approvers: tuple[str, ...]
    need: int | Literal["all"]
    expires_after: timedelta
    requester: str | None


@dataclass(frozen=True)
class Approved:
    """No person is needed."""

    reason: str


@dataclass(frozen=True)
class Outdated:
    """Nobody can decide any more: the plan is no longer valid."""

    reason: str


@dataclass(frozen=True)
class Held:
    """People decide, and why."""

    gate: Gate
    reasons: tuple[str, ...]


Verdict = Approved | Outdated | Held


def judge(order: Order, plan: PlanHeader, now: datetime) -> Verdict:
    """The verdict about a plan that is no preview."""
    if plan.counts.changes == 0:
        return Approved("the plan changes nothing")
    workflow = _workflow(order.snapshot)
    reasons = unusual(order.snapshot, plan)
    if workflow is None and not reasons:
        return Approved("within the limits, and no workflow asks for people")
    if now >= plan.valid_until:
        return Outdated(f"the plan was valid until {plan.valid_until:%Y-%m-%d %H:%M} UTC")
    if workflow is not None:
        reasons = (f"the workflow {workflow.name} decides about every plan", *reasons)
    return Held(gate_of(order), reasons)


def gate_of(order: Order) -> Gate:
    """Who decides if people do: the job's workflow, else `default`, else one approver who did not ask for the run."""
    asker = order.requested_by if order.trigger in ("manual", "preview") else None
    workflow = _workflow(order.snapshot) or order.snapshot.default_workflow
    if workflow is None:
        return Gate((EVERY_APPROVER,), 1, UNLESS_SAID, asker)
    stage = workflow.stages[0]
    return Gate(stage.approvers, stage.need, stage.expires_after, None if workflow.requester_may_approve else asker)


def request_ends_at(order: Order, plan: PlanHeader) -> datetime:
    """Until when people may decide. It follows from what was signed, so that nobody can put it off."""
    return min(plan.planned_at + gate_of(order).expires_after, plan.valid_until)


def _workflow(snapshot: Snapshot) -> Workflow | None:
    """The workflow that every plan of the job goes through."""
    return workflow_of_every_plan(snapshot.job.workflow, snapshot.workflow, snapshot.default_workflow)


def unusual(snapshot: Snapshot, plan: PlanHeader) -> tuple[str, ...]:
    """Why a person should look at this plan, whatever the workflow."""
    counts, limits = plan.counts.model_dump(), snapshot.job.limits.model_dump()
    reasons = [
        f"{operation}: {counts[operation]} planned, the limit is {_in_words(limit, plan.within_query)}"
        for operation, limit in limits.items()
        if limit is not None and counts[operation] > allowed(limit, plan.within_query)
    ]
    if snapshot.workflow is None and snapshot.job.workflow not in (None, BY_POLICY):
        reasons.append(f"the workflow {snapshot.job.workflow} is missing from the order")
    if plan.safety == "read_back":
        reasons.append("the destination cannot compare while it writes: a change made by others in between may be lost")
    return (*reasons, *plan.checks)


def allowed(limit: str | int, within_query: int) -> int:
    """How many changes pass; a percentage is of the destination's entries within the job's query, rounded up."""
    if isinstance(limit, int):
        return limit
    return ceil(Fraction(limit.removesuffix("%")) * within_query / 100)


def _in_words(limit: str | int, within_query: int) -> str:
    if isinstance(limit, int):
        return str(limit)
    return f"{limit} of {within_query} entries ({allowed(limit, within_query)})"
