"""A run's way through the worker, inside open transactions: approved, phase by phase, to its one end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row

from placet_shared.alarms import raise_alarm
from placet_shared.chain import DestinationIdentity, Order, Signer, Verifier
from placet_shared.errors import ForgedEventError
from placet_shared.events import BatchReady, Counts, Outcome, Results, RunFinished
from placet_shared.letters import storable
from placet_shared.work import Work

from .changes import PHASES, REMOVAL_PHASES, Phase, Result
from .endings import TOO_MANY_FAILURES, UNSENT, Ending, outcome_of, too_many_failures
from .store import batches, closing, links, marks, passwords, results, runs

log = structlog.get_logger()

ORDER_ALTERED = "the order in the database is not what the scheduler signed; run the job again"


@dataclass(frozen=True)
class Life:
    """Moves runs on. A plan that waited longer than `look_after`, until its first batch or since the last look until
    removals, is held against the source once more. Removals of two runs at one store never overlap."""

    signer: Signer
    verifier: Verifier
    look_after: timedelta = timedelta(minutes=15)

    async def start(self, work: Work, run: Row[Any], decision: str, order: Order) -> None:
        """The plan was approved: its first phase begins."""
        give_up_after = int(order.snapshot.job.give_up_after.total_seconds())
        await runs.change(work, run.run_id, state="applying", decision_token=decision, give_up_after=give_up_after)
        await self.advance(work, run.run_id, order)

    async def advance(self, work: Work, run_id: str, order: Order) -> None:
        """Goes on to the next phase when the one before is over, and to the end after the last."""
        run = await runs.find(work, run_id, lock=True)
        if run is None or run.state != "applying" or await batches.any_ready(work, run_id):
            return
        left = await batches.open_batches(work, run_id)
        if not left:
            await self.end_applied(work, run, order)
            return
        phase = PHASES[left[0].phase]
        if phase in REMOVAL_PHASES and too_many_failures(await results.tally_before_removals(work, run_id)):
            removals = [p.number for p in REMOVAL_PHASES]
            await closing.close_unsent(work, run_id, Result.SKIPPED, TOO_MANY_FAILURES, removals)
            await self.advance(work, run_id, order)
            return
        if phase in REMOVAL_PHASES and not await self._may_remove(work, run, order):
            return
        if self._look_is_due(run, phase, work.now):
            await runs.change(work, run_id, state="looking", next_at=work.now)
            return
        await batches.make_ready(work, run_id, phase.number)
        await runs.change(work, run_id, phase=phase.number)
        mine = [batch for batch in left if batch.phase == phase.number]
        await work.publish_alike(
            [BatchReady(run_id=run_id, batch_id=one.batch_id, phase=phase.value, index=one.ordinal) for one in mine]
        )

    async def _may_remove(self, work: Work, run: Row[Any], order: Order) -> bool:
        """Whether the removals at the store are this run's alone; else it waits for them, or has ended."""
        try:
            store = self.verifier.plan(run.plan_token or "", run.order_token).destination
        except ForgedEventError as error:
            await self.end_altered(work, run, order, f"{error}; run the job again")
            return False
        if await runs.hold_removals(work, run.run_id, _known_as(store)):
            return True
        log.info("removals_wait", run_id=run.run_id, store=order.snapshot.destination.name)
        await runs.change(work, run.run_id, state="waiting")
        return False

    def _look_is_due(self, run: Row[Any], phase: Phase, now: datetime) -> bool:
        return (run.phase is None or phase in REMOVAL_PHASES) and now - (
            run.looked_at or run.planned_at
        ) > self.look_after

    async def go_on(self, work: Work, run: Row[Any], order: Order) -> None:
        """Another run's removals may be over: a run that waited for them tries again."""
        await runs.change(work, run.run_id, state="applying")
        await self.advance(work, run.run_id, order)

    async def end_looked(self, work: Work, run: Row[Any], order: Order, moved: Mapping[str, Sequence[int]]) -> None:
        """The source was read again: changes whose records moved (their numbers by the reason) are not written."""
        await closing.close_some(work, run.run_id, Result.CONFLICT, moved)
        await runs.change(
            work, run.run_id, state="applying", looked_at=work.now, lease_until=None, stalled_since=None, stalls=0
        )
        await self.advance(work, run.run_id, order)

    async def end_early(self, work: Work, run: Row[Any], order: Order, ending: Ending, reason: str) -> None:
        """No further step is written; what may have been sent is still looked at before the run ends."""
        await runs.change(work, run.run_id, state="applying", ending=ending, reason=reason)
        await closing.close_unsent(work, run.run_id, UNSENT[ending], reason)
        await self.advance(work, run.run_id, order)

    async def end_applied(self, work: Work, run: Row[Any], order: Order) -> None:
        """All batches are over: the outcome follows from the results."""
        tally, counts = await results.tally(work, run.run_id), Counts.model_validate(run.counts)
        if sum(tally.model_dump().values()) != counts.changes:
            await self.end_altered(work, run, order, "changes of the plan have no result; run the job again")
            return
        outcome = outcome_of(run.ending, counts, tally)
        if outcome in ("succeeded", "succeeded_with_errors"):
            shot = order.snapshot
            await links.link_matches(work, shot.destination.name, shot.job_id, run.run_id)
            if run.ending is None:
                await marks.move(work, shot.job_id, run)
        await self.end(work, run, order, outcome, run.reason, tally)

    async def end_altered(self, work: Work, run: Row[Any], order: Order | None, reason: str) -> None:
        """The plan in the tables, or the destination, is not what was approved: nothing more is written."""
        raise_alarm("altered", run_id=run.run_id, reason=reason)
        await closing.fail_unsent(work, run.run_id, reason)
        await closing.close_all(work, run.run_id)
        await self.end(work, run, order, "failed", reason, await results.tally(work, run.run_id))

    async def end(
        self,
        work: Work,
        run: Row[Any],
        order: Order | None,
        outcome: Outcome,
        reason: str | None,
        tally: Results | None = None,
    ) -> None:
        """The one end of every run. `order` is None where the table's was altered: nobody is told what it says then."""
        if not await runs.finish(work, run.run_id, outcome, reason):
            return
        await links.forget_matches(work, run.run_id)
        await passwords.erase_unproven(work, run.run_id)
        event = self.signer.signed(
            RunFinished,
            run_id=run.run_id,
            job=run.job,
            outcome=outcome,
            reason=reason and storable(reason),
            finished_at=work.now,
            preview=run.preview,
            plan=run.plan_token,
            counts=run.counts,
            results=tally or Results(),
            applied=await results.applied_by_op(work, run.run_id),
            problems=await results.problems(work, run.run_id),
            **_ordered(run, order),
        )
        await work.publish(event)
        log.info("run_finished", run_id=run.run_id, job=run.job, outcome=outcome, reason=reason)


def _known_as(store: DestinationIdentity) -> str:
    """One text for one store, whatever its providers and hosts are called: the id of its base, where there is one."""
    return store.base_id or f"{store.url} {store.base_dn}"


def _ordered(run: Row[Any], order: Order | None) -> dict[str, Any]:
    """What a run's end repeats of its order."""
    if order is None:
        unknown = {"trigger": "manual", "requested_by": "unknown", "requested_at": run.ordered_at}
        return {**unknown, "notify": None, "stores": ()}
    job = order.snapshot.job
    return {
        "trigger": order.trigger,
        "requested_by": order.requested_by,
        "requested_at": order.requested_at,
        "notify": job.notify.model_dump(mode="json") if job.notify else None,
        "stores": (order.snapshot.destination.name, order.snapshot.source.name),
    }
