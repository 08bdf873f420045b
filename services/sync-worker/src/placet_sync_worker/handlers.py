"""What the worker does on each event: note it down; loops do the work."""

from collections.abc import Sequence

from placet_shared.chain import Decision, Order, Verifier, link_hash
from placet_shared.errors import ForgedEventError, ReplayedEventError
from placet_shared.events import ApprovalRequested, BatchReady, RunApproved, RunCancelled, RunDenied, RunRequested
from placet_shared.loops import Loop
from placet_shared.work import Work

from .errors import WorkerBusyError
from .life import Life
from .store import runs
from .unaltered import AlteredError, require_as_planned, require_epoch


async def run_requested(event: RunRequested, work: Work, *, verifier: Verifier, epoch: int, planning: Loop) -> None:
    """A new run is noted; the planning loop takes it."""
    order = verifier.order(event.order)
    if order.run_id != event.run_id:
        raise ForgedEventError(f"run-requested of {event.run_id} carries the order of {order.run_id}")
    require_epoch(order, epoch)
    run = await runs.take_in(work, order, event.order)
    if link_hash(run.order_token) != link_hash(event.order):
        raise ForgedEventError(f"run {order.run_id} has another order already")
    planning.wake()


async def approval_requested(event: ApprovalRequested, _work: Work, *, verifier: Verifier) -> None:
    """The gate has the plan: `run-planned` is answered by the claim alone, if it is really the gate that says so."""
    verifier.event(event, "approvals")


async def run_approved(
    event: RunApproved, work: Work, *, verifier: Verifier, life: Life, epoch: int, begun: Sequence[Loop]
) -> None:
    """The approved plan begins to be applied, and only that plan; `begun` are the loops that have work then."""
    if await _ended_altered(event.run_id, work, verifier, life):
        return
    run, order, decision = await _decided(event, work, verifier, approved=True)
    if run.state != "planned":
        _refuse_replay(run)
        return
    require_epoch(order, epoch)
    if decision.expires_at < work.now:
        await life.end(work, run, order, "failed", "the approval had expired when it arrived; run the job again")
        return
    await life.start(work, run, event.decision, order)
    _wake(begun)


async def run_denied(event: RunDenied, work: Work, *, verifier: Verifier, life: Life) -> None:
    """The run ends; nothing was written."""
    if await _ended_altered(event.run_id, work, verifier, life):
        return
    run, order, decision = await _decided(event, work, verifier, approved=False)
    if run.state != "planned":
        _refuse_replay(run)
        return
    await runs.change(work, run.run_id, decision_token=event.decision)
    reason = f"denied by {', '.join(decision.decided_by)}" + (f": {decision.reason}" if decision.reason else "")
    await life.end(work, run, order, "denied", reason)


async def run_cancelled(event: RunCancelled, work: Work, *, verifier: Verifier, life: Life) -> None:
    """A run that writes stops after what it has sent, unless its approval was to count; any other ends at once."""
    verifier.event(event, "scheduler")
    run = await runs.find(work, event.run_id, lock=True)
    if run is None:
        raise WorkerBusyError(f"run {event.run_id} is not known here yet; its order comes again")
    if run.state == "finished" or run.ending is not None:
        return
    order = verifier.order(run.order_token)
    reason = f"cancelled by {event.cancelled_by}" + (f": {event.reason}" if event.reason else "")
    writing = run.state in runs.WRITING
    if writing and event.unless_approved:
        return
    if writing:
        await life.end_early(work, run, order, "cancelled", reason)
    else:
        await life.end(work, run, order, "cancelled", reason)


async def batch_ready(_event: BatchReady, work: Work, *, applying: Sequence[Loop]) -> None:
    """A doorbell: the loop looks for batches itself. That it rang may be forgotten."""
    await work.without_sync()
    _wake(applying)


def _wake(loops: Sequence[Loop]) -> None:
    for loop in loops:
        loop.wake()


async def _ended_altered(run_id: str, work: Work, verifier: Verifier, life: Life) -> bool:
    """Ends a run whose plan in the tables is not what was signed: no decision can be about that."""
    run = await runs.find(work, run_id, lock=True)
    if run is None or run.state != "planned":
        return False
    try:
        await require_as_planned(work, run, verifier)
    except AlteredError as error:
        await life.end_altered(work, run, verifier.order_if_true(run.order_token), str(error))
        return True
    return False


async def _decided(
    event: RunApproved | RunDenied, work: Work, verifier: Verifier, *, approved: bool
) -> tuple[runs.Run, Order, Decision]:
    """The run that a decision is about, if the decision is about its plan and says what the event says."""
    run = await runs.find(work, event.run_id, lock=True)
    if run is None or run.plan_token is None:
        raise ForgedEventError(f"a decision about run {event.run_id}, which has no plan")
    decision = verifier.decision(event.decision, run.plan_token)
    if decision.run_id != run.run_id or decision.approved is not approved:
        raise ForgedEventError(f"the decision about run {run.run_id} says something else than its event")
    return run, verifier.order(run.order_token), decision


def _refuse_replay(run: runs.Run) -> None:
    """A decision that comes again under a new id, or after another, is somebody's doing. One about a run that was
    cancelled is only late."""
    if run.decision_token is not None:
        raise ReplayedEventError(f"a decision about run {run.run_id} was carried out before")
