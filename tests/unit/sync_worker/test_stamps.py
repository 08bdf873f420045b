"""How stamps compare, and where the next run reads on."""

from datetime import timedelta

import pytest

from placet_sync_worker.planning.progress import Progress
from placet_sync_worker.providers.active_directory.window import Numbers
from placet_sync_worker.providers.ldap.window import DirectoryTimes
from placet_sync_worker.stamps import Times, times_by

FIVE = timedelta(minutes=5)
NOON = times_by("2027-01-31T12:00:00+01:00")


@pytest.mark.parametrize(
    ("newest", "mark"),
    [
        ("2027-01-31T10:30:00+01:00", "2027-01-31T10:25:00+01:00"),
        ("2027-01-31T09:30:00+00", "2027-01-31T09:25:00+00:00"),
        ("2027-01-31T10:30:00", "2027-01-31T10:25:00[+01:00]"),
        ("2027-01-31 10:30:00.5", "2027-01-31T10:25:00.500000[+01:00]"),
        ("2027-01-31", "2027-01-30"),
        pytest.param("2099-01-01T00:00:00+00:00", "2027-01-31T11:55:00+01:00", id="from the future"),
        pytest.param("2027-01-31T12:30:00", "2027-01-31T11:55:00[+01:00]", id="from the future, local"),
    ],
)
def test_the_mark_is_the_newest_stamp_less_the_overlap_and_never_past_the_clock(newest: str, mark: str) -> None:
    assert NOON.mark(newest, FIVE) == mark
    assert NOON.order(mark) <= NOON.order(newest)


@pytest.mark.parametrize("text", ["42", "31.01.2027", "infinity", "2027-13-01", "20270131", ""])
def test_what_is_no_time_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"2027|month"):
        NOON.order(text)


def test_times_of_several_forms_are_in_the_order_of_time() -> None:
    stamps = ["2027-01-31T10:00:00+02:00", "2027-01-31 09:30:00", "2027-01-31T09:00:00Z"]
    assert sorted(stamps, key=NOON.order) == stamps


def test_where_clocks_went_back_or_forward_the_earlier_reading_counts() -> None:
    summer, winter = times_by("2027-10-31T02:58:00+02:00"), times_by("2027-10-31T02:15:00+01:00")
    back = summer.mark("2027-10-31T02:57:00", FIVE)
    assert winter.since(back) == "2027-10-31T01:52:00"
    assert summer.since(back) == "2027-10-31T02:52:00"
    forward = times_by("2027-03-28T01:59:00+01:00").mark("2027-03-28T01:59:00", FIVE)
    assert times_by("2027-03-28T03:10:00+02:00").since(forward) == "2027-03-28T01:54:00"


def test_directories_write_times_in_their_own_way() -> None:
    times = DirectoryTimes(Times(NOON.clock).clock)
    assert times.mark("20270131100000Z", FIVE) == "20270131095500Z"
    assert times.mark("20990131100000Z", FIVE) == "20270131105500Z"
    assert times.order("20270131100000.5Z") > times.order("20270131100000Z")


def test_numbers_of_another_domain_controller_say_nothing() -> None:
    numbers = Numbers("id-1", 50)
    assert numbers.mark(numbers.text(47), FIVE) == numbers.text(47)
    assert numbers.mark(numbers.text(99), FIVE) == numbers.text(50)
    assert numbers.since(numbers.text(3)) == numbers.text(3)
    assert numbers.since("id-2/0000000000000000099") is None
    progress = Progress("uSNChanged", numbers)
    progress.see([numbers.text(7), numbers.text(12)], [])
    assert progress.mark("id-2/0000000000000000099", FIVE) == numbers.text(12)


# ---- how far a run has read ------------------------------------------------------------------------------------------


def progress() -> Progress:
    return Progress("changed", NOON)


def at(clock: str) -> str:
    return f"2027-01-31T{clock}:00+01:00"


def test_nothing_read_leaves_the_mark_where_it_is() -> None:
    assert progress().mark(at("09:00"), FIVE) == at("09:00")
    assert progress().mark(None, FIVE) is None


def test_the_mark_never_goes_back() -> None:
    """A record that is tried again is older than what others settled since."""
    seen = progress()
    seen.see([at("08:00")], [])
    assert seen.mark(at("09:00"), FIVE) == at("09:00")


def test_the_newest_is_found_across_pages_and_forms() -> None:
    seen = progress()
    seen.see([at("08:00"), "2027-01-31T09:30:00Z"], [])
    seen.see([at("10:00"), None], [])
    assert (seen.newest, seen.unstamped) == ("2027-01-31T09:30:00Z", 1)


def test_the_mark_does_not_pass_a_record_whose_key_cannot_be_read() -> None:
    seen = progress()
    assert seen.see([at("08:00"), at("09:00"), at("10:00")], [1]) == {}
    assert seen.mark(None, FIVE) == at("08:55")


def test_one_without_a_stamp_holds_it_where_it_is() -> None:
    seen = progress()
    seen.see([at("08:00"), None], [1])
    assert seen.mark(at("07:00"), FIVE) == at("07:00")
    seen = progress()
    assert seen.see([at("08:00"), "42"], [1])[1].startswith("it does not say when the record changed: '42' is no time")
    assert seen.mark(None, FIVE) is None
