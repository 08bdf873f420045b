"""Failpoints: the named place strikes once, with the named action, and no other does."""

import os
import signal

import pytest

from placet_shared.failpoints import EXIT_CODE, failpoint_of, no_failpoint, place_of
from placet_shared.topics import ALL_TOPICS

EXIT, STOP = f"exit {EXIT_CODE}", f"signal {int(signal.SIGSTOP)}"


@pytest.fixture
def struck(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have happened to this process."""
    done: list[str] = []
    monkeypatch.setattr(os, "_exit", lambda code: done.append(f"exit {code}"))

    def kill(pid: int, number: int) -> None:
        assert pid == os.getpid()
        done.append(f"signal {number}")

    monkeypatch.setattr(os, "kill", kill)
    return done


@pytest.mark.parametrize(
    ("setting", "passed", "happens"),
    [
        (None, ["after_ldap_write"], []),
        ("after_ldap_write:exit", ["before_commit", "after_ldap_write"], [EXIT]),
        ("after_ldap_write:stop", ["after_ldap_write"], [STOP]),
        ("after_ldap_write:stop", ["after_ldap_write"] * 3, [STOP]),
        ("after_ldap_write:exit", ["after_ldap", "after_ldap_write_", "AFTER_LDAP_WRITE", ""], []),
        ("one:exit,two:stop", ["two", "one", "two", "one"], [STOP, EXIT]),
        ("one:stop,two:stop", ["two", "three"], [STOP]),
        ("before_commit/run-approved:exit", ["before_commit/run-denied", "before_commit"], []),
        ("before_commit/run-approved:exit", [place_of("before_commit", "placet.run-approved")], [EXIT]),
    ],
)
def test_the_named_place_strikes_once(
    struck: list[str], setting: str | None, passed: list[str], happens: list[str]
) -> None:
    strike = failpoint_of(setting)
    for place in passed:
        strike(place)
    assert struck == happens


def test_two_failpoints_do_not_disarm_each_other(struck: list[str]) -> None:
    for strike in (failpoint_of("one:stop"), failpoint_of("one:stop")):
        strike("one")
    assert struck == [STOP, STOP]


def test_nothing_strikes_where_none_is_set(struck: list[str]) -> None:
    no_failpoint("after_ldap_write")
    assert struck == []


@pytest.mark.parametrize(
    "setting", ["one", "one:", "one:explode", "one:exit,", "one:exit,two:EXIT", "one:exit:now", ","]
)
def test_a_wrong_action_stops_the_start_by_name(struck: list[str], setting: str) -> None:
    with pytest.raises(ValueError, match=r"PLACET_FAILPOINT: .* should be a place with :exit or :stop"):
        failpoint_of(setting)
    assert struck == []


def test_each_topic_has_a_place_of_its_own() -> None:
    assert place_of("after_send", "placet.batch-ready") == "after_send/batch-ready"
    assert len({place_of("after_send", topic) for topic in ALL_TOPICS}) == len(ALL_TOPICS)
