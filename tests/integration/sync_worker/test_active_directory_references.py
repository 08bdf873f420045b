"""References in Active Directory, by Samba, which keeps them whole: what it changes itself is nobody's hand."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from placet_sync_worker.changes import Change
from placet_sync_worker.ports import Operation
from tests.support.carrying import carry_out
from tests.support.domains import FIELDS, Domain, domain_for
from tests.support.planning import Row
from tests.support.samba import Samba

MANAGER = {"to": "manager", "resolve": {"from": "boss", "match": "employeeID"}}
GROUPED: dict[str, Any] = {
    "object_type": "group",
    "key": [{"source": "id", "destination": "cn"}],
    "fields": [
        {"to": "cn", "from": "id"},
        {"to": "sAMAccountName", "from": "login"},
        {"to": "member", "resolve": {"from": "members", "match": "employeeID"}, "split": ";"},
    ],
}


@pytest.fixture
def domain(samba: Samba, tmp_path: Path) -> Iterator[Domain]:
    with domain_for(samba, tmp_path) as made:
        made.fields = [*FIELDS, MANAGER]
        made.columns += ["boss", "members"]
        yield made


def row(domain: Domain, key: str, name: str, boss: str | None = None, **more: str) -> Row:
    return {"id": key, "name": name, "login": f"{unit(domain)}.{key}", "last": "Low", "boss": boss, **more}


def unit(domain: Domain) -> str:
    """A word that no other test's accounts begin with."""
    return domain.base[3:].partition(",")[0]


def apply(domain: Domain, changes: Sequence[Change], key: str = "employeeID") -> list[str]:
    outcomes = carry_out(domain.open(), changes, (key,))
    domain.links |= {o.entry_id: c.key for c, o in zip(changes, outcomes, strict=True) if o.entry_id}
    done = zip(changes, outcomes, strict=True)
    return [f"{c.op} {c.key}: {o.result}{f' ({o.reason})' if o.reason else ''}" for c, o in done]


def run(domain: Domain, rows: Sequence[Row], by: str = "employeeID", **job: Any) -> list[str]:
    changes, rejected, _ = domain.plan(rows, **job)
    return apply(domain, changes, by) + list(rejected.values())


def link(domain: Domain) -> None:
    """As the end of a run does."""
    with closing(domain.open()) as store:
        rows = [one for page in store.read(["employeeID"], "(employeeID=*)") for one in page.to_pylist()]
    domain.links |= {one["@id"]: one["employeeID"][0] for one in rows}


def test_managers_are_there_are_made_and_manage_each_other(domain: Domain) -> None:
    domain.add("Boss", employeeID="7", sAMAccountName=f"{unit(domain)}.boss")
    rows = [row(domain, "1", "Ann", "7"), row(domain, "2", "Bob", "3"), row(domain, "3", "Cy", "2")]
    assert run(domain, rows) == [f"create {n}: applied" for n in "123"]
    assert domain.value("(employeeID=1)", "manager") == [f"CN=Boss,{domain.people}"]
    assert domain.value("(employeeID=2)", "manager") == [f"CN=Cy,{domain.people}"]
    assert run(domain, rows) == []
    assert run(domain, [row(domain, "1", "Ann", "17")]) == ["manager: no entry has employeeID 17"]


def test_what_the_server_renames_itself_is_nobodys_hand(domain: Domain) -> None:
    run(domain, [row(domain, "1", "Ann", "2"), row(domain, "2", "Bob"), row(domain, "3", "Cy")])
    renamed = [row(domain, "1", "Ann Lee", "3"), row(domain, "2", "Bob Lee"), row(domain, "3", "Cy Lee", "2")]
    assert run(domain, renamed) == ["move 1: applied", "move 2: applied", "move 3: applied"]
    assert domain.value("(employeeID=1)", "manager") == [f"CN=Cy Lee,{domain.people}"]
    assert domain.value("(employeeID=3)", "manager") == [f"CN=Bob Lee,{domain.people}"]
    assert run(domain, renamed) == []


def test_who_is_deleted_together_with_the_manager_is_deleted(domain: Domain) -> None:
    run(domain, [row(domain, "1", "Ann"), row(domain, "2", "Bob", "1"), row(domain, "3", "Cy")])
    link(domain)
    assert run(domain, [row(domain, "3", "Cy")], extra="delete") == ["delete 1: applied", "delete 2: applied"]
    assert domain.find("(employeeID=2)") == []


def test_an_account_in_steps_is_enabled_when_it_has_its_manager(domain: Domain) -> None:
    enabled = "userAccountControl;ACCOUNTDISABLE"
    domain.fields += [{"to": enabled, "static": "FALSE"}, {"to": "userAccountControl;PASSWD_NOTREQD", "static": "TRUE"}]
    for number in (7, 8):
        domain.add(f"Boss {number}", employeeID=f"{number}", sAMAccountName=f"{unit(domain)}.boss{number}")
    rows = [row(domain, "1", "Ann", "7"), row(domain, "2", "Bob", "8")]
    changes, _, _ = domain.plan(rows, provider={"create_in_steps": True})
    assert [[step.attributes for step in change.steps[1:]] for change in changes] == [[("manager",), (enabled,)]] * 2
    assert domain.write(Operation("delete", f"CN=Boss 8,{domain.people}"))[0].done
    assert [one.partition(" (")[0] for one in apply(domain, changes)] == ["create 1: applied", "create 2: skipped"]
    assert domain.value("(employeeID=1)", "userAccountControl") == [str(0x220)]
    assert domain.value("(employeeID=2)", "userAccountControl") == [str(0x222)]


def test_groups_get_members_and_lose_them(domain: Domain) -> None:
    run(domain, [row(domain, "1", "Ann"), row(domain, "2", "Bob"), row(domain, "3", "Cy")])
    destination = {"provider": "corp", "container": domain.groups}
    group: Row = {"id": "g", "login": f"{unit(domain)}.g", "members": "1;2"}
    assert run(domain, [group], "cn", **GROUPED, destination=destination) == ["create g: applied"]
    assert run(domain, [group], "cn", **GROUPED, destination=destination) == []
    changed: Row = {**group, "members": "3;2"}
    assert run(domain, [changed], "cn", **GROUPED, destination=destination) == ["update g: applied"]
    assert domain.value("(cn=g)", "member") == [f"CN=Bob,{domain.people}", f"CN=Cy,{domain.people}"]
