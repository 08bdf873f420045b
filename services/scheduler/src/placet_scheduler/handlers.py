"""What the scheduler does on each event: it keeps the run's document; the worker decides when a run ends."""

from typing import Any

import structlog
from sqlalchemy import Row

from placet_shared.chain import PlanHeader, Verifier
from placet_shared.errors import ForgedEventError, TransientError
from placet_shared.events import (
    ApprovalRequested,
    BatchApplied,
    RunApproved,
    RunDenied,
    RunFinished,
    RunPlanned,
    RunTriggered,
)
from placet_shared.work import Work

from . import store
from .catalogue import Key
from .errors import UnknownJobError
from .ordering import Asking, Orderer

log = structlog.get_logger()


class RunNotKnownError(TransientError):
    """The run is not known here yet."""


async def run_triggered(event: RunTriggered, work: Work, *, orderer: Orderer) -> None:
    """Another service asks for a run. It can ask for nothing else: the job says all."""
    key: Key = ("job", event.job)
    if key not in await store.load_catalogue(work):
        raise UnknownJobError(f"run-triggers: there is no job named {event.job}")
    asking = Asking(event.job, "event", "event", event.reason, event.preview)
    await orderer.order_or_remember(work, asking)


async def run_planned(event: RunPlanned, work: Work, *, verifier: Verifier) -> None:
    run = await _locked(work, event.run_id)
    plan = verifier.plan(event.plan, run.order_token)
    if plan.run_id != run.run_id:
        raise ForgedEventError(f"run-planned of {run.run_id} carries the plan of {plan.run_id}")
    await store.save_view(work, run.run_id, store.view_of(run).planned(show_plan(plan)), plan_token=event.plan)


async def approval_requested(event: ApprovalRequested, work: Work, *, verifier: Verifier) -> None:
    verifier.event(event, "approvals")
    run = await _locked(work, event.run_id)
    await store.save_view(work, run.run_id, store.view_of(run).waits(event.request_id))


async def run_decided(event: RunApproved | RunDenied, work: Work, *, verifier: Verifier) -> None:
    """A yes moves the run on; after a no the worker ends it."""
    run = await _locked(work, event.run_id)
    if run.plan_token is None:
        raise RunNotKnownError(f"the plan of run {run.run_id} has not come yet")
    decision = verifier.decision(event.decision, run.plan_token)
    if decision.run_id != run.run_id or decision.approved is not isinstance(event, RunApproved):
        raise ForgedEventError(f"the decision about run {run.run_id} says something else than its event")
    view = store.view_of(run)
    await store.save_view(work, run.run_id, view.approved() if decision.approved else view)


async def batch_applied(event: BatchApplied, work: Work) -> None:
    """Progress, for people who watch; the end brings the true numbers."""
    run = await _locked(work, event.run_id)
    view = store.view_of(run)
    if view.state in ("approved", "applying"):
        await store.save_view(work, run.run_id, view.applied(event.results))


async def run_finished(event: RunFinished, work: Work, *, verifier: Verifier, orderer: Orderer) -> None:
    """The run is over; a start that was remembered meanwhile begins."""
    verifier.event(event, "sync-worker")
    run = await _locked(work, event.run_id)
    view = store.view_of(run).ended(event.outcome, event.results, event.reason, event.finished_at)
    await store.save_view(work, run.run_id, view)
    log.info("run_finished", run_id=run.run_id, job=run.job, outcome=event.outcome)
    if run.preview:
        return
    waiting = await store.take_waiting(work, run.job)
    if waiting is not None and ("job", run.job) in await store.load_catalogue(work):
        await orderer.order(work, Asking(run.job, waiting.trigger, waiting.requested_by, waiting.reason))


def show_plan(plan: PlanHeader) -> dict[str, object]:
    """A plan in the interface's shape, with what it would touch by attribute."""
    extra = {"by_attribute": dict(plan.by_attribute), "source_read": plan.source_read}
    return {
        "digest": plan.digest, "safety": plan.safety, **plan.counts.model_dump(), "warnings": list(plan.warnings),
        **extra, "destination_read": plan.destination_read, "valid_until": plan.valid_until.isoformat(),
    }  # fmt: skip


async def _locked(work: Work, run_id: str) -> Row[Any]:
    run = await store.find_run(work, run_id, lock=True)
    if run is None:
        raise RunNotKnownError(f"run {run_id} is not known here")
    return run
