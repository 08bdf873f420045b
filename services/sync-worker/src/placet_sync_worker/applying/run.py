"""Applies batches: claims one, checks that it is what was approved, writes it in a thread, settles the results."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import SystemRandom
from typing import Any

import structlog
from sqlalchemy import Row

from placet_shared.backoff import backoff
from placet_shared.chain import Verifier
from placet_shared.clock import boot_seconds
from placet_shared.errors import ForgedEventError, PlacetError, ReplayedEventError
from placet_shared.events import BatchApplied
from placet_shared.failpoints import Failpoint
from placet_shared.work import Database, Work

from ..changes import PHASES, PROVEN, Result
from ..connections import Connections
from ..endings import results_of
from ..leasing import FIRST_PAUSE, LONGEST_PAUSE
from ..life import Life
from ..passwords.keeping import PasswordKeeper
from ..passwords.keys import PasswordKeyError
from ..ports import Destination
from ..safety import safety_of
from ..store import batches, closing, links, runs, settling
from ..tasks import Outcome, Task, Writer
from ..unaltered import AlteredError, Signed, load_signed, require_epoch, require_signed

log = structlog.get_logger()

WRITING = 0.75
"""All sends of a batch end within this part of its lease."""


@dataclass(frozen=True)
class Claimed:
    """A claimed batch that was found to be as approved."""

    batch: Row[Any]
    run: Row[Any]
    signed: Signed
    loaded: batches.Loaded
    look_only: bool
    deadline: float


@dataclass
class BatchApplier:
    """One turn of the applying loop is `step`. Keeps one destination open, for the run that it works on."""

    database: Database
    connections: Connections
    verifier: Verifier
    life: Life
    failpoint: Failpoint
    lease: timedelta
    epoch: int
    passwords: PasswordKeeper
    _open: tuple[str, Destination, Writer] | None = field(default=None, init=False)
    _signed: dict[tuple[str | None, ...], Signed] = field(default_factory=dict, init=False)

    async def step(self) -> bool:
        """Applies one batch; False when none is due."""
        deadline = boot_seconds() + WRITING * self.lease.total_seconds()
        async with self.database.transaction() as work:
            claimed = await batches.claim(work, self.lease)
            if claimed is None:
                self._close()
                return False
            job = await self._prepare(work, *claimed, deadline)
        if job is not None:
            with structlog.contextvars.bound_contextvars(run_id=job.run.run_id, job=job.run.job):
                self.failpoint("after_claim")
                await self._apply(job)
        return True

    async def _prepare(self, work: Work, run: Row[Any], batch: Row[Any], deadline: float) -> Claimed | None:
        """Checks a claimed batch and notes that its steps may be sent; None when there is nothing to write."""
        if run.state != "applying":
            await batches.mark_done(work, batch.batch_id)
            return None
        try:
            signed = await self._once_verified(work, run)
            require_epoch(signed.order, self.epoch)
            loaded = await load_signed(work, batch)
            signed.require(batch, loaded)
            loaded = await batches.with_made(work, run.run_id, loaded)
        except (ForgedEventError, ReplayedEventError, AlteredError) as error:
            await self._end_altered(work, run, str(error))
            return None
        if run.ending is None and signed.plan.valid_until < work.now:
            await batches.release(work, batch.batch_id)
            reason = "the plan was no longer valid; run the job again"
            await self.life.end_early(work, run, signed.order, "expired", reason)
            return None
        claimed = Claimed(batch, run, signed, loaded, run.ending is not None, deadline)
        return claimed if run.ending is not None else await self._with_intents(work, claimed)

    async def _with_intents(self, work: Work, job: Claimed) -> Claimed | None:
        """From now on the steps may be sent, with the passwords that some of them set."""
        try:
            tasks = await self.passwords.given(work, job.signed.order.snapshot.job, job.loaded.tasks)
        except AlteredError as error:
            await self._end_altered(work, job.run, str(error))
            return None
        except PasswordKeyError as error:
            await self._stalled(work, job, job.run, str(error), moved=False)
            return None
        await settling.mark_intents(work, job.run.run_id, tasks)
        return replace(job, loaded=replace(job.loaded, tasks=tasks))

    async def _once_verified(self, work: Work, run: Row[Any]) -> Signed:
        """What was signed of the run: verified once per process and run. Its batches are compared with that from then
        on, so that nobody who can write to the tables adds one."""
        tokens = (run.run_id, run.order_token, run.plan_token, run.decision_token)
        if tokens not in self._signed:
            self._signed = {tokens: await require_signed(work, run, self.verifier)}
        return self._signed[tokens]

    async def _end_altered(self, work: Work, run: Row[Any], reason: str) -> None:
        await self.life.end_altered(work, run, self.verifier.order_if_true(run.order_token), reason)

    # ---- writing -----------------------------------------------------------------------------------------------------

    async def _apply(self, job: Claimed) -> None:
        tasks = list(job.loaded.tasks)
        try:
            outcomes = await asyncio.to_thread(self._write, job, tasks)
        except AlteredError as error:
            async with self.database.transaction() as work:
                if await self._mine(work, job):
                    await self._end_altered(work, job.run, str(error))
            return
        except Exception as error:  # unreachable, wrong password, …: the batch comes again until the run gives up
            self._close()
            if not isinstance(error, PlacetError):
                log.exception("writing_broke_off")
            outcomes = [Outcome(None, str(error) or repr(error)) for _ in tasks]
        self.failpoint("after_ldap_write")
        async with self.database.transaction() as work:
            await self._settle(work, job, list(zip(tasks, outcomes, strict=True)))
        self.failpoint("after_settle")

    def _write(self, job: Claimed, tasks: Sequence[Task]) -> list[Outcome]:
        """Blocks: one bind for all batches of a run, as long as every answer comes."""
        writer = self._writer(job)
        outcomes = writer.apply(tasks, job.deadline, look_only=job.look_only)
        if any(outcome.result is None for outcome in outcomes):
            self._close()
        return outcomes

    def _writer(self, job: Claimed) -> Writer:
        if self._open is None or self._open[0] != job.run.run_id:
            self._close()
            shot = job.signed.order.snapshot
            destination = self.connections.destination(shot.destination, shot.job)
            found = destination.identity(), safety_of(destination, shot.job)
            if found != (job.signed.plan.destination, job.signed.plan.safety):
                destination.close()
                raise AlteredError(
                    "the destination, or how safely it can be written to, is not what the plan was approved for;"
                    " run the job again"
                )
            keys = tuple(destination.attribute(key.destination).name for key in shot.job.key)
            self._open = (job.run.run_id, destination, self.connections.writer(shot.destination, destination, keys))
        return self._open[2]

    def _close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    # ---- settling ----------------------------------------------------------------------------------------------------

    async def _settle(self, work: Work, job: Claimed, done: list[tuple[Task, Outcome]]) -> None:
        run = await self._mine(work, job)
        if run is None:
            return
        reason = run.reason or ""
        settled = [(task, _with_reason(outcome, reason)) for task, outcome in done]
        settled += [(task, Outcome(Result.SKIPPED, why)) for task, why in job.loaded.blocked]
        await settling.settle(work, run.run_id, settled)
        await self._link(work, job, settled)
        still_open = [outcome for _, outcome in settled if outcome.result is None]
        if still_open:
            await self._stalled(
                work, job, run, still_open[0].reason or "no answer", moved=len(still_open) < len(settled)
            )
            return
        await batches.mark_done(work, job.batch.batch_id)
        if run.stalled_since is not None:
            await runs.change(work, run.run_id, stalled_since=None, stalls=0)
        await self._publish_applied(work, job, settled)
        await self.life.advance(work, run.run_id, job.signed.order)

    async def _mine(self, work: Work, job: Claimed) -> Row[Any] | None:
        """The run as it is now, locked; None where another worker has the batch by now."""
        run = await runs.find(work, job.run.run_id, lock=True)
        if await batches.still_mine(work, job.batch):
            return run
        log.warning("batch_fenced", batch_id=job.batch.batch_id)
        return None

    async def _link(self, work: Work, job: Claimed, settled: list[tuple[Task, Outcome]]) -> None:
        shot = job.signed.order.snapshot
        good = [(task, outcome) for task, outcome in settled if outcome.result in PROVEN]
        made = [(str(o.entry_id), t.change.key, not t.is_last) for t, o in good if t.step.what == "add" and o.entry_id]
        finished = [t.change.key for t, _ in good if t.change.op == "create" and t.is_last and t.step.what != "add"]
        gone = [str(t.change.id) for t, _ in good if t.step.what == "delete"]
        await links.link(work, shot.destination.name, shot.job_id, made)
        await links.finish(work, shot.destination.name, shot.job_id, finished)
        await links.unlink(work, shot.destination.name, gone)

    async def _stalled(self, work: Work, job: Claimed, run: Row[Any], why: str, *, moved: bool) -> None:
        """Something has no answer: the run waits, and gives up when nothing has moved for too long."""
        since = work.now if moved or run.stalled_since is None else run.stalled_since
        log.warning("batch_comes_again", batch_id=job.batch.batch_id, why=why, stalls=run.stalls)
        await runs.change(work, run.run_id, stalled_since=since, stalls=run.stalls + 1)
        pause = backoff(run.stalls + 1, FIRST_PAUSE, LONGEST_PAUSE, SystemRandom().random())
        await batches.give_back(work, run.run_id, job.batch.batch_id, pause)
        if work.now - since < timedelta(seconds=run.give_up_after):
            return
        if run.ending is None:
            await self.life.end_early(work, run, job.signed.order, "gave_up", f"gave up: {why}")
        await closing.close_all(work, run.run_id)
        await self.life.advance(work, run.run_id, job.signed.order)

    async def _publish_applied(self, work: Work, job: Claimed, settled: list[tuple[Task, Outcome]]) -> None:
        tally: dict[str, int] = {}
        for _, outcome in settled:
            name = str(outcome.result)
            tally[name] = tally.get(name, 0) + 1
        phase = PHASES[job.batch.phase].value
        event = BatchApplied(
            run_id=job.run.run_id, batch_id=job.batch.batch_id, phase=phase, index=job.batch.ordinal,
            results=results_of(tally),
        )  # fmt: skip
        await work.publish(event)


def _with_reason(outcome: Outcome, reason: str) -> Outcome:
    """A step that was skipped because the run ends says why it ends."""
    if outcome.result is Result.SKIPPED and outcome.reason is None:
        return Outcome(Result.SKIPPED, reason)
    return outcome
