"""Holds a plan that waited against its source once more: one worker under the run's lease, while no batch is ready."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import SystemRandom

import structlog

from placet_shared.chain import Order, Verifier
from placet_shared.errors import PlacetError
from placet_shared.failpoints import Failpoint
from placet_shared.work import Database

from ..changes import Change
from ..connections import Connections
from ..leasing import Stopped, end_altered, under_lease
from ..life import ORDER_ALTERED, Life
from ..mapping.script import ScriptEngine
from ..planning.design import Options
from ..planning.rereading import Moved, moved
from ..store import runs
from ..store.links import stream_links
from ..store.plans import stream_unsent
from ..unaltered import CHANGE_ALTERED, AlteredError
from ..workspace import workspace
from .run import pause_after

log = structlog.get_logger()

ReadAgain = Callable[[runs.Run, Order, Path, Stopped], Moved]
"""Says which changes of a run moved in the source, with an empty folder for its spool. Blocks."""


@dataclass(frozen=True)
class SourceReader:
    """Reads the real source again."""

    database_url: str
    connections: Connections
    scripts: ScriptEngine

    def __call__(self, run: runs.Run, order: Order, folder: Path, stopped: Stopped) -> Moved:
        """The destination is asked for its schema alone."""
        shot = order.snapshot
        options = Options.of(shot.destination, record_key=run.record_key or b"")
        links = stream_links(self.database_url, shot.destination.name, shot.job_id)
        unsent = _parsed(stream_unsent(self.database_url, run.run_id))
        with (
            closing(self.connections.destination(shot.destination, shot.job)) as destination,
            closing(self.connections.source(shot.source)) as source,
        ):
            return moved(
                shot.job, source, destination, unsent, links, folder,
                scripts=self.scripts, options=options, stopped=stopped,
            )  # fmt: skip


@dataclass(frozen=True)
class SourceLooker:
    """One turn of the looking loop is `step`."""

    database: Database
    read_again: ReadAgain
    verifier: Verifier
    life: Life
    spool: Path
    failpoint: Failpoint
    lease: timedelta

    async def step(self) -> bool:
        """Looks for one run; False when none is due."""
        async with self.database.transaction() as work:
            run = await runs.claim(work, "looking", self.lease)
        if run is None:
            return False
        with structlog.contextvars.bound_contextvars(run_id=run.run_id, job=run.job):
            order = self.verifier.order_if_true(run.order_token)
            if order is None:
                await end_altered(self.database, self.life, run, None, ORDER_ALTERED)
            else:
                await self._look(run, order)
        return True

    async def _look(self, run: runs.Run, order: Order) -> None:
        try:
            with workspace(self.spool) as folder:
                found = await under_lease(
                    self.database, run, self.lease, lambda stopped: self.read_again(run, order, folder, stopped)
                )
        except AlteredError as error:
            await end_altered(self.database, self.life, run, order, str(error))
            return
        except Exception as error:  # the source is away, or cannot be read as it is: it is tried again like a write
            if not isinstance(error, PlacetError):
                log.exception("looking_broke_off")
            await self._stalled(run, order, str(error) or repr(error))
            return
        self.failpoint("after_look")
        async with self.database.transaction() as work:
            if not await runs.mine(work, run):
                log.warning("look_fenced")
                return
            log.info("source_read_again", moved=sum(map(len, found.values())))
            await self.life.end_looked(work, run, order, found)

    async def _stalled(self, run: runs.Run, order: Order, why: str) -> None:
        """The run waits, and gives up when it waited for too long."""
        async with self.database.transaction() as work:
            if not await runs.mine(work, run):
                return
            since = run.stalled_since or work.now
            log.warning("source_not_read_again", why=why, stalls=run.stalls)
            await runs.change(work, run.run_id, stalled_since=since, stalls=run.stalls + 1)
            await runs.try_later(work, run, pause_after(run.stalls, SystemRandom().random()))
            if work.now - since >= timedelta(seconds=run.give_up_after):
                reason = f"gave up: the source could not be read again before writing: {why}"
                await self.life.end_early(work, run, order, "gave_up", reason)


def _parsed(rows: Iterator[tuple[int, object]]) -> Iterator[tuple[int, Change]]:
    """Raises AlteredError where a document is none that a plan was ever saved as."""
    for number, document in rows:
        try:
            yield number, Change.parse(document)  # type: ignore[arg-type]  # what else it may be raises
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise AlteredError(CHANGE_ALTERED) from error
