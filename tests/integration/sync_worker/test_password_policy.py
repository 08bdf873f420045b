"""Made passwords and a server with rules of its own: OpenLDAP with its ppolicy overlay."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from placet_shared.objects import Password
from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import AttributeChange, Change, Phase, Result, Step
from placet_sync_worker.passwords.making import make_password
from placet_sync_worker.providers.ldap.connecting import Target
from placet_sync_worker.providers.ldap.drivers import open_directory
from placet_sync_worker.providers.ldap.provider import open_ldap
from placet_sync_worker.tasks import Outcome, Task
from tests.support.directories import provider, soon, surroundings
from tests.support.slapd import BASE_DN, PASSWORD, PEOPLE, Setup, Slapd, running_slapd

POLICY = f"cn=policy,{BASE_DN}"
RULES = f"moduleload ppolicy\noverlay ppolicy\nppolicy_default {POLICY}\nppolicy_hash_cleartext"
SHORTEST = 30


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    with running_slapd(Setup(more=RULES)) as server, server.hand() as hand:
        rules = {"pwdAttribute": "userPassword", "pwdMinLength": SHORTEST, "pwdCheckQuality": 2}
        assert hand.add(POLICY, ["device", "pwdPolicy"], rules), hand.result
        yield server


def a_create(name: str, key: str) -> Change:
    kinds = ("top", "person", "organizationalPerson", "inetOrgPerson")
    wanted = {"objectClass": kinds, "cn": (name,), "sn": ("Low",), "employeeNumber": (key,)}
    attributes = [AttributeChange(attribute, (), values) for attribute, values in wanted.items()]
    attributes.append(AttributeChange("userPassword", (), (), password=True))
    step = Step("add", Phase.CREATE, attributes=tuple(one.name for one in attributes))
    return Change(key, "create", f"cn={name},{PEOPLE}", tuple(attributes), (step,))


def apply(slapd: Slapd, *passwords: str) -> list[Outcome]:
    tasks = [
        Task(number, 0, a_create(f"P{number}", f"{number}"), False, None, "", password=password)
        for number, password in enumerate(passwords)
    ]
    with closing(open_ldap(provider(slapd.url), surroundings(PLACET_SECRET_CORP=PASSWORD))) as store:
        return DirectoryWriter(store, ("employeeNumber",)).apply(tasks, soon())


def test_a_password_against_the_rules_is_one_records_failure_and_others_are_hashed(slapd: Slapd) -> None:
    short, fine = make_password(Password(length=SHORTEST - 1)), make_password(Password(length=SHORTEST))
    outcomes = apply(slapd, fine, short)
    assert [one.result for one in outcomes] == [Result.APPLIED, Result.FAILED]
    reason = str(outcomes[1].reason)
    assert reason.startswith("the directory refused userPassword: ")
    assert reason.endswith("; make the job's passwords longer, or of more classes")
    assert short not in reason
    open_directory(Target(slapd.url, f"cn=P0,{PEOPLE}", fine)).close()
    with slapd.hand() as hand:
        hand.search(PEOPLE, "(cn=P0)", attributes=["userPassword"])
        assert hand.response[0]["raw_attributes"]["userPassword"][0].startswith(b"{SSHA}")
