"""What a look at an entry says about a step without a plain yes."""

from typing import Any

import pytest
from msgspec.structs import replace

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.applying.judging import Again, Judge, Seen
from placet_sync_worker.changes import AttributeChange, Change, Phase, Result, Step
from placet_sync_worker.providers.active_directory.values import fold as ad_fold
from placet_sync_worker.providers.ldap.names import LdapNaming, dn_key
from placet_sync_worker.tasks import Outcome, Task
from placet_sync_worker.testing.destination import FakeDestination

STORE = FakeDestination()
ANN, BOB = "cn=Ann,dc=x", "cn=Bob,dc=x"
ALREADY, CONFLICT = Result.ALREADY_APPLIED, Result.CONFLICT


def decoded(name: str, value: str) -> str:
    decode = STORE.attribute(name).decode
    return decode(value) if decode else value


JUDGE = Judge(decoded, lambda a, b: dn_key(a) == dn_key(b), lambda name: STORE.attribute(name).readable)


def verdict(task: Task, *found: Seen) -> Result | Again | None:
    given = JUDGE.verdict(task, found)
    return given.result if isinstance(given, Outcome) else given


def seen(dn: str = ANN, version: str = "v1", **values: str | tuple[str, ...]) -> Seen:
    texts = {name: (given,) if isinstance(given, str) else given for name, given in values.items()}
    return Seen("id", version, dn, texts)


def an_update(*attributes: AttributeChange) -> Task:
    step = Step("modify", Phase.UPDATE, attributes=tuple(a.name for a in attributes))
    return Task(0, 0, Change("1", "update", ANN, attributes, (step,), "id", "v1"), False, "v1", ANN)


def a_create() -> Task:
    attributes = (AttributeChange("cn", (), ("Ann",)), AttributeChange("mail", (), ("a@x", "b@x")))
    change = Change("1", "create", ANN, attributes, (Step("add", Phase.CREATE, attributes=("cn", "mail")),))
    return Task(0, 0, change, True, None, ANN)


class Domain(FakeDestination):
    """Its names are compared as a domain controller compares them."""

    @property
    def naming(self) -> LdapNaming:
        return LdapNaming(self.attribute, ad_fold)


SN = AttributeChange("sn", ("Low",), ("Lee",))
PASSWORD = AttributeChange("userPassword", (), (), password=True)


@pytest.mark.parametrize(("sn", "result"), [("Lee", ALREADY), ("Low", Again.SEND), ("Hand", CONFLICT)])
def test_the_planned_values_say_what_became_of_a_modify(sn: str, result: Result | Again) -> None:
    assert verdict(an_update(SN), seen(sn=sn, version="v2", title="somebody else's")) == result


def test_values_are_read_back_by_their_syntax_and_as_sets() -> None:
    boss = AttributeChange("manager", (BOB,), (ANN, BOB))
    assert verdict(an_update(boss), seen(manager=("CN=bob, DC=x", "cn=ANN,dc=x"))) == ALREADY
    assert verdict(an_update(boss), seen(manager="CN=BOB,DC=X")) == Again.SEND
    room = AttributeChange("roomNumber", ("7",), ("8",))
    assert verdict(an_update(room), seen(roomNumber="008")) == ALREADY


def test_old_values_under_a_new_version_after_a_send_may_be_a_hands_undo() -> None:
    sent = replace(an_update(SN), maybe_sent=True)
    assert verdict(sent, seen(sn="Low")) == Again.SEND
    assert verdict(sent, seen(sn="Low", version="v2")) == CONFLICT


def test_what_nobody_can_read_is_no_evidence() -> None:
    assert verdict(an_update(PASSWORD), seen()) == Again.SEND
    assert verdict(replace(an_update(PASSWORD), maybe_sent=True), seen(version="v2")) == Again.SEND
    assert verdict(an_update(SN, PASSWORD), seen(sn="Low")) == Again.SEND
    assert verdict(an_update(SN, PASSWORD), seen(sn="Hand")) == CONFLICT


def test_a_create_that_may_have_been_sent_is_known_by_its_name_and_its_values() -> None:
    assert verdict(a_create()) == Again.SEND
    assert verdict(a_create(), seen(cn="Ann", mail=("b@x", "a@x"), title="set by the server")) == ALREADY
    assert verdict(a_create(), seen("CN=ann, DC=x", cn="Ann", mail=("a@x", "b@x"))) == ALREADY
    assert verdict(a_create(), seen(BOB, cn="Ann", mail=("a@x", "b@x"))) == CONFLICT
    assert verdict(a_create(), seen(cn="Ann", mail="a@x")) == CONFLICT
    assert verdict(replace(a_create(), maybe_sent=False), seen(cn="Ann", mail=("a@x", "b@x"))) == CONFLICT


@pytest.mark.parametrize("what", ["rename", "delete"])
def test_what_is_planned_is_a_condition_of_moves_and_deletions_too(what: str) -> None:
    target = BOB if what == "rename" else None
    step = Step(what, Phase.DELETE, target=target)  # type: ignore[arg-type]  # one of the two
    task = an_update(SN)
    task = replace(task, change=replace(task.change, steps=(step,)))
    assert verdict(task, seen(sn="Low")) == Again.SEND
    assert verdict(task, seen(sn="Hand")) == CONFLICT
    assert verdict(task, seen("cn=Ann,ou=elsewhere,dc=x", sn="Low")) == CONFLICT
    assert verdict(task) == (CONFLICT if what == "rename" else ALREADY)


@pytest.mark.parametrize(("store", "result"), [(Domain(), ALREADY), (STORE, CONFLICT)])
def test_names_are_the_same_by_the_rules_of_the_store(store: Any, result: Result) -> None:
    created, planned = a_create(), "cn=Ann,ou=B\u00fcro,dc=x"
    sent = replace(created, dn=planned, change=replace(created.change, dn=planned))
    found = seen("CN=Ann,OU=Buro,DC=x", cn="Ann", mail=("a@x", "b@x"))
    given = DirectoryWriter(store, ("employeeNumber",))._judging.verdict(sent, [found])
    assert isinstance(given, Outcome)
    assert given.result == result
