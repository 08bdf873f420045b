"""When a schedule starts its jobs: pure. Steps in UTC, so that no time comes twice in autumn or is lost in spring."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from placet_shared.errors import InvalidError
from placet_shared.objects import Schedule, Trigger

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
LONGEST_GAP = timedelta(days=366 * 5)


def check_schedule(schedule: Schedule) -> None:
    """Raises InvalidError for a cron line that means nothing."""
    for number, trigger in enumerate(schedule.triggers):
        try:
            CronSim(_cron_line(trigger), EPOCH)
        except CronSimError as error:
            raise InvalidError(
                f"schedule {schedule.name}: cron {trigger.cron!r}: {error}", f"triggers.{number}"
            ) from error


def next_times(schedule: Schedule, after: datetime, count: int = 1) -> list[datetime]:
    """The next times in UTC, strictly after a moment, in order, each once."""
    found = {at for trigger in schedule.triggers for at in islice(_times(trigger, schedule.time_zone, after), count)}
    return sorted(found)[:count]


def _times(trigger: Trigger, zone: str, after: datetime) -> Iterator[datetime]:
    here = ZoneInfo(zone)
    last = after
    for local in CronSim(_cron_line(trigger), after.astimezone(here)):
        at = local.astimezone(UTC)
        if at - after > LONGEST_GAP:
            return
        if at > last:
            last = at
            yield at


def _cron_line(trigger: Trigger) -> str:
    if trigger.cron is not None:
        return trigger.cron
    hour, minute = str(trigger.daily).split(":")
    return f"{int(minute)} {int(hour)} * * *"
