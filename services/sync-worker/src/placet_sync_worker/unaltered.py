"""Whether the tables still hold of a run what was signed: who can write to them decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from placet_shared.chain import Order, PlanHeader, Verifier
from placet_shared.errors import ForgedEventError, ReplayedEventError
from placet_shared.work import Work

from .changes import PHASES
from .errors import WorkerError
from .plan import batch_digest, canonical, change_hash, plan_digest
from .store import batches, settling


class AlteredError(WorkerError):
    """What is to be applied is not what was approved."""


FIRST_CLAIM = 1
"""The epoch of a batch that no worker had before."""

Digests = Mapping[tuple[int, int], str]
"""Those of a plan's batches, by phase and index."""


@dataclass(frozen=True)
class Signed:
    """What was ordered, planned and approved of a run."""

    order: Order
    plan: PlanHeader
    digests: Digests

    def require(self, batch: Row[Any], loaded: batches.Loaded) -> None:
        """Raises AlteredError unless the changes of a batch are those that were signed, and none was called done before
        a worker had claimed it."""
        items = [(one.hash, one.positions) for one in loaded.stored]
        signed = self.digests.get((batch.phase, batch.ordinal))
        if signed is None or batch_digest(PHASES[batch.phase], batch.ordinal, items) != signed:
            raise AlteredError(CHANGE_ALTERED)
        if batch.epoch == FIRST_CLAIM and loaded.proven:
            raise AlteredError("a step of the plan was called done before any worker sent it; run the job again")


def require_epoch(order: Order, epoch: int) -> None:
    """Raises ReplayedEventError for what was ordered before the database was restored."""
    if order.epoch != epoch:
        raise ReplayedEventError(f"run {order.run_id} was ordered in epoch {order.epoch}, now is {epoch}; run it again")


async def require_as_planned(work: Work, run: Row[Any], verifier: Verifier) -> tuple[Order, PlanHeader]:
    """The order and the plan of a run of which nothing was applied yet. Raises AlteredError."""
    try:
        order = verifier.order(run.order_token)
        plan = verifier.plan(run.plan_token or "", run.order_token)
    except ForgedEventError as error:
        raise AlteredError(f"what is stored of this run is not what was signed ({error}); run the job again") from error
    if run.planned_at != plan.planned_at:
        raise AlteredError("the time of the plan was altered; run the job again")
    stored = await require_batches(work, run.run_id, plan)
    if len(stored) != len(await batches.open_batches(work, run.run_id)):
        raise AlteredError("a batch of the plan was called done before the approval; run the job again")
    if await settling.any_step(work, run.run_id):
        raise AlteredError("a step of the plan was called sent before the approval; run the job again")
    return order, plan


async def require_signed(work: Work, run: Row[Any], verifier: Verifier) -> Signed:
    """Verifies the whole chain of a run that is to be written. Raises AlteredError and ForgedEventError."""
    order = verifier.order(run.order_token)
    plan = verifier.plan(run.plan_token or "", run.order_token)
    decision = verifier.decision(run.decision_token or "", run.plan_token or "")
    if not decision.approved or {order.run_id, plan.run_id, decision.run_id} != {run.run_id}:
        raise ForgedEventError(f"the chain of signatures of run {run.run_id} does not hold")
    return Signed(order, plan, await require_batches(work, run.run_id, plan))


async def require_batches(work: Work, run_id: str, plan: PlanHeader) -> Digests:
    """The digests of the plan's batches. Raises AlteredError unless they are those that were signed."""
    stored = await batches.digests(work, run_id)
    if {phase for phase, _, _ in stored} <= {*range(len(PHASES))}:
        listed = [(PHASES[phase], index, digest) for phase, index, digest in stored]
        if plan_digest(listed) == plan.digest:
            return {(phase, index): digest for phase, index, digest in stored}
    raise AlteredError("a batch of the plan was dropped, added or changed after the approval; run the job again")


async def load_signed(work: Work, batch: Row[Any]) -> batches.Loaded:
    """What a batch holds. Raises AlteredError where that is nothing that was ever planned."""
    try:
        return await batches.load(work, batch)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise AlteredError(CHANGE_ALTERED) from error


async def require_shown(work: Work, run: Row[Any], rows: Sequence[Row[Any]], verifier: Verifier) -> None:
    """Passes if changes that people are shown are those of the signed plan; what was erased shows nothing. Raises
    AlteredError."""
    if not rows or run.plan_token is None:
        return
    try:
        await require_batches(work, run.run_id, verifier.plan(run.plan_token, run.order_token, audit=True))
        held = await batches.hashes_of(work, run.run_id, [row.number for row in rows])
        whole = all(batch_digest(PHASES[one.phase], one.ordinal, hashes) == one.digest for one, hashes in held)
        hashed = all(row.document is None or change_hash(canonical(row.document), row.salt) == row.hash for row in rows)
        numbered = {number for one, _ in held for number, _ in one.items} >= {row.number for row in rows}
    except (ForgedEventError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise AlteredError(CHANGE_ALTERED) from error
    if not (whole and hashed and numbered):
        raise AlteredError(CHANGE_ALTERED)


CHANGE_ALTERED = "a change of the plan was altered after it was signed; run the job again"
