"""Accounts with made passwords, on Samba: enabled, and their people can sign in."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from placet_shared.objects import Password
from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import Change, Result
from placet_sync_worker.passwords.making import make_password
from placet_sync_worker.providers.ldap.connecting import Target
from placet_sync_worker.providers.ldap.drivers import open_directory
from placet_sync_worker.providers.ldap.errors import BindRefusedError
from placet_sync_worker.tasks import Task
from tests.support.directories import at_once
from tests.support.domains import Domain, domain_for
from tests.support.planning import Row
from tests.support.samba import Samba

MADE = {"to": "unicodePwd", "password": {}, "only_on_create": True}
ENABLED, DISABLED = "512", "514"


@pytest.fixture
def domain(samba: Samba, tmp_path: Path) -> Iterator[Domain]:
    with domain_for(samba, tmp_path) as made:
        made.fields += [MADE]
        yield made


def row(domain: Domain, key: str) -> Row:
    return {"id": key, "name": f"P {key}", "login": f"{domain.base[3:].partition(',')[0]}.{key}", "last": "Low"}


def planned(domain: Domain, *keys: str, **job: object) -> list[Change]:
    changes, rejected, _ = domain.plan([row(domain, key) for key in keys], **job)
    assert not rejected
    return changes


def control(domain: Domain, key: str = "1") -> list[str]:
    return domain.value(f"(employeeID={key})", "userAccountControl")


def may_bind(domain: Domain, dn: str, password: str) -> bool:
    try:
        open_directory(Target(domain.samba.url, dn, password, str(domain.samba.ca_file))).close()
    except BindRefusedError:
        return False
    return True


def test_an_account_is_one_add_enabled_and_its_password_signs_in(domain: Domain) -> None:
    (change,) = planned(domain, "1")
    assert [step.what for step in change.steps] == ["add"]
    made = make_password(Password(), ["P 1"])
    assert [one.result for one in domain.apply([change], passwords={"1": made})] == [Result.APPLIED]
    assert control(domain) == [ENABLED]
    assert may_bind(domain, change.dn, made)
    assert not may_bind(domain, change.dn, f"{made}x")
    assert planned(domain, "1") == []


def test_an_account_in_steps_is_enabled_after_it_has_its_password(domain: Domain) -> None:
    (change,) = planned(domain, "1", provider={"create_in_steps": True})
    written = [(step.what, step.attributes) for step in change.steps[1:]]
    assert written == [("modify", ("unicodePwd",)), ("modify", ("userAccountControl;ACCOUNTDISABLE",))]
    made = make_password(Password())
    outcomes = domain.apply([change], passwords={"1": made}, create_in_steps=True)
    assert [one.result for one in outcomes] == [Result.APPLIED] * 3, outcomes
    assert control(domain) == [ENABLED]
    assert may_bind(domain, change.dn, made)


def test_a_password_that_the_domain_refuses_is_one_records_failure(domain: Domain) -> None:
    changes = planned(domain, "1", "2", "3")
    fine, weak = make_password(Password()), "Sh0rt!"
    outcomes = domain.apply(changes, passwords={"1": fine, "2": weak, "3": fine})
    assert [one.result for one in outcomes] == [Result.APPLIED, Result.FAILED, Result.APPLIED]
    reason = str(outcomes[1].reason)
    assert reason.startswith("the directory refused unicodePwd: ")
    assert "make the job's passwords longer" in reason
    assert weak not in reason
    assert domain.find("(employeeID=2)") == []


def test_an_add_whose_answer_was_lost_proves_its_password_by_what_can_be_read(domain: Domain) -> None:
    (change,) = planned(domain, "1")
    made = make_password(Password())
    task = Task(0, 0, change, False, change.version, change.dn, password=made)
    with closing(domain.open()) as store:
        writer = DirectoryWriter(store, ("employeeID",))
        operation = writer._operation(task)
        domain.proxy.answers = False
        store.directory.write([operation], at_once())
    domain.proxy.cut()
    domain.proxy.answers = True
    (outcome,) = domain.apply([change], maybe_sent=True, passwords={"1": made})
    assert outcome.result in (Result.ALREADY_APPLIED, Result.APPLIED)
    assert may_bind(domain, change.dn, made)
    assert domain.apply([change], maybe_sent=True, passwords={"1": made})[0].result == Result.ALREADY_APPLIED


def test_nothing_is_added_without_the_password_that_was_planned(domain: Domain) -> None:
    (change,) = planned(domain, "1")
    with pytest.raises(ValueError, match="would be written without its password"):
        domain.apply([change])
    assert domain.find("(employeeID=1)") == []
