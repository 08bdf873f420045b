"""Orders runs: the frozen snapshot of a job and what it refers to, signed, in the transaction that publishes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import structlog
from pydantic import ValidationError

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Order, Signer, Snapshot
from placet_shared.complaints import first_complaint
from placet_shared.errors import InvalidError, PermanentError
from placet_shared.events import RunCancelled, RunRequested, TriggerKind
from placet_shared.seals import Seals
from placet_shared.work import LARGEST_BODY, Work

from . import store
from .catalogue_store import DEFAULT_WORKFLOW, Catalogue, hold_catalogue, load_objects
from .errors import OrderTooLargeError
from .references import Key, find, own_workflow, references

log = structlog.get_logger()

LONGEST_REASON = 500
"""Characters; outside services write as much as they like."""

LARGEST_ORDER = LARGEST_BODY // 2
"""Bytes: order and plan travel in one event."""


@dataclass(frozen=True)
class Asking:
    """Who wants a run, and why."""

    job: str
    trigger: TriggerKind
    requested_by: str
    reason: str = ""
    preview: bool = False
    records: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True)
class Orderer:
    """Orders runs and asks for their end, for one installation and epoch. `seals` are those of the catalogue."""

    signer: Signer
    seals: Seals
    installation: str
    epoch: int

    async def order(self, work: Work, asking: Asking) -> str | None:
        """The new run's id; None while the job has an open run. Raises UnknownObjectError, AlteredObjectError or
        OrderTooLargeError."""
        await hold_catalogue(work)
        order = self._order_of(asking, work, await self._with_references(work, asking.job))
        token = _of_bounded_size(self.signer.sign(order), asking.job)
        if not await store.insert_run(work, _row(order, token)):
            return None
        event = RunRequested(
            run_id=order.run_id, job=asking.job, trigger=order.trigger, requested_by=order.requested_by,
            preview=order.preview, order=token,
        )  # fmt: skip
        await work.publish(event)
        log.info("run_requested", run_id=order.run_id, job=asking.job, trigger=order.trigger)
        return order.run_id

    async def order_or_join(self, work: Work, asking: Asking) -> str:
        """For people: the new run, or the one that is open."""
        while True:
            if new := await self.order(work, asking):
                return new
            if existing := await store.open_run(work, asking.job):
                return str(existing.run_id)

    async def order_or_remember(self, work: Work, asking: Asking) -> None:
        """For triggers: while a run is open, one start is remembered."""
        if await self.order(work, asking) is None:
            await store.remember(work, asking.job, asking.trigger, asking.requested_by, asking.reason)
            log.info("start_remembered", job=asking.job, trigger=asking.trigger)

    async def order_unattended(self, work: Work, asking: Asking) -> None:
        """For the clock: a job that cannot be ordered is logged, and holds up nothing else."""
        try:
            async with work.connection.begin_nested():
                await self.order_or_remember(work, asking)
        except PermanentError as error:
            log.error("job_not_started", job=asking.job, trigger=asking.trigger, error=str(error))

    async def start_remembered(self, work: Work, job: str) -> None:
        """Starts what was remembered for a job whose run has ended, if it was by an event or by the clock: nobody signs
        what is remembered, so that it cannot speak for a person."""
        waiting = await store.take_waiting(work, job)
        if waiting is None:
            return
        if _is_nobodys(waiting.trigger, waiting.requested_by):
            await self.order_unattended(work, Asking(job, waiting.trigger, waiting.requested_by, waiting.reason))
        else:
            raise_alarm("altered", job=job, reason=f"a start by {waiting.requested_by} that nobody asked for")

    async def cancel(
        self, work: Work, run_id: str, by: str, reason: str = "", *, unless_approved: bool = False
    ) -> None:
        """Asks the worker to end a run; the first asking counts, a person's more than an edit's."""
        if await store.mark_cancelled(work, run_id, unless_approved=unless_approved):
            why = {"cancelled_by": by, "reason": reason, "unless_approved": unless_approved}
            await work.publish(self.signer.signed(RunCancelled, run_id=run_id, **why))
            log.info("run_cancel_asked", run_id=run_id, by=by)

    async def _with_references(self, work: Work, job: str) -> Catalogue:
        found = await load_objects(work, self.seals, [("job", job)])
        wanted = [*references(find(found, ("job", job)).document), DEFAULT_WORKFLOW]
        return found | await load_objects(work, self.seals, wanted)

    def _order_of(self, asking: Asking, work: Work, catalogue: Catalogue) -> Order:
        return Order(
            run_id=str(uuid4()),
            installation=self.installation,
            epoch=self.epoch,
            trigger="preview" if asking.preview and asking.trigger == "manual" else asking.trigger,
            requested_by=asking.requested_by,
            requested_at=work.now,
            reason=_shortened(asking.reason),
            preview=asking.preview,
            records=asking.records,
            everything=asking.everything,
            snapshot=snapshot_of(asking.job, catalogue),
        )


def _is_nobodys(trigger: str, requested_by: str) -> bool:
    return (trigger, requested_by) == ("event", "event") or (
        trigger == "schedule" and _A_SCHEDULE.fullmatch(requested_by) is not None
    )


_A_SCHEDULE = re.compile(r"schedule \S+")
"""No user's name has a space in it."""


def _shortened(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…"


def _of_bounded_size(token: str, job: str) -> str:
    if len(token) > LARGEST_ORDER:
        raise OrderTooLargeError(
            f"the order of job {job} has {len(token):,} bytes of at most {LARGEST_ORDER:,}; "
            "ask for fewer records, or make the job shorter"
        )
    return token


def snapshot_of(job: str, catalogue: Catalogue) -> Snapshot:
    """A job as it is now, with its providers and workflows. `default_workflow` goes along with `workflow: none` too:
    people decide by it where limits want them. Raises InvalidError for what an older version has saved."""
    stored = catalogue["job", job]
    own, document = own_workflow(stored.document), stored.document

    def found(key: Key) -> Mapping[str, Any] | None:
        return catalogue[key].document if key in catalogue else None

    parts = {
        "job_id": stored.object_id,
        "job": document,
        "source": found(("provider", document["source"]["provider"])),
        "destination": found(("provider", document["destination"]["provider"])),
        "workflow": found(("workflow", own)) if own else None,
        "default_workflow": found(DEFAULT_WORKFLOW),
    }
    try:
        return Snapshot.model_validate(parts)
    except ValidationError as error:
        raise InvalidError(f"job {job} cannot run as it is saved: {first_complaint(error)}; apply it again") from error


def _row(order: Order, token: str) -> dict[str, Any]:
    same = ("run_id", "trigger", "requested_by", "requested_at", "preview")
    more = {"job": order.snapshot.job.name, "trigger_reason": order.reason or None, "order_token": token}
    return {name: getattr(order, name) for name in same} | more
