"""Makes a plan from real providers: opens both sides, and gives what planning needs to know of them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from placet_shared.chain import DestinationIdentity, Order

from ..connections import Connections
from ..keys import split_key
from ..leasing import Stopped
from ..mapping.script import ScriptEngine
from ..ports import Safety
from ..safety import safety_of
from ..store import marks
from ..store.links import JobLinks
from .design import Options
from .digesting import RECORD_KEY_SIZE
from .planner import PlannedRun, plan_run
from .progress import Known, basis_of


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


MakePlan = Callable[[Order, Path, Stopped], MadePlan]
"""Makes the plan of an order, with an empty folder for its spool, until the third argument says to stop. Blocks."""


@dataclass(frozen=True)
class PlanMaker:
    """Makes plans from real providers."""

    database_url: str
    connections: Connections
    scripts: ScriptEngine

    def __call__(self, order: Order, folder: Path, stopped: Stopped) -> MadePlan:
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
