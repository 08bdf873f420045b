"""Plans one ordered run: claims it, makes the plan in a thread under a lease, signs it, publishes it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from placet_shared.chain import DestinationIdentity, Order, PlanHeader, Signer, Verifier, link_hash
from placet_shared.errors import PlacetError, TransientError
from placet_shared.events import RunPlanned
from placet_shared.failpoints import Failpoint
from placet_shared.work import Database, Work

from ..connections import Connections
from ..keys import split_key
from ..leasing import end_altered, under_lease
from ..life import ORDER_ALTERED, Life
from ..mapping.script import ScriptEngine
from ..plan import plan_digest
from ..ports import Safety
from ..safety import safety_of
from ..store import explanations, marks, plans, runs
from ..store.links import JobLinks
from ..workspace import workspace
from .design import Options
from .digesting import RECORD_KEY_SIZE
from .planner import PlannedRun, plan_run
from .progress import Known, basis_of

log = structlog.get_logger()

TRY_AGAIN_FOR = timedelta(seconds=30)
PAUSE = timedelta(seconds=2)
APPLY_TIME = timedelta(hours=6)
"""How long after the last moment of its approval a plan may still be applied."""


@dataclass(frozen=True)
class MadePlan:
    """A plan with what it was made for; `whole`: it is applied as one batch; `mark`: what becomes the job's mark if the
    run succeeds; `record_key`: of its records' digests."""

    planned: PlannedRun
    identity: DestinationIdentity
    safety: Safety
    whole: bool = False
    mark: Mapping[str, str | None] | None = None
    record_key: bytes = b""


MakePlan = Callable[[Order, Path, Callable[[], bool]], MadePlan]
"""Makes the plan of an order, with an empty folder for its spool, until the third argument says to stop. Blocks."""


@dataclass(frozen=True)
class PlanMaker:
    """Makes plans from real providers."""

    database_url: str
    connections: Connections
    scripts: ScriptEngine

    def __call__(self, order: Order, folder: Path, stopped: Callable[[], bool]) -> MadePlan:
        """Reads both sides and compares them."""
        shot = order.snapshot
        destination = self.connections.destination(shot.destination, shot.job)
        try:
            source = self.connections.source(shot.source)
            try:
                links = JobLinks(self.database_url, shot.destination.name, shot.job_id)
                keeps, record_key = self.connections.keeps_passwords, os.urandom(RECORD_KEY_SIZE)
                options = Options.of(
                    shot.destination, order.records, record_key, keeps_passwords=keeps, explain=order.preview
                )
                planned = plan_run(
                    shot.job, source, destination, links, folder, scripts=self.scripts, options=options,
                    stopped=stopped, known=self._known(order),
                )  # fmt: skip
                whole, mark = destination.whole() is not None, mark_of(order, planned)
                safety = safety_of(destination, shot.job)
                return MadePlan(planned, destination.identity(), safety, whole, mark, record_key)
            finally:
                source.close()
        finally:
            destination.close()

    def _known(self, order: Order) -> Known | None:
        shot = order.snapshot
        if shot.job.mode == "all":
            return None
        stamp, waiting = marks.find(self.database_url, shot.job_id, basis_of(shot))
        parts = len(shot.job.key)
        keys = tuple(key for key in (split_key(shown, parts) for shown in waiting) if len(key) == parts)
        return Known(stamp, keys, order.everything)


def mark_of(order: Order, planned: PlannedRun) -> Mapping[str, str | None] | None:
    """None where the mark stays: nobody acts on a preview, and of single records nothing follows for the others."""
    if order.snapshot.job.mode == "all" or order.preview or order.records:
        return None
    return {"basis": basis_of(order.snapshot), "stamp": planned.mark}


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
        async with self.database.transaction() as work:
            run = await runs.claim(work, "ordered", self.lease)
        if run is None:
            return False
        with structlog.contextvars.bound_contextvars(run_id=run.run_id, job=run.job):
            order = self.verifier.order_if_true(run.order_token)
            if order is None:
                reason = f"{ORDER_ALTERED}; run the job again"
                await end_altered(self.database, self.life, run, None, reason)
            else:
                await self._plan(run, order)
        return True

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
