"""Orders runs: the frozen snapshot of a job and what it refers to, signed, in the transaction that publishes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import structlog

from placet_shared.chain import Order, Signer, Snapshot
from placet_shared.events import Results, RunCancelled, RunRequested, TriggerKind
from placet_shared.objects import CsvProvider, Job, LdapProvider, Provider, Workflow, parse_object
from placet_shared.work import Work

from . import store
from .catalogue import BY_POLICY, Key
from .errors import UnknownObjectError
from .store import Stored

log = structlog.get_logger()


@dataclass(frozen=True)
class Asking:
    """Who wants a run, and why."""

    job: str
    trigger: TriggerKind
    requested_by: str
    reason: str = ""
    preview: bool = False
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class Orderer:
    """Signs orders for one installation and epoch."""

    signer: Signer
    installation: str
    epoch: int

    async def order(self, work: Work, asking: Asking) -> str:
        """The id of the new run, or of the job's open one. Raises UnknownObjectError."""
        catalogue = await store.load_catalogue(work)
        order = self._order(work, asking, catalogue)
        token = self.signer.sign(order)
        if not await store.insert_run(work, _row(order, token)):
            existing = await store.open_run(work, asking.job)
            return existing.run_id if existing else await self.order(work, asking)
        event = RunRequested(
            run_id=order.run_id, job=asking.job, trigger=asking.trigger, requested_by=asking.requested_by,
            preview=asking.preview, order=token,
        )  # fmt: skip
        await work.publish(event)
        log.info("run_requested", run_id=order.run_id, job=asking.job, trigger=asking.trigger)
        return order.run_id

    async def order_or_remember(self, work: Work, asking: Asking) -> None:
        """For triggers and slots: while a run is open, one start is remembered."""
        if not asking.preview and await store.open_run(work, asking.job) is not None:
            await store.remember(work, asking.job, asking.trigger, asking.requested_by, asking.reason)
            return
        await self.order(work, asking)

    async def cancel(self, work: Work, run_id: str, by: str, reason: str) -> None:
        """Asks the worker to end a run; the first asking counts."""
        if await store.mark_cancelled(work, run_id):
            await work.publish(self.signer.signed(RunCancelled, run_id=run_id, cancelled_by=by, reason=reason))

    def _order(self, work: Work, asking: Asking, catalogue: Mapping[Key, Stored]) -> Order:
        return Order(
            run_id=str(uuid4()),
            installation=self.installation,
            epoch=self.epoch,
            trigger="preview" if asking.preview and asking.trigger == "manual" else asking.trigger,
            requested_by=asking.requested_by,
            requested_at=work.now,
            reason=asking.reason,
            preview=asking.preview,
            records=asking.records,
            snapshot=snapshot_of(asking.job, catalogue),
        )


def snapshot_of(name: str, catalogue: Mapping[Key, Stored]) -> Snapshot:
    """A job as it is now, with its providers and workflows. Raises UnknownObjectError."""
    stored = catalogue.get(("job", name))
    if stored is None:
        raise UnknownObjectError(f"there is no job named {name}; see `placet job list`")
    job = parse_object(stored.document)
    assert isinstance(job, Job)
    own = job.workflow if job.workflow not in (None, BY_POLICY) else None
    return Snapshot(
        job_id=stored.object_id,
        job=job,
        source=_provider(job.source.provider, catalogue),
        destination=_provider(job.destination.provider, catalogue),
        workflow=_workflow(own, catalogue) if own else None,
        default_workflow=_workflow("default", catalogue),
    )


def _provider(name: str, catalogue: Mapping[Key, Stored]) -> Provider:
    parsed = parse_object(catalogue["provider", name].document)
    assert isinstance(parsed, CsvProvider | LdapProvider)
    return parsed


def _workflow(name: str, catalogue: Mapping[Key, Stored]) -> Workflow | None:
    stored = catalogue.get(("workflow", name))
    if stored is None:
        return None
    parsed = parse_object(stored.document)
    assert isinstance(parsed, Workflow)
    return parsed


def _row(order: Order, token: str) -> dict[str, Any]:
    return {
        "run_id": order.run_id,
        "job": order.snapshot.job.name,
        "state": "planning",
        "trigger": order.trigger,
        "requested_by": order.requested_by,
        "requested_at": order.requested_at,
        "preview": order.preview,
        "order_token": token,
        "results": Results().model_dump(),
    }
