"""When a schedule starts its jobs: by the wall clock of its zone, each time once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from placet_scheduler.times import check_schedule, next_times
from placet_shared.errors import InvalidError
from placet_shared.objects import Schedule

WARSAW = "Europe/Warsaw"  # 28 March 2027, 2:00 becomes 3:00; 31 October 2027, 3:00 becomes 2:00
HAVANA = "America/Havana"  # 14 March 2027, 0:00 becomes 1:00; 7 November 2027, 1:00 becomes 0:00
LORD_HOWE = "Australia/Lord_Howe"  # 3 October 2027, 2:00 becomes 2:30; 4 April 2027, 2:00 becomes 1:30
SPRING, AUTUMN = "2027-03-27T12:00", "2027-10-30T12:00"


def schedule(*triggers: str, zone: str = "UTC") -> Schedule:
    """A trigger is a time of day such as 02:30, or a cron line."""
    written = [{"cron" if " " in trigger else "daily": trigger} for trigger in triggers]
    return Schedule.model_validate({"name": "nightly", "triggers": written, "time_zone": zone})


def at(zone: str, local: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=fold)


def shown(times: list[datetime], zone: str) -> list[str]:
    return [f"{one.astimezone(ZoneInfo(zone)):%m-%d %H:%M%z}" for one in times]


@pytest.mark.parametrize(
    ("trigger", "zone", "after", "times"),
    [
        ("02:30", "UTC", SPRING, ["03-28 02:30+0000", "03-29 02:30+0000"]),
        ("02:30", "Asia/Kolkata", SPRING, ["03-28 02:30+0530", "03-29 02:30+0530"]),
        # spring leaves 2:30 out: it is moved to the first minute after the gap
        ("02:30", WARSAW, SPRING, ["03-28 03:00+0200", "03-29 02:30+0200"]),
        ("30 2 * * *", WARSAW, SPRING, ["03-28 03:00+0200", "03-29 02:30+0200"]),
        ("00:30", HAVANA, "2027-03-13T12:00", ["03-14 01:00-0400", "03-15 00:30-0400"]),
        ("15 2 * * *", LORD_HOWE, "2027-10-02T12:00", ["10-03 02:30+1100", "10-04 02:15+1100"]),
        # autumn has 2:30 twice: the first one counts
        ("02:30", WARSAW, AUTUMN, ["10-31 02:30+0200", "11-01 02:30+0100"]),
        ("30 2 * * *", WARSAW, AUTUMN, ["10-31 02:30+0200", "11-01 02:30+0100"]),
        ("00:30", HAVANA, "2027-11-06T12:00", ["11-07 00:30-0400", "11-08 00:30-0500"]),
        ("45 1 * * *", LORD_HOWE, "2027-04-03T12:00", ["04-04 01:45+1100", "04-05 01:45+1030"]),
        # hours as lists, ranges and steps go by the wall clock too
        ("0 1,2,3 * * *", WARSAW, SPRING, ["03-28 01:00+0100", "03-28 03:00+0200", "03-29 01:00+0200"]),
        ("0 1-3 * * *", WARSAW, AUTUMN, ["10-31 01:00+0200", "10-31 02:00+0200", "10-31 03:00+0100"]),
        ("*/30 2 * * *", WARSAW, SPRING, ["03-28 03:00+0200", "03-29 02:00+0200", "03-29 02:30+0200"]),
        ("*/30 2 * * *", WARSAW, AUTUMN, ["10-31 02:00+0200", "10-31 02:30+0200", "11-01 02:00+0100"]),
        ("0 */2 * * *", WARSAW, "2027-03-28T00:30", ["03-28 03:00+0200", "03-28 04:00+0200", "03-28 06:00+0200"]),
        ("0 */2 * * *", WARSAW, "2027-10-31T00:30", ["10-31 02:00+0200", "10-31 04:00+0100", "10-31 06:00+0100"]),
        ("59 1-2/1 * * *", WARSAW, AUTUMN, ["10-31 01:59+0200", "10-31 02:59+0200", "11-01 01:59+0100"]),
        # what comes every hour goes on every hour
        ("0 * * * *", WARSAW, "2027-03-28T00:30", ["03-28 01:00+0100", "03-28 03:00+0200", "03-28 04:00+0200"]),
        ("0 * * * *", WARSAW, "2027-10-31T01:30", ["10-31 02:00+0200", "10-31 02:00+0100", "10-31 03:00+0100"]),
        ("15 */1 * * *", WARSAW, "2027-10-31T01:30", ["10-31 02:15+0200", "10-31 02:15+0100", "10-31 03:15+0100"]),
        ("*/30 * * * *", WARSAW, "2027-03-28T01:15", ["03-28 01:30+0100", "03-28 03:00+0200", "03-28 03:30+0200"]),
        ("*/30 * * * *", WARSAW, "2027-10-31T02:15", ["10-31 02:30+0200", "10-31 02:00+0100", "10-31 02:30+0100"]),
    ],
)
def test_each_time_of_the_wall_clock_comes_once(trigger: str, zone: str, after: str, times: list[str]) -> None:
    assert shown(next_times(schedule(trigger, zone=zone), at(zone, after), len(times)), zone) == times


@pytest.mark.parametrize("after", ["02:30", "02:29", "02:45", "02:10"])
@pytest.mark.parametrize("trigger", ["02:30", "30 2 * * *"])
def test_in_the_hour_that_autumn_repeats_nothing_comes_a_second_time(trigger: str, after: str) -> None:
    """Also when the scheduler looks for the first time while the hour is repeated."""
    (following,) = next_times(schedule(trigger, zone=WARSAW), at(WARSAW, f"2027-10-31T{after}", fold=1))
    assert following == at(WARSAW, "2027-11-01T02:30")


@pytest.mark.parametrize(
    ("line", "after", "dates"),
    [
        ("0 6 29 2 *", "2027-03-01T00:00", ["2028-02-29"]),
        ("0 6 29 2 *", "2096-03-01T00:00", ["2104-02-29"]),
        ("0 6 31 * *", "2027-01-01T00:00", ["2027-01-31", "2027-03-31", "2027-05-31"]),
        ("0 6 L * *", "2027-01-01T00:00", ["2027-01-31", "2027-02-28", "2027-03-31"]),
        ("0 6 * * 1-5", "2027-01-01T12:00", ["2027-01-04", "2027-01-05"]),
        ("0 6 * * MON", "2027-01-01T12:00", ["2027-01-04", "2027-01-11"]),
        ("0 6 * * 0", "2027-01-01T12:00", ["2027-01-03", "2027-01-10"]),
        ("0 6 * * 7", "2027-01-01T12:00", ["2027-01-03", "2027-01-10"]),
        ("0 6 * * 1#1", "2027-01-01T12:00", ["2027-01-04", "2027-02-01"]),
        ("0 6 13 * 5", "2027-08-01T00:00", ["2027-08-06", "2027-08-13", "2027-08-20"]),
        ("0 6 1 JAN,JUL *", "2027-01-02T00:00", ["2027-07-01", "2028-01-01"]),
    ],
)
def test_days(line: str, after: str, dates: list[str]) -> None:
    found = next_times(schedule(line, zone=WARSAW), at(WARSAW, after), len(dates))
    assert [f"{one.astimezone(ZoneInfo(WARSAW)):%Y-%m-%d %H:%M}" for one in found] == [f"{day} 06:00" for day in dates]


@pytest.mark.parametrize(
    ("after", "following"),
    [
        ("2027-01-04T02:29:59.999", "2027-01-04T02:30"),
        ("2027-01-04T02:30:00", "2027-01-05T02:30"),
        ("2027-01-04T02:30:00.001", "2027-01-05T02:30"),
        ("2027-01-04T02:30:59", "2027-01-05T02:30"),
    ],
)
@pytest.mark.parametrize("trigger", ["02:30", "30 2 * * *"])
def test_the_next_time_lies_after_the_moment(trigger: str, after: str, following: str) -> None:
    assert next_times(schedule(trigger), at("UTC", after)) == [at("UTC", following)]


def test_times_are_in_utc() -> None:
    (following,) = next_times(schedule("02:30", zone=WARSAW), at(WARSAW, SPRING))
    assert following.tzinfo is UTC


def test_several_triggers_are_one_list_without_repeats() -> None:
    three = schedule("06:00", "0 6 * * 1", "0 */12 * * *")
    found = next_times(three, at("UTC", "2027-01-04T00:00"), 4)
    assert shown(found, "UTC") == ["01-04 06:00+0000", "01-04 12:00+0000", "01-05 00:00+0000", "01-05 06:00+0000"]


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["0 0 29 2 *", "0 0 LW * *", "*/7 * * * *", "0 0 * * FRI#5", "0 0 * * 5L", "0,30 0 1 1 *"]
)
def test_a_line_that_means_something_is_taken(line: str) -> None:
    check_schedule(schedule("06:30", line, zone=WARSAW))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("60 2 * * *", "Bad minute; write minute hour day month weekday"),
        ("0 24 * * *", "Bad hour"),
        ("0 0 0 * *", "Bad day-of-month"),
        ("0 0 1 13 *", "Bad month"),
        ("0 0 * * 8", "Bad day-of-week"),
        ("*/0 * * * *", "Bad minute"),
        ("*-5 2 * * *", "Bad minute"),
        ("0 5-1 * * *", "Bad hour"),
        ("a b c d e", "Bad minute"),
        ("0 0 31 4 *", "Bad day-of-month"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("0 0 * 2 1#5", "comes too rarely to be meant; check day and month"),
    ],
)
def test_a_line_that_means_nothing_is_named(line: str, words: str) -> None:
    with pytest.raises(InvalidError, match=words) as caught:
        check_schedule(schedule("06:30", line))
    assert caught.value.field == "triggers.1.cron"
    assert str(caught.value).startswith(f"schedule nightly: triggers.1.cron: {line!r}")
