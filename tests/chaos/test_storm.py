"""Many changes of all kinds, while workers are killed every two seconds or less and hands are at the same entries: what
counts is what slapd's own log says, and what stands in the directory in the end."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest
from ldap3 import MODIFY_REPLACE, Connection

from tests.support.chaos import send, written
from tests.support.desk import Desk, Row
from tests.support.stack import until

CHANGES = 20_000
"""Of the two runs together. Three fifths are creates; of these entries, two thirds are changed or removed again."""

PEOPLE, CHANGED = CHANGES * 3 // 5, CHANGES * 2 // 5
SHARES = {"update": 70, "move": 15, "delete": 15}
EDITS = CHANGES // 100
"""So few that removals are not skipped for too many failures before them."""

KILL_EVERY_SECONDS, KILL_EVERY_BYTES = 2.0, 500_000
"""Whichever is over first: a machine that is done with a run within seconds has workers killed too."""

LOOK_EVERY_SECONDS, EDIT_EVERY_SECONDS, RUN_SECONDS = 0.05, 0.05, 300.0
SEED = 20_261_128
FIELDS = [{"to": "employeeNumber", "from": "id"}, {"to": "cn", "from": "first"}, {"to": "sn", "from": "last"},
          {"to": "title", "from": "title"}]  # fmt: skip


@pytest.mark.timeout(900)
def test_each_of_many_changes_is_written_once_and_no_hand_is_overwritten(desk: Desk) -> None:
    chance = random.Random(SEED)
    people = [(str(number), f"Given{number}", f"Name{number}", "Clerk") for number in range(PEOPLE)]
    desk.job["fields"] = FIELDS
    desk.people(*people)
    desk.apply()
    with desk.slapd.hand() as hand:
        hand.add(f"ou=Moved,{desk.unit}", "organizationalUnit")

    run, _ = _in_a_storm(desk, Hands(desk, people, chance, [_describe]))
    assert run["outcome"] == "succeeded"
    assert _done(run) == PEOPLE
    assert set(written(desk).values()) == {1}
    assert written(desk).total() == PEOPLE

    wanted, ops = _changed(people, chance)
    desk.people(*wanted)
    hands = Hands(desk, people, chance, [_describe, _retitle, _move, _delete])
    run, conflicts = _in_a_storm(desk, hands)
    assert {op: run["plan"][op] for op in SHARES} == {op: ops.count(op) for op in SHARES}
    assert run["outcome"] == "succeeded_with_errors"
    assert (_done(run) + run["results"]["conflict"], len(conflicts)) == (CHANGED, run["results"]["conflict"])
    assert conflicts <= hands.touched.keys()
    assert set(written(desk).values()) == {1}
    entries, stay = desk.entries(), {row[0] for row in wanted}
    lost = {short: edit for short, edit in hands.touched.items() if not edit.kept(entries, short)}
    assert {short: edit for short, edit in lost.items() if short in stay or not edit.is_beside_the_job} == {}

    again = desk.ada.ask("job", "run", desk.name, "--wait")
    assert again["results"]["applied"] == sum(again["results"].values())
    assert desk.ada.ask("job", "run", desk.name, "--wait")["plan"]["unchanged"] == len(wanted)


def _changed(people: Sequence[Row], chance: random.Random) -> tuple[list[Row], list[str]]:
    """The people as they are to be, and what is to be done to how many."""
    ops = chance.choices(list(SHARES), list(SHARES.values()), k=CHANGED)
    of = dict(zip(chance.sample(range(len(people)), CHANGED), ops, strict=True))
    made: dict[str | None, Callable[[Row], Row]] = {
        None: lambda row: row,
        "update": lambda row: (*row[:3], "Chief"),
        "move": lambda row: (row[0], f"Other{row[0]}", *row[2:]),
    }
    return [made[of.get(n)](row) for n, row in enumerate(people) if of.get(n) != "delete"], ops


def _done(run: dict[str, Any]) -> int:
    results: dict[str, int] = run["results"]
    return results["applied"] + results["already_applied"]


def _in_a_storm(desk: Desk, hands: "Hands") -> tuple[dict[str, Any], set[str]]:
    """A run that ends by itself while workers die and hands edit; and the keys of its conflicts. Nobody asks through
    the command meanwhile: each of its processes would take a good part of the machine."""
    log = desk.slapd.audit_file
    size, killed = log.stat().st_size, list[int]()
    run_id = desk.ada.ask("job", "run", desk.name)["id"]
    until(lambda: log.stat().st_size > size, "the first write", RUN_SECONDS)
    over = "SELECT 1 FROM scheduler.runs WHERE run_id = %s AND state = 'finished'"
    with (
        desk.stack.database() as database,
        _until_over(hands.edit, EDIT_EVERY_SECONDS),
        _until_over(_killing(desk, killed), LOOK_EVERY_SECONDS),
    ):
        until(lambda: database.execute(over.encode(), [run_id]).fetchone(), "the end of the run", RUN_SECONDS)
    assert len(killed) > 1
    run = desk.ada.ask("run", "show", run_id)
    conflicts = desk.changes(run, "--result", "conflict") if run["results"]["conflict"] else {}
    return run, set(conflicts)


def _killing(desk: Desk, killed: list[int]) -> Callable[[], None]:
    """Kills workers that are at the directory, in turn: one that is not has yet to begin."""
    supervisor = psutil.Process(desk.stack.pids("sync-worker")[0]).parent()
    assert supervisor is not None
    log = desk.slapd.audit_file
    due, size = time.monotonic(), log.stat().st_size

    def kill() -> None:
        nonlocal due, size
        if time.monotonic() < due and log.stat().st_size < size:
            return
        with suppress(psutil.NoSuchProcess):
            there = [one.pid for one in supervisor.children() if _is_connected(one, desk.slapd.port)]
            if there:
                killed.append(there[len(killed) % len(there)])
                send(signal.SIGKILL, killed[-1:])
                due, size = time.monotonic() + KILL_EVERY_SECONDS, log.stat().st_size + KILL_EVERY_BYTES

    return kill


def _is_connected(process: psutil.Process, port: int) -> bool:
    return any(one.raddr and one.raddr.port == port for one in process.net_connections("tcp"))


@contextmanager
def _until_over(act: Callable[[], object], every: float) -> Iterator[None]:
    """Acts in a thread as long as the block lasts. What goes wrong there fails the test."""
    over, wrong = threading.Event(), list[BaseException]()

    def loop() -> None:
        try:
            act()
            while not over.wait(every):
                act()
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if wrong:
        raise wrong[0]


# ---- hands -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edit:
    """What a hand did to an entry: these values stand in it; None: it is gone."""

    values: dict[str, list[str]] | None

    @property
    def is_beside_the_job(self) -> bool:
        """Whether the job writes nothing of it, so that it does not keep an entry from being removed."""
        return self.values is not None and "description" in self.values

    def kept(self, entries: dict[str, dict[str, list[str]]], short: str) -> bool:
        if self.values is None:
            return short not in entries
        return short in entries and all(entries[short][name] == some for name, some in self.values.items())


@dataclass
class Hands:
    """Edits entries that are there, each once, with one of these kinds of edit at a time."""

    desk: Desk
    people: Sequence[Row]
    chance: random.Random
    kinds: Sequence[Callable[[Connection, str, Desk], Edit | None]]
    touched: dict[str, Edit] = field(default_factory=dict)

    def edit(self) -> None:
        """One more."""
        if len(self.touched) >= EDITS:
            return
        short = self.chance.choice(self.people)[0]
        if short in self.touched:
            return
        kind = self.kinds[len(self.touched) % len(self.kinds)]
        with self.desk.slapd.hand() as hand:
            hand.search(self.desk.unit, f"(employeeNumber={self.desk.id_of(short)})", attributes=["cn"])
            for entry in hand.response:
                done = kind(hand, entry["dn"], self.desk)
                if done is not None:
                    self.touched[short] = done


def _describe(hand: Connection, dn: str, _desk: Desk) -> Edit | None:
    """No attribute of the job's."""
    done = hand.modify(dn, {"description": [(MODIFY_REPLACE, ["By hand"])]})
    return Edit({"description": ["By hand"]}) if done else None


def _retitle(hand: Connection, dn: str, _desk: Desk) -> Edit | None:
    done = hand.modify(dn, {"title": [(MODIFY_REPLACE, ["By hand"])]})
    return Edit({"title": ["By hand"]}) if done else None


def _move(hand: Connection, dn: str, desk: Desk) -> Edit | None:
    rdn, moved = dn.partition(",")[0], f"ou=Moved,{desk.unit}"
    return Edit({"dn": [f"{rdn},{moved}"]}) if hand.modify_dn(dn, rdn, new_superior=moved) else None


def _delete(hand: Connection, dn: str, _desk: Desk) -> Edit | None:
    return Edit(None) if hand.delete(dn) else None
