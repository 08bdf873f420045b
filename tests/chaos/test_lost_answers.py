"""A directory that does what it is told and whose answers are lost, while hands are at the same entries: each planned
change is written once, and what a hand made of it stays."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from ldap3 import MODIFY_REPLACE, Connection

from tests.support.desk import Desk, Row
from tests.support.domain_desk import DomainDesk
from tests.support.ldap_proxy import LdapProxy, ldap_proxy
from tests.support.samba import Samba
from tests.support.slapd import Slapd, running_slapd
from tests.support.stack import Person, Stack

SITES = ("slapd", "slapd by libldap", "samba", "samba by libldap")
UPDATED, RENAMED, DELETED, CREATED = ("u1", "u2", "u3"), ("m1", "m2", "m3"), ("d1", "d2", "d3"), ("c1", "c2", "c3")


@dataclass(frozen=True)
class Site:
    """A desk whose directory is behind a proxy of its own, and hands that go around it."""

    desk: Desk
    proxy: LdapProxy

    def plan(self, *, changing: bool = True, removing: bool = True) -> dict[str, str]:
        """Everybody is there, and the CSV wants a change of each kind for three of them; the DNs of all."""
        old = [person(short) for short in (*UPDATED, *RENAMED, *DELETED)]
        self.desk.people(*old)
        self.desk.apply()
        self.desk.run()
        self.proxy.done.clear()
        new = [*(person(short, "Chief") for short in UPDATED), *(person(short, last=f"Re{short}") for short in RENAMED)]
        new += [person(short) for short in CREATED]
        self.desk.people(*(new if changing else old[: -len(DELETED)]), *(() if removing else old[-len(DELETED) :]))
        return {short: f"cn=Given Name{short},{self.desk.unit}" for short in (*UPDATED, *RENAMED, *DELETED, *CREATED)}

    def lose(self, *kinds: str, count: int, hands: Callable[[Connection], object] = lambda _hand: None) -> None:
        """The directory does so many writes, and its answers are lost; then hands have their turn, and only then the
        worker may look."""

        def then(_port: int) -> None:
            with self.desk.slapd.hand() as hand:
                hands(hand)

        self.proxy.trap(*kinds, count=count, then=then)

    def writes(self) -> Counter[str]:
        """What the server did, by kind; no entry was written in one way twice."""
        assert set(self.proxy.done.values()) == {1}
        return Counter(kind for kind, _ in self.proxy.done)


def person(short: str, title: str = "Clerk", last: str | None = None) -> Row:
    return (short, "Given", last or f"Name{short}", title)


@pytest.fixture(scope="module")
def directory() -> Iterator[Slapd]:
    with running_slapd() as server:
        yield server


@pytest.fixture(params=SITES)
def site(
    request: pytest.FixtureRequest, stack: Stack, people: Mapping[str, Person], directory: Slapd, tmp_path: Path
) -> Iterator[Site]:
    kind, _, driver = request.param.partition(" by ")
    samba: Samba | None = request.getfixturevalue("samba") if kind == "samba" else None
    with ldap_proxy(samba.socket, tmp_path) if samba else ldap_proxy(directory.port) as proxy:
        desk = DomainDesk(stack, samba, tmp_path, people) if samba else Desk(stack, directory, tmp_path, people)
        desk.directory["url"] = f"{'ldaps' if samba else 'ldap'}://localhost:{proxy.port}"
        if samba:
            desk.directory["tls"] = {"ca_file": str(tmp_path / "certificate.pem")}
        if driver:
            desk.directory["driver"] = driver
        yield Site(desk, proxy)


def test_writes_whose_answers_are_lost_are_found_done_and_written_once(site: Site) -> None:
    site.plan()
    site.lose("add", count=3)
    site.lose("modify", "modrdn", count=6)
    site.lose("delete", count=3)
    run = site.desk.run()
    assert not site.proxy.traps
    assert run["results"] == {**dict.fromkeys(run["results"], 0), "already_applied": 12}
    assert site.writes() == {"add": 3, "modify": 6, "modrdn": 3, "delete": 3}
    assert site.desk.run()["plan"]["unchanged"] == 9


def test_what_hands_make_of_writes_whose_answers_are_lost_stays(site: Site) -> None:
    """One write of each kind is left as it was done, one is undone, one is overwritten. A creation that is undone looks
    like one that never arrived: nothing tells them apart."""
    dns = site.plan(removing=False)

    def after_creates(hand: Connection) -> None:
        assert hand.modify_dn(dns["c2"], "cn=By hand c2"), hand.result
        assert hand.modify(dns["c3"], {"title": [(MODIFY_REPLACE, ["By hand"])]}), hand.result

    def after_changes(hand: Connection) -> None:
        for short, title in (("u2", "Clerk"), ("u3", "By hand")):
            assert hand.modify(dns[short], {"title": [(MODIFY_REPLACE, [title])]}), hand.result
        for short, name in (("m2", "Given Namem2"), ("m3", "By hand m3")):
            assert hand.modify_dn(f"cn=Given Re{short},{site.desk.unit}", f"cn={name}"), hand.result

    site.lose("add", count=3, hands=after_creates)
    site.lose("modify", "modrdn", count=6, hands=after_changes)
    run = site.desk.run(3)
    assert not site.proxy.traps
    assert site.writes() == {"add": 3, "modify": 4, "modrdn": 3}
    changes, entries = site.desk.changes(run), site.desk.entries()
    conflicts = {short for short, one in changes.items() if one["result"] == "conflict"}
    assert conflicts == {"u2", "u3", "m2", "m3", "c2", "c3"}
    assert {one["result"] for one in changes.values()} == {"already_applied", "conflict"}
    assert entries["u2"]["title"] == ["Clerk"]
    assert "somebody wrote to the entry while our write was unanswered" in changes["u2"]["reason"]
    assert entries["u3"]["title"] == entries["c3"]["title"] == ["By hand"]
    assert [word for word in ("Clerk", "Chief", "By hand") if word not in changes["u3"]["reason"]] == []
    assert {short: entries[short]["cn"] for short in ("m2", "m3", "c2")} == {
        "m2": ["Given Namem2"], "m3": ["By hand m3"], "c2": ["By hand c2"],
    }  # fmt: skip


def test_entries_that_hands_make_where_deletions_lost_their_answers_stay(site: Site) -> None:
    dns = site.plan(changing=False)

    def after_deletes(hand: Connection) -> None:
        kind = "user" if isinstance(site.desk, DomainDesk) else "inetOrgPerson"
        for short, title in (("d2", "Clerk"), ("d3", "By hand")):
            values = {"sn": f"Name{short}", "title": title, "employeeNumber": site.desk.id_of(short)}
            assert hand.add(dns[short], kind, values), hand.result

    site.lose("delete", count=3, hands=after_deletes)
    run = site.desk.run()
    assert not site.proxy.traps
    assert run["results"] == {**dict.fromkeys(run["results"], 0), "already_applied": 3}
    assert site.writes() == {"delete": 3}
    entries = site.desk.entries()
    assert {short: entries[short]["title"] for short in DELETED if short in entries} == {
        "d2": ["Clerk"], "d3": ["By hand"],
    }  # fmt: skip
