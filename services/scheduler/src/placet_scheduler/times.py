"""When a schedule starts its jobs: pure. Each wall-clock time counts once: one that autumn repeats is not repeated, one
that spring leaves out is moved to the first minute after the gap. What comes every hour goes on every hour.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from placet_shared.errors import InvalidError
from placet_shared.objects import Schedule, Trigger

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
LONGEST_GAP = timedelta(days=366 * 8)
"""29 February may be eight years away."""

EVERY_HOUR = ("*", "*/1")


def check_schedule(schedule: Schedule) -> None:
    """Raises InvalidError for a cron line that means nothing, or no time at all."""
    for number, trigger in enumerate(schedule.triggers):
        field = f"triggers.{number}.cron"
        what = f"schedule {schedule.name}: {field}: {trigger.cron!r}"
        try:
            first = next(_times(trigger, schedule.time_zone, EPOCH), None)
        except CronSimError as error:
            raise InvalidError(f"{what}: {error}; write minute hour day month weekday", field) from error
        if first is None:
            raise InvalidError(f"{what} comes too rarely to be meant; check day and month", field)


def next_times(schedule: Schedule, after: datetime, count: int = 1) -> list[datetime]:
    """The next times in UTC, strictly after a moment, in order, each once."""
    found = {at for trigger in schedule.triggers for at in islice(_times(trigger, schedule.time_zone, after), count)}
    return sorted(found)[:count]


def _times(trigger: Trigger, zone: str, after: datetime) -> Iterator[datetime]:
    last = after
    for local in CronSim(_line(trigger), after.astimezone(ZoneInfo(zone))):
        at = local.astimezone(UTC)
        if at - after > LONGEST_GAP:
            return
        if at > last:
            last = at
            yield at


def _line(trigger: Trigger) -> str:
    """A cron line. The parser goes by the wall clock only where neither minute nor hour starts with a star, so that
    stars are written out unless the hour is any."""
    if trigger.daily is not None:
        hour, minute = trigger.daily.split(":")
        return f"{int(minute)} {int(hour)} * * *"
    minutes, hours, *days = str(trigger.cron).split()
    if hours not in EVERY_HOUR:
        minutes, hours = _written_out(minutes, 59), _written_out(hours, 23)
    return " ".join([minutes, hours, *days])


def _written_out(field: str, last: int) -> str:
    return ",".join(f"0-{last}{part[1:]}" if part.startswith("*") else part for part in field.split(","))
