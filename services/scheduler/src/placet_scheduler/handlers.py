"""What the scheduler does on each event: it keeps the run's document; the worker decides when a run ends."""

from typing import Any

import structlog
from sqlalchemy import Row

from placet_shared.chain import PlanHeader, Verifier
from placet_shared.errors import ForgedEventError
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
from .catalogue_store import hold_catalogue
from .errors import PlanNotYetError, UnknownRunError
from .metrics import FINISHED
from .ordering import Asking, Orderer

log = structlog.get_logger()


async def run_triggered(event: RunTriggered, work: Work, *, orderer: Orderer) -> None:
    """Another service asks for a run. It can ask for nothing else: the job says all."""
    await orderer.order_or_remember(work, Asking(event.job, "event", "event", event.reason, event.preview))


async def run_planned(event: RunPlanned, work: Work, *, verifier: Verifier) -> None:
    """The plan of our own order, once: the first one counts."""
    order, plan = verifier.order(event.order), verifier.plan(event.plan, event.order)
    run = await _locked(work, event.run_id)
    if event.order != run.order_token or {order.run_id, plan.run_id} != {run.run_id}:
        raise ForgedEventError(f"run-planned of {run.run_id} carries the order or plan of another run")
    if run.plan_token not in (None, event.plan):
        raise ForgedEventError(f"run {run.run_id} has another plan already; the first one counts")
    await store.save_view(work, run.run_id, store.view_of(run).planned(show_plan(plan)), plan_token=event.plan)


async def approval_requested(event: ApprovalRequested, work: Work, *, verifier: Verifier) -> None:
    """People were asked."""
    verifier.event(event, "approvals")
    run = await _locked(work, event.run_id)
    await store.save_view(work, run.run_id, store.view_of(run).waits(event.request_id))


async def run_decided(event: RunApproved | RunDenied, work: Work, *, verifier: Verifier) -> None:
    """A yes moves the run on; after a no the worker ends it."""
    run = await _locked(work, event.run_id)
    if run.plan_token is None:
        raise PlanNotYetError(f"the plan of run {run.run_id} has not come yet")
    decision = verifier.decision(event.decision, run.plan_token)
    if decision.run_id != run.run_id or decision.approved is not isinstance(event, RunApproved):
        raise ForgedEventError(f"the decision about run {run.run_id} says something else than its event")
    if decision.approved:
        await store.save_view(work, run.run_id, store.view_of(run).approved())


async def batch_applied(event: BatchApplied, work: Work) -> None:
    """Progress, for people who watch: the end brings the true numbers in any case."""
    await work.without_sync()
    run = await _locked(work, event.run_id)
    await store.save_view(work, run.run_id, store.view_of(run).applied(event.results))


async def run_finished(event: RunFinished, work: Work, *, verifier: Verifier, orderer: Orderer) -> None:
    """The run is over; a start that was remembered meanwhile begins."""
    verifier.event(event, "sync-worker")
    await hold_catalogue(work)
    run = await _locked(work, event.run_id)
    known, token = store.view_of(run), run.plan_token
    if known.over:
        return
    if token is None and (plan := _plan_of(event, run, verifier)):
        known, token = known.planned(show_plan(plan)), event.plan
    ended = known.ended(event.outcome, event.results, event.reason, event.finished_at)
    await store.save_view(work, run.run_id, ended, plan_token=token)
    FINISHED.labels(event.outcome).inc()
    log.info("run_finished", run_id=run.run_id, job=run.job, outcome=event.outcome)
    if not run.preview:
        await orderer.start_remembered(work, run.job)


def _plan_of(event: RunFinished, run: Row[Any], verifier: Verifier) -> PlanHeader | None:
    """The plan of a run whose end came first. What is none, since it was altered, keeps no run from its end."""
    try:
        plan = verifier.plan(event.plan or "", run.order_token)
    except ForgedEventError:
        return None
    return plan if plan.run_id == run.run_id else None


def show_plan(plan: PlanHeader) -> dict[str, Any]:
    """A plan in the interface's shape, with what it would touch by attribute."""
    return {
        "digest": plan.digest,
        "safety": plan.safety,
        **plan.counts.model_dump(),
        "warnings": list(plan.warnings),
        "by_attribute": dict(plan.by_attribute),
        "source_read": plan.source_read,
        "destination_read": plan.destination_read,
        "valid_until": plan.valid_until.isoformat(),
    }


async def _locked(work: Work, run_id: str) -> Row[Any]:
    """The run, which nobody knows of before the scheduler does: it is noted in the transaction that orders it."""
    run = await store.find_run(work, run_id, lock=True)
    if run is None:
        raise UnknownRunError(f"no run {run_id} was ordered here; was the database restored?")
    return run
