"""Holds a plan that waited against its source once more: one worker under the run's lease, while no batch is ready."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import SystemRandom

import structlog

from placet_shared.backoff import backoff
from placet_shared.chain import Order, Verifier
from placet_shared.errors import PlacetError
from placet_shared.failpoints import Failpoint
from placet_shared.work import Database

from ..leasing import FIRST_PAUSE, LONGEST_PAUSE, end_altered, take_one, under_lease
from ..life import Life
from ..store import runs
from ..unaltered import AlteredError
from ..workspace import workspace
from .reading_again import ReadAgain

log = structlog.get_logger()


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
        return await take_one(self.database, self.verifier, self.life, "looking", self.lease, self._look)

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
            pause = backoff(run.stalls + 1, FIRST_PAUSE, LONGEST_PAUSE, SystemRandom().random())
            await runs.try_later(work, run, pause)
            if work.now - since >= timedelta(seconds=run.give_up_after):
                reason = f"gave up: the source could not be read again before writing: {why}"
                await self.life.end_early(work, run, order, "gave_up", reason)
