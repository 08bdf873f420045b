"""Plans one ordered run: claims it, makes the plan in a thread under a lease, signs it, publishes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from placet_shared.chain import Order, PlanHeader, Signer, Verifier, link_hash
from placet_shared.errors import PlacetError, TransientError
from placet_shared.events import RunPlanned
from placet_shared.failpoints import Failpoint
from placet_shared.work import Database, Work

from ..leasing import take_one, under_lease
from ..life import Life
from ..plan import plan_digest
from ..store import explanations, plans, runs
from ..workspace import workspace
from .making import MadePlan, MakePlan

log = structlog.get_logger()

TRY_AGAIN_FOR = timedelta(seconds=30)
PAUSE = timedelta(seconds=2)
APPLY_TIME = timedelta(hours=6)
"""How long after the last moment of its approval a plan may still be applied."""


@dataclass(frozen=True)
class RunPlanner:
    """One turn of the planning loop is `step`."""

    database: Database
    make: MakePlan
    verifier: Verifier
    signer: Signer
    life: Life
    spool: Path
    failpoint: Failpoint
    lease: timedelta

    async def step(self) -> bool:
        """Plans one run; False when none is due."""
        return await take_one(self.database, self.verifier, self.life, "ordered", self.lease, self._plan)

    async def _plan(self, run: runs.Run, order: Order) -> None:
        try:
            with workspace(self.spool) as folder:
                made = await under_lease(
                    self.database, run, self.lease, lambda stopped: self.make(order, folder, stopped)
                )
                with made.planned:
                    self.failpoint("after_planning")
                    await self._save(run, order, made)
        except Exception as error:  # whatever it is, the run comes to its end
            await self._failed(run, order, error)

    async def _save(self, run: runs.Run, order: Order, made: MadePlan) -> None:
        async with self.database.transaction() as work:
            if await runs.mine(work, run):
                await self._publish(work, run, order, made)
            else:
                log.info("plan_fenced")

    async def _failed(self, run: runs.Run, order: Order, error: Exception) -> None:
        may_pass, reason = isinstance(error, TransientError), str(error)
        if not isinstance(error, PlacetError):
            log.exception("planning_broke_off")
            may_pass, reason = True, f"job {run.job}: planning broke off ({error!r}); the worker's log says where"
        async with self.database.transaction() as work:
            if not await runs.mine(work, run):
                return
            if may_pass and work.now - run.first_attempt_at < TRY_AGAIN_FOR:
                log.warning("planning_tried_again", error=reason)
                await runs.try_later(work, run, PAUSE)
            else:
                await self.life.end(work, run, order, "failed", reason)

    async def _publish(self, work: Work, run: runs.Run, order: Order, made: MadePlan) -> None:
        planned = made.planned
        await plans.save_rejected(work, run.run_id, planned.rejected)
        await plans.save_matches(work, run.run_id, planned.matches())
        await explanations.save(work, run.run_id, planned.explanations)
        arranged = await plans.save(work, run.run_id, planned.changes(), whole=made.whole)
        digest = plan_digest([(batch.phase, batch.index, batch.digest) for batch in arranged])
        header = header_of(run, order, made, digest, work.now)
        token = self.signer.sign(header)
        counts = planned.counts.model_dump()
        event = RunPlanned(
            run_id=run.run_id, job=run.job, preview=order.preview, digest=digest, counts=planned.counts,
            order=run.order_token, plan=token,
        )  # fmt: skip
        await work.publish(event)
        await runs.change(
            work, run.run_id, state="planned", plan_token=token, counts=counts, planned_at=work.now,
            record_key=made.record_key, valid_until=header.valid_until, mark=made.mark, lease_until=None,
        )  # fmt: skip
        log.info("run_planned", **counts)
        if order.preview:
            planned_run = await runs.find(work, run.run_id)
            assert planned_run is not None
            await self.life.end(work, planned_run, order, "previewed", None)


def header_of(run: runs.Run, order: Order, made: MadePlan, digest: str, now: datetime) -> PlanHeader:
    """The signed summary of a plan."""
    planned = made.planned
    return PlanHeader(
        run_id=run.run_id,
        order=link_hash(run.order_token),
        destination=made.identity,
        safety=made.safety,
        digest=digest,
        counts=planned.counts,
        by_attribute=planned.by_attribute,
        source_read=planned.source_read,
        destination_read=planned.destination_read,
        within_query=planned.destination_read,
        warnings=planned.warnings,
        checks=planned.checks,
        planned_at=now,
        valid_until=now + longest_wait(order) + APPLY_TIME,
    )


def longest_wait(order: Order) -> timedelta:
    """How long people may take to approve."""
    workflows = (order.snapshot.workflow, order.snapshot.default_workflow)
    waits = [stage.expires_after for workflow in workflows if workflow for stage in workflow.stages]
    return max([*waits, timedelta(hours=72)])
