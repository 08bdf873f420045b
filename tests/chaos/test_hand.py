"""A hand that edits the directory while a run writes to it and workers die: what it did is there in the end."""

import random
import signal
from collections.abc import Callable

from ldap3 import MODIFY_REPLACE, Connection

from tests.support.chaos import people_titled, send, until_written, written
from tests.support.desk import Desk

PEOPLE, TOUCHED = 600, 60
BEFORE_APPROVAL = 10
"""So many of the touched entries, when the plan is made and nothing of it is written."""

SEED = 20_261_124


def test_what_a_hand_did_while_a_run_wrote_and_workers_died_is_there_in_the_end(desk: Desk) -> None:
    desk.people(*people_titled("Clerk", PEOPLE))
    desk.two_eyes()
    desk.apply()
    desk.approve(desk.request())
    desk.people(*people_titled("Chief", PEOPLE))
    run = desk.request()
    chosen = random.Random(SEED).sample(sorted(desk.entries().items()), TOUCHED)
    for number, (_, entry) in enumerate(chosen):
        if number == BEFORE_APPROVAL:
            desk.bob.ask("request", "approve", run["request"], "--comment", "fine")
        if number >= BEFORE_APPROVAL:
            until_written(desk, PEOPLE + (number - BEFORE_APPROVAL) * 8)
        with desk.slapd.hand() as hand:
            EDITS[number % len(EDITS)](hand, entry)
        if number in (TOUCHED // 4, TOUCHED // 2):
            send(signal.SIGKILL, desk.stack.pids("sync-worker"))
    run = desk.wait_for(run["id"], "finished")

    entries = desk.entries()
    for number, (short, before) in enumerate(chosen):
        assert EXPECTED[number % len(EDITS)](before, entries.pop(short, {})), (short, before, entries.get(short))
    assert {entry["title"][0] for entry in entries.values()} == {"Chief"}
    assert len(entries) == PEOPLE - TOUCHED
    assert set(written(desk).values()) == {1}
    results = run["results"]
    assert (results["failed"], results["uncertain"]) == (0, 0), results
    assert results["applied"] + results["already_applied"] + results["conflict"] == PEOPLE
    assert results["conflict"] >= BEFORE_APPROVAL * 4 // 5, "all but a description stand in the way of the plan"


Entry = dict[str, list[str]]


def _retitle(hand: Connection, entry: Entry) -> None:
    assert hand.modify(entry["dn"][0], {"title": [(MODIFY_REPLACE, ["By hand"])]}), hand.result


def _describe(hand: Connection, entry: Entry) -> None:
    """No attribute of the job's."""
    assert hand.modify(entry["dn"][0], {"description": [(MODIFY_REPLACE, ["By hand"])]}), hand.result


def _recreate(hand: Connection, entry: Entry) -> None:
    dn = entry["dn"][0]
    assert hand.delete(dn), hand.result
    same = {name: values for name, values in entry.items() if name not in ("dn", "objectClass", "entryUUID")}
    assert hand.add(dn, entry["objectClass"], same | {"title": ["Clerk"]}), hand.result


def _rename(hand: Connection, entry: Entry) -> None:
    assert hand.modify_dn(entry["dn"][0], f"cn=Renamed {entry['employeeNumber'][0]}"), hand.result


def _delete(hand: Connection, entry: Entry) -> None:
    assert hand.delete(entry["dn"][0]), hand.result


EDITS: list[Callable[[Connection, Entry], None]] = [_retitle, _describe, _recreate, _rename, _delete]
EXPECTED: list[Callable[[Entry, Entry], bool]] = [
    lambda _before, after: after["title"] == ["By hand"],
    lambda _before, after: (after["description"], after["title"]) == (["By hand"], ["Chief"]),
    lambda before, after: after["entryUUID"] != before["entryUUID"] and after["title"] == ["Clerk"],
    lambda _before, after: after["dn"][0].startswith("cn=Renamed "),
    lambda _before, after: not after,
]
