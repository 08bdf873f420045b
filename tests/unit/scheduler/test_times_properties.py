"""Times of schedules next to the plainest way to find them: minute by minute, in zones whose clocks do odd things."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from placet_scheduler.times import next_times
from placet_shared.objects import Schedule

MINUTE = timedelta(minutes=1)
DAYS = 3

CHANGES = [
    ("Europe/Warsaw", datetime(2027, 3, 28)),
    ("Europe/Warsaw", datetime(2027, 10, 31)),
    ("America/New_York", datetime(2027, 3, 14)),
    ("America/New_York", datetime(2027, 11, 7)),
    ("America/Havana", datetime(2027, 3, 14)),  # at midnight
    ("America/Havana", datetime(2027, 11, 7)),
    ("Australia/Lord_Howe", datetime(2027, 10, 3)),  # by half an hour
    ("Australia/Lord_Howe", datetime(2027, 4, 4)),
    ("Antarctica/Troll", datetime(2027, 3, 28)),  # by two hours
    ("Antarctica/Troll", datetime(2027, 10, 31)),
    ("America/St_Johns", datetime(2027, 11, 7)),
    ("Asia/Kathmandu", datetime(2027, 1, 4)),  # never
    ("UTC", datetime(2027, 3, 28)),
]
"""Zones, and the dates on which their clocks change."""

ranges = st.tuples(st.integers(0, 23), st.integers(0, 23)).map(sorted).map(lambda two: f"{two[0]}-{two[1]}")
hours = st.one_of(
    st.integers(0, 23).map(str), ranges, st.sampled_from(["*/2", "*/3", "0-23", "1,2,3", "2-3/1", "*/23"])
)
minutes = st.one_of(st.integers(0, 59).map(str), st.sampled_from(["*/15", "*/7", "0,30", "58-59", "*"]))
changes = st.sampled_from(CHANGES)
whole_hours = st.sampled_from([change for change in CHANGES if change[0] != "Australia/Lord_Howe"])
seconds = st.integers(0, int(timedelta(days=2).total_seconds()))
"""After midnight of the day before a change."""


def schedule(line: str, zone: str) -> Schedule:
    return Schedule.model_validate({"name": "s", "triggers": [{"cron": line}], "time_zone": zone})


def members(field: str, last: int) -> set[int]:
    """The numbers that a field of a cron line means."""
    found: set[int] = set()
    for part in field.split(","):
        values, _, step = part.partition("/")
        first, _, end = ("0", "-", str(last)) if values == "*" else values.partition("-")
        found.update(range(int(first), int(end or first) + 1, int(step or 1)))
    return found


def wall_clock(minutes: set[int], hours: set[int], zone: ZoneInfo, day: datetime) -> Iterator[datetime]:
    """All that the line means in the days from this one on: a time that is repeated counts as its first, one that is
    left out as the first minute after the gap."""
    for number in range(DAYS * 24 * 60):
        local = (day + number * MINUTE).replace(tzinfo=zone)
        if local.minute in minutes and local.hour in hours:
            while local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                local += MINUTE
            yield local.astimezone(UTC)


def every_hour(minutes: set[int], zone: ZoneInfo, day: datetime) -> Iterator[datetime]:
    """Each minute that the clock on the wall shows as wanted, however often."""
    start = day.replace(tzinfo=zone).astimezone(UTC)
    for number in range(DAYS * 24 * 60):
        if (start + number * MINUTE).astimezone(zone).minute in minutes:
            yield start + number * MINUTE


@settings(deadline=None)
@given(changes, minutes, hours, seconds)
def test_hours_go_by_the_wall_clock(change: tuple[str, datetime], minute: str, hour: str, second: int) -> None:
    name, zone, day = change[0], ZoneInfo(change[0]), change[1] - timedelta(days=1)
    after = day.replace(tzinfo=zone).astimezone(UTC) + timedelta(seconds=second)
    wanted = sorted({at for at in wall_clock(members(minute, 59), members(hour, 23), zone, day) if at > after})[:40]
    assert next_times(schedule(f"{minute} {hour} * * *", name), after, len(wanted)) == wanted


@settings(deadline=None)
@given(whole_hours, minutes, st.sampled_from(["*", "*/1"]), seconds)
def test_every_hour_is_every_hour(change: tuple[str, datetime], minute: str, hour: str, second: int) -> None:
    name, zone, day = change[0], ZoneInfo(change[0]), change[1] - timedelta(days=1)
    after = day.replace(tzinfo=zone).astimezone(UTC) + timedelta(seconds=second)
    wanted = [at for at in every_hour(members(minute, 59), zone, day) if at > after][:40]
    assert next_times(schedule(f"{minute} {hour} * * *", name), after, len(wanted)) == wanted


@settings(deadline=None)
@given(changes, minutes, st.one_of(hours, st.just("*")), seconds, st.integers(1, 20))
def test_the_next_times_are_the_next_one_again_and_again(
    change: tuple[str, datetime], minute: str, hour: str, second: int, count: int
) -> None:
    """The clock asks for one at a time, from when it comes."""
    after = change[1].replace(tzinfo=UTC) + timedelta(seconds=second)
    planned = schedule(f"{minute} {hour} * * *", change[0])
    found = [after]
    for _ in range(count):
        found += next_times(planned, found[-1])
    assert found[1:] == next_times(planned, after, count)
