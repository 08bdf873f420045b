"""Runs of a worker whose connections lead to real files, databases and directories: planned, approved, applied."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from placet_shared.chain import Order, Snapshot
from placet_shared.failpoints import no_failpoint
from placet_shared.objects import Job
from placet_sync_worker.applying.run import BatchApplier
from placet_sync_worker.connections import Connections
from placet_sync_worker.planning.making import PlanMaker
from placet_sync_worker.planning.run import RunPlanner
from placet_sync_worker.testing.scripts import NoScripts
from tests.support.worker import INSTALLATION, LEASE, WorkerHarness

Ended = tuple[str, dict[str, int]]
"""The outcome, and how many changes were written, by operation."""


class Runs:
    """One worker on a real PostgreSQL."""

    def __init__(self, worker: WorkerHarness, connections: Connections, spool: Path, database_url: str) -> None:
        self.worker = worker
        make, sign = PlanMaker(database_url, connections, NoScripts()), worker.sign["sync-worker"]
        common = (no_failpoint, LEASE)
        worker.planner = RunPlanner(worker.database, make, worker.verifier, sign, worker.life, spool, *common)
        worker.applier = BatchApplier(
            worker.database, connections, worker.verifier, worker.life, *common, 1, worker.applier.passwords
        )

    async def ordered(self, job: Job, source: Any, destination: Any, **order: Any) -> str:
        """A run that nobody has planned yet."""
        run_id = str(uuid4())
        shot = Snapshot(job_id="job-1", job=job, source=source, destination=destination)
        preview = bool(order.pop("preview", False))
        made = Order(
            run_id=run_id, installation=INSTALLATION, epoch=1, trigger="manual", requested_by="ada",
            requested_at=datetime.now(UTC), preview=preview, snapshot=shot, **order,
        )  # fmt: skip
        token = self.worker.sign["scheduler"].sign(made)
        await self.worker.tell(self.worker.requested(run_id, token, preview=preview))
        return run_id

    async def planned(self, job: Job, source: Any, destination: Any, **order: Any) -> str:
        """A run whose plan is stored, or that failed."""
        run_id = await self.ordered(job, source, destination, **order)
        assert await self.worker.planner.step()
        return run_id

    async def applied(self, run_id: str) -> Ended:
        """The end of a planned run, once it is approved."""
        if (await self.worker.run(run_id))["state"] == "planned":
            await self.worker.approve(run_id)
            await self.worker.apply_all()
        ends = [one for one in await self.worker.published("placet.run-finished") if one["run_id"] == run_id]
        assert len(ends) == 1, ends
        return ends[0]["outcome"], ends[0]["applied"]
