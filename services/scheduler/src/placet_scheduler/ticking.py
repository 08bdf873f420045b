"""The clock: starts the jobs whose time has come, each slot once, whatever the number of replicas."""

from dataclasses import dataclass

from placet_shared.objects import Job, Schedule, parse_object
from placet_shared.work import Database, Work

from . import store
from .catalogue import Key
from .ordering import Asking, Orderer
from .store import Stored
from .times import next_times


@dataclass(frozen=True)
class Clock:
    """One turn of the clock's loop is `tick`."""

    database: Database
    orderer: Orderer

    async def tick(self) -> None:
        async with self.database.transaction() as work:
            catalogue = await store.load_catalogue(work)
            await self._follow_schedules(work, catalogue)
            for slot in await store.due_slots(work):
                await self._start(work, slot.job, catalogue)

    async def _start(self, work: Work, job: str, catalogue: dict[Key, Stored]) -> None:
        """Times that were missed while nothing ran are one start; the next one lies in the future."""
        schedule, version = schedule_of(job, catalogue)
        if schedule is None:
            await store.drop_slot(work, job)
            return
        await self.orderer.order_or_remember(work, Asking(job, "schedule", "schedule", f"schedule {schedule.name}"))
        await store.set_slot(work, job, version, next(iter(next_times(schedule, work.now)), None))

    async def _follow_schedules(self, work: Work, catalogue: dict[Key, Stored]) -> None:
        """Computes the next time of jobs that are new to their schedule, or whose schedule was edited."""
        known = await store.slot_versions(work)
        for kind, job in catalogue:
            schedule, version = schedule_of(job, catalogue) if kind == "job" else (None, 0)
            if schedule is not None and known.get(job) != version:
                await store.set_slot(work, job, version, next(iter(next_times(schedule, work.now)), None))
        for job in known:
            if schedule_of(job, catalogue)[0] is None:
                await store.drop_slot(work, job)


def schedule_of(job: str, catalogue: dict[Key, Stored]) -> tuple[Schedule | None, int]:
    """A job's schedule and a number that changes with it."""
    stored = catalogue.get(("job", job))
    parsed = parse_object(stored.document) if stored else None
    if not isinstance(parsed, Job) or parsed.schedule is None:
        return None, 0
    found = catalogue.get(("schedule", parsed.schedule))
    schedule = parse_object(found.document) if found else None
    return (schedule, found.version) if isinstance(schedule, Schedule) and found else (None, 0)
