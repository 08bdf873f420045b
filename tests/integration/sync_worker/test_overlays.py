"""A real slapd whose overlays write and search by themselves: what a write asserts must not stop them."""

from collections.abc import Iterator

import pytest

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import AttributeChange, Change, Phase, Result, Step
from placet_sync_worker.ports import Entry, Operation
from placet_sync_worker.providers.ldap.drivers import Driver
from placet_sync_worker.providers.ldap.store import LdapStore
from placet_sync_worker.tasks import Task
from tests.support.directories import GROUPS, SlapdWorld, open_store, person, slapd_world, soon, write
from tests.support.slapd import PEOPLE, Setup

MEMBEROF = "moduleload memberof\noverlay memberof\nmemberof-group-oc groupOfNames\nmemberof-refint TRUE\n"
UNIQUE = "moduleload unique\noverlay unique\nunique_uri ldap:///?uid?sub\n"
ADA, BO, CY, ADMINS = f"cn=Ada,{PEOPLE}", f"cn=Bo,{PEOPLE}", f"cn=Cy,{PEOPLE}", f"cn=admins,{GROUPS}"


@pytest.fixture
def memberof(driver: Driver) -> Iterator[SlapdWorld]:
    with slapd_world(Setup(more=MEMBEROF), driver) as world:
        yield world


@pytest.fixture
def unique(driver: Driver) -> Iterator[SlapdWorld]:
    with slapd_world(Setup(more=UNIQUE), driver) as world:
        yield world


def entry(store: LdapStore, dn: str, *names: str) -> Entry:
    (page,) = store.directory.search(dn, "base", "(objectClass=*)", [*names, "entryUUID", "entryCSN"])
    return page[0]


def texts(store: LdapStore, dn: str, name: str) -> list[str]:
    return [value.decode() for value in entry(store, dn, name).attributes.get(name, ())]


def apply(store: LdapStore, dn: str, step: Step, *attributes: AttributeChange) -> tuple[Result | None, str | None]:
    """One step of a change of an entry as it is now."""
    now = entry(store, dn)
    id_, version = (now.attributes[name][0].decode() for name in ("entryUUID", "entryCSN"))
    change = Change("1", "update", dn, attributes, (step,), id_, version)
    writer = DirectoryWriter(store, ("employeeNumber",))
    (outcome,) = writer.apply([Task(0, 0, change, maybe_sent=False, version=version, dn=dn)], soon())
    return outcome.result, outcome.reason


def group(*members: str) -> Operation:
    named = tuple(member.encode() for member in members)
    return Operation("add", ADMINS, attributes={"objectClass": (b"groupOfNames",), "cn": (b"admins",), "member": named})


def modify(*attributes: AttributeChange) -> Step:
    return Step("modify", Phase.UPDATE, attributes=tuple(one.name for one in attributes))


def test_who_joins_and_leaves_a_group_is_told_so_by_memberof(memberof: SlapdWorld) -> None:
    store = open_store(memberof)
    write(memberof, *(person(name, employeeNumber=name) for name in ("Ada", "Bo", "Cy")))
    write(memberof, group(ADA, CY))
    member = AttributeChange("member", (ADA, CY), (CY, BO))
    assert apply(store, ADMINS, modify(member), member) == (Result.APPLIED, None)
    assert {dn: texts(store, dn, "memberOf") for dn in (ADA, BO, CY)} == {ADA: [], BO: [ADMINS], CY: [ADMINS]}

    renamed = Step("rename", Phase.UPDATE, target=f"cn=Bob,{PEOPLE}", attributes=("cn",))
    assert apply(store, BO, renamed, AttributeChange("cn", ("Bo",), ("Bob",))) == (Result.APPLIED, None)
    assert apply(store, CY, Step("delete", Phase.DELETE)) == (Result.APPLIED, None)
    assert texts(store, ADMINS, "member") == [f"cn=Bob,{PEOPLE}"]


def test_a_free_value_of_a_unique_attribute_is_written_and_a_taken_one_is_refused(unique: SlapdWorld) -> None:
    store = open_store(unique)
    write(unique, person("Ada", employeeNumber="1", uid="ada"), person("Bo", employeeNumber="2", uid="bo"))
    free = AttributeChange("uid", ("ada",), ("countess",))
    assert apply(store, ADA, modify(free), free) == (Result.APPLIED, None)
    taken = AttributeChange("uid", ("countess",), ("bo",))
    result, reason = apply(store, ADA, modify(taken), taken)
    assert result is Result.FAILED
    assert "non-unique attributes found" in str(reason)
    assert texts(store, ADA, "uid") == ["countess"]
