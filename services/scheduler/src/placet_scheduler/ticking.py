"""The clock: starts the jobs whose time has come, each slot once, whatever the number of replicas."""

from dataclasses import dataclass

import structlog

from placet_shared.errors import PermanentError
from placet_shared.objects import Schedule
from placet_shared.work import Database, Work

from . import store
from .catalogue import schedule_of
from .catalogue_store import documents_of, hold_catalogue, load_objects
from .ordering import Asking, Orderer
from .references import Documents, references
from .times import check_schedule, next_times

log = structlog.get_logger()


@dataclass(frozen=True)
class Clock:
    """One turn of the clock's loop is `tick`."""

    database: Database
    orderer: Orderer

    async def tick(self) -> None:
        """Starts what is due, and what was remembered while a run was open that has ended since."""
        while await self._start_one():
            pass
        async with self.database.transaction() as work:
            jobs = await store.jobs_that_can_start(work)
        for job in jobs:
            async with self.database.transaction() as work:
                await hold_catalogue(work)
                await self.orderer.start_remembered(work, job)

    async def _start_one(self) -> bool:
        """Times that were missed while nothing ran are one start; the next one lies in the future."""
        async with self.database.transaction() as work:
            await hold_catalogue(work)
            job = await store.claim_slot(work)
            if job is None:
                return False
            schedule = await self._schedule_of(work, job)
            following = next_times(schedule, work.now) if schedule else []
            await store.set_slot(work, job, next(iter(following), None))
            if schedule is not None:
                asking = Asking(job, "schedule", f"schedule {schedule.name}")
                await self.orderer.order_unattended(work, asking)
            return True

    async def _schedule_of(self, work: Work, job: str) -> Schedule | None:
        """The job's schedule; one that was altered or cannot be read starts nothing until it is saved anew."""
        try:
            schedule = schedule_of(job, await self._with_schedule(work, job))
            if schedule is not None:
                check_schedule(schedule)
        except PermanentError as error:
            log.error("schedule_unreadable", job=job, error=str(error))
            return None
        return schedule

    async def _with_schedule(self, work: Work, job: str) -> Documents:
        found = documents_of(await load_objects(work, self.orderer.seals, [("job", job)]))
        wanted = [key for document in found.values() for key in references(document) if key[0] == "schedule"]
        return {**found, **documents_of(await load_objects(work, self.orderer.seals, wanted))}
