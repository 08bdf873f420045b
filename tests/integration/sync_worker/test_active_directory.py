"""Active Directory, by Samba: plans are carried out, and what others do meanwhile is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from placet_sync_worker.changes import Result
from placet_sync_worker.ports import Modification, Operation
from tests.support.domains import Domain, domain_for
from tests.support.planning import Row
from tests.support.samba import PASSWORD, Samba

DISABLED, NEVER_EXPIRES = "userAccountControl;ACCOUNTDISABLE", "userAccountControl;DONT_EXPIRE_PASSWORD"


@pytest.fixture
def domain(samba: Samba, tmp_path: Path) -> Iterator[Domain]:
    with domain_for(samba, tmp_path) as made:
        yield made


def row(domain: Domain, key: str, name: str = "Ann Low", **more: str | list[str] | None) -> Row:
    return {"id": key, "name": name, "login": f"{domain.base[3:].partition(',')[0]}.{key}", "last": "Low", **more}


def control(domain: Domain, query: str = "(employeeID=1)") -> int:
    (number,) = domain.value(query, "userAccountControl")
    return int(number)


# ---- the plain ways --------------------------------------------------------------------------------------------------


def test_a_job_is_carried_out_and_then_there_is_nothing_to_do(domain: Domain) -> None:
    people = [row(domain, "1", phones=["1", "2"], title="Dr"), row(domain, "2", "Bob Roe")]
    assert domain.run(people) == ["create 1: applied", "create 2: applied"]
    assert domain.run(people) == []
    assert control(domain) == 0x202
    people[0] |= {"name": "Ann Lee", "title": "Prof", "phones": ["2", "3"]}
    assert domain.run(people) == ["move 1: applied"]
    assert domain.value("(employeeID=1)", "otherTelephone") == ["2", "3"]
    (entry,) = domain.find("(employeeID=1)", "title")
    assert (entry.dn, entry.attributes["title"]) == (f"CN=Ann Lee,{domain.people}", (b"Prof",))
    assert domain.run(people[1:], extra="delete") == ["delete 1: applied"]
    assert domain.find("(employeeID=1)") == []


def test_who_left_is_disabled_and_enabled_again_bit_by_bit(domain: Domain) -> None:
    domain.fields += [{"to": DISABLED, "from": "off"}]
    domain.columns += ["off"]
    people = [row(domain, "1", off="FALSE"), row(domain, "2", "Bob Roe", off="TRUE")]
    assert domain.run(people[1:]) == ["create 2: applied"]
    domain.add("Ann Low", employeeID="1", sAMAccountName=str(people[0]["login"]), sn="Low", userAccountControl="66048",
               unicodePwd=f'"{PASSWORD}"'.encode("utf-16-le"))  # fmt: skip
    assert domain.run(people) == []
    changes, _, _ = domain.plan(people[1:], extra="disable", extra_scope="all")
    assert [(a.name, a.before, a.after) for a in changes[0].attributes] == [(DISABLED, ("FALSE",), ("TRUE",))]
    assert {outcome.result for outcome in domain.apply(changes)} == {Result.APPLIED}
    assert control(domain) == 66050
    assert domain.run(people[1:], extra="disable", extra_scope="all") == []
    assert domain.run(people) == ["update 1: applied"]
    assert control(domain) == 66048


def test_bits_that_somebody_else_sets_meanwhile_stay(domain: Domain) -> None:
    people = [row(domain, "1")]
    domain.run(people)
    domain.fields += [{"to": NEVER_EXPIRES, "static": "TRUE"}]
    changes, _, _ = domain.plan(people)
    smartcard = Modification("replace", "userAccountControl", (str(0x40202).encode(),))
    domain.write(Operation("modify", changes[0].dn, modifications=(smartcard,)))
    assert [outcome.result for outcome in domain.apply(changes)] == [Result.APPLIED]
    assert control(domain) == 0x50202
    assert [outcome.result for outcome in domain.apply(changes)] == [Result.ALREADY_APPLIED]
