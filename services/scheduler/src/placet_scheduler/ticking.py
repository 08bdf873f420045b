"""The clock: starts the jobs whose time has come, each slot once, whatever the number of replicas."""

from dataclasses import dataclass

import structlog

from placet_shared.errors import InvalidError
from placet_shared.objects import Schedule
from placet_shared.work import Database, Work

from . import store
from .catalogue import schedule_of
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
                await store.hold_catalogue(work)
                await self.orderer.start_remembered(work, job)

    async def _start_one(self) -> bool:
        """Times that were missed while nothing ran are one start; the next one lies in the future."""
        async with self.database.transaction() as work:
            await store.hold_catalogue(work)
            job = await store.claim_slot(work)
            if job is None:
                return False
            schedule = _readable_schedule(job, await _with_schedule(work, job))
            following = next_times(schedule, work.now) if schedule else []
            await store.set_slot(work, job, next(iter(following), None))
            if schedule is not None:
                asking = Asking(job, "schedule", f"schedule {schedule.name}")
                await self.orderer.order_unattended(work, asking)
            return True


def _readable_schedule(job: str, documents: Documents) -> Schedule | None:
    """The job's schedule; one that cannot be read starts nothing by itself until it is saved anew."""
    try:
        schedule = schedule_of(job, documents)
        if schedule is not None:
            check_schedule(schedule)
    except InvalidError as error:
        log.error("schedule_unreadable", job=job, error=str(error))
        return None
    return schedule


async def _with_schedule(work: Work, job: str) -> Documents:
    found = store.documents_of(await store.load_objects(work, [("job", job)]))
    wanted = [key for document in found.values() for key in references(document)]
    return {**found, **store.documents_of(await store.load_objects(work, wanted))}
