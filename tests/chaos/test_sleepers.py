"""A worker that is suspended between its sends, sleeps through the end of its run, and wakes when a hand has set
everything back: it writes nothing more."""

import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from ldap3 import MODIFY_REPLACE, Connection

from tests.support.chaos import people_titled, send, written
from tests.support.desk import Desk
from tests.support.ldap_proxy import LdapProxy, ldap_proxy
from tests.support.slapd import Slapd, running_slapd
from tests.support.stack import Person, Stack, until

PEOPLE = 400
"""Two batches."""
HELD = 50
"""Writes that were done for the sleeper and whose answers it never read; it sends a hundred before it waits."""

FIELDS = [{"to": "employeeNumber", "from": "id"}, {"to": "cn", "from": "first"}, {"to": "sn", "from": "last"},
          {"to": "title", "from": "title"}]  # fmt: skip
STAYS = ("stays", "Stays", "Stays", "Clerk")
DISABLE = {"attribute": "employeeType", "value": "gone"}

Entry = dict[str, list[str]]
SetBack = Callable[[Connection, Entry, str], object]
"""Makes an entry what it was; the DN is the one that it has by now."""


def _retitle(hand: Connection, was: Entry, dn: str) -> object:
    return hand.modify(dn, {"title": [(MODIFY_REPLACE, was["title"])]})


def _rename(hand: Connection, was: Entry, dn: str) -> object:
    return hand.modify_dn(dn, f"cn={was['cn'][0]}")


def _enable(hand: Connection, _was: Entry, dn: str) -> object:
    return hand.modify(dn, {"employeeType": [(MODIFY_REPLACE, [])]})


def _add(hand: Connection, was: Entry, dn: str) -> object:
    values = {name: some for name, some in was.items() if name not in ("dn", "objectClass", "entryUUID")}
    return hand.add(dn, was["objectClass"], values)


@dataclass(frozen=True)
class Kind:
    """How a change of everybody comes about, how it is written, and undone. `first` and `title` are the CSV's; None:
    nobody is in it any more."""

    sent: str
    set_back: SetBack
    first: str | None = "Given"
    title: str = "Clerk"
    extra: str = "skip"


KINDS = {
    "modify": Kind("modify", _retitle, title="Chief"),
    "rename": Kind("modrdn", _rename, first="Other"),
    "delete": Kind("delete", _add, first=None, extra="delete"),
    "disable": Kind("modify", _enable, first=None, extra="disable"),
}


@pytest.fixture(scope="module")
def directory() -> Iterator[Slapd]:
    with running_slapd() as server:
        yield server


@pytest.fixture
def proxy(directory: Slapd) -> Iterator[LdapProxy]:
    with ldap_proxy(directory.port) as running:
        yield running


@pytest.fixture
def desk(stack: Stack, people: Mapping[str, Person], directory: Slapd, proxy: LdapProxy, tmp_path: Path) -> Desk:
    """Its entries are a hand's; one of them is of nobody whom the tests change."""
    desk = Desk(stack, directory, tmp_path, people)
    desk.directory |= {"url": f"ldap://127.0.0.1:{proxy.port}", "disable": DISABLE}
    desk.job |= {"fields": FIELDS, "extra_scope": "all"}
    with directory.hand() as hand:
        for short, first, last, title in [*people_titled("Clerk", PEOPLE), STAYS]:
            values = {"employeeNumber": desk.id_of(short), "sn": last, "title": title}
            assert hand.add(f"cn={first},{desk.unit}", "inetOrgPerson", values), hand.result
    return desk


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_worker_that_wakes_after_its_run_leaves_alone_what_a_hand_set_back(
    desk: Desk, proxy: LdapProxy, kind: Kind
) -> None:
    before, asleep = desk.entries(), list[int]()
    workers = desk.stack.pids("sync-worker")
    changed = [(s, f"{kind.first}{s}", last, kind.title) for s, _, last, _ in people_titled("", PEOPLE) if kind.first]
    desk.people(STAYS, *changed)
    desk.job["extra"] = kind.extra
    desk.apply()
    fences = _fences(desk)
    proxy.trap(kind.sent, count=HELD, then=lambda port: asleep.extend(_suspended(workers, port)), cuts=False)
    run = desk.ada.ask("job", "run", desk.name)
    try:
        run = desk.ada.ask("run", "watch", run["id"], "--timeout", "60")
        assert (run["outcome"], len(asleep)) == ("succeeded", 1)
        assert run["results"]["applied"] + run["results"]["already_applied"] == PEOPLE
        now = desk.entries()
        with desk.slapd.hand() as hand:
            for short, was in before.items():
                if short != "stays":
                    assert kind.set_back(hand, was, now.get(short, was)["dn"][0]), hand.result
    finally:
        send(signal.SIGCONT, asleep)
    until(lambda: _fences(desk) > fences, "the sleeper sees that its batch was another's")

    assert _without_ids(desk.entries()) == _without_ids(before)
    assert set(written(desk).values()) == {1}
    assert written(desk).total() == PEOPLE
    assert desk.ada.ask("run", "show", run["id"])["results"] == run["results"]


def _suspended(workers: list[int], port: int) -> list[int]:
    """Suspends the worker whose connection has this port."""
    (found,) = (
        pid for pid in workers if any(one.laddr.port == port for one in psutil.Process(pid).net_connections("tcp"))
    )
    send(signal.SIGSTOP, [found])
    return [found]


def _fences(desk: Desk) -> int:
    return sum(desk.stack.log(name).count("batch_fenced") for name in ("sync-worker", "sync-worker-2"))


def _without_ids(entries: Mapping[str, Entry]) -> Mapping[str, Any]:
    return {short: {n: sorted(some) for n, some in one.items() if n != "entryUUID"} for short, one in entries.items()}
