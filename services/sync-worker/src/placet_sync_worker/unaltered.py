"""Whether the tables still hold of a run what was signed: who can write to them decides nothing."""

from typing import Any

from sqlalchemy import Row

from placet_shared.chain import Order, PlanHeader, Verifier
from placet_shared.errors import ForgedEventError
from placet_shared.work import Work

from .changes import Phase
from .errors import WorkerError
from .plan import plan_digest
from .store import batches


class AlteredError(WorkerError):
    """What is to be applied is not what was approved."""


async def require_as_planned(work: Work, run: Row[Any], verifier: Verifier) -> tuple[Order, PlanHeader]:
    """The order and the plan of a run of which nothing was applied yet. Raises AlteredError."""
    try:
        order = verifier.order(run.order_token)
        plan = verifier.plan(run.plan_token or "", run.order_token)
    except ForgedEventError as error:
        raise AlteredError(f"what is stored of this run is not what was signed ({error}); run the job again") from error
    stored = await require_batches(work, run.run_id, plan)
    if stored != len(await batches.open_batches(work, run.run_id)):
        raise AlteredError("a batch of the plan was called done before the approval; run the job again")
    return order, plan


async def require_batches(work: Work, run_id: str, plan: PlanHeader) -> int:
    """How many batches the plan has. Raises AlteredError unless they are those that were signed."""
    stored = await batches.digests(work, run_id)
    if {phase for phase, _, _ in stored} <= {phase.value for phase in Phase}:
        listed = [(Phase(phase), index, digest) for phase, index, digest in stored]
        if plan_digest(listed) == plan.digest:
            return len(listed)
    raise AlteredError("a batch of the plan was dropped, added or changed after the approval; run the job again")


async def load_signed(work: Work, batch: Row[Any]) -> batches.Loaded:
    """What a batch holds. Raises AlteredError where that is nothing that was ever planned."""
    try:
        return await batches.load(work, batch)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise AlteredError("a change of the plan was altered after the approval; run the job again") from error
