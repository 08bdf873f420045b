"""What a domain controller refuses, and what becomes of writes whose answers are lost: one sentence for the record that
is at fault, with its attribute and what to do; the others go on."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import AttributeChange, Change, Result
from placet_sync_worker.ports import Modification, Operation
from placet_sync_worker.providers.ldap.drivers import Driver
from placet_sync_worker.providers.ldap.errors import NoSuchEntryError
from placet_sync_worker.tasks import Task
from tests.support.directories import at_once
from tests.support.domains import Domain, domain_for
from tests.support.planning import Row
from tests.support.samba import READER_DN, SERVICE, Samba

TAKEN = "another entry has it; give each entry its own"


@pytest.fixture
def domain(samba: Samba, tmp_path: Path) -> Iterator[Domain]:
    with domain_for(samba, tmp_path) as made:
        yield made


def unit(domain: Domain) -> str:
    return domain.base[3:].partition(",")[0]


def row(domain: Domain, key: str, **more: str | list[str] | None) -> Row:
    return {"id": key, "name": f"P {key}", "login": f"{unit(domain)}.{key}", "last": "Low", **more}


# ---- refused ---------------------------------------------------------------------------------------------------------

Spoil = Callable[[Domain, Change], Change]


def wanting(name: str, value: str) -> Spoil:
    """A new entry with another value."""

    def spoil(domain: Domain, change: Change) -> Change:
        there = value.format(unit=unit(domain))
        attributes = (*(a for a in change.attributes if a.name != name), AttributeChange(name, (), (there,)))
        step = replace(change.steps[0], attributes=tuple(a.name for a in attributes))
        return replace(change, attributes=attributes, steps=(step,))

    return spoil


def taking(name: str) -> Spoil:
    """A new entry with a value that somebody has whom the job cannot see."""

    def spoil(domain: Domain, change: Change) -> Change:
        value = f"{unit(domain)}.taken"
        domain.add(value, "user", SERVICE, sAMAccountName=value, userPrincipalName=value)
        return wanting(name, value)(domain, change)

    return spoil


def elsewhere(domain: Domain, change: Change) -> Change:
    return replace(change, dn=f"CN=P 2,OU=gone,{domain.people}")


def with_a_name_that_is_taken(domain: Domain, change: Change) -> Change:
    domain.add("P 2", "contact")
    return change


MISTAKES = {
    "a password that is too weak": (wanting("unicodePwd", "short"), "unicodePwd", "make the job's passwords longer"),
    "no such unit": (elsewhere, "it", "create the unit or container that it is to stand in"),
    "an account name that is taken": (taking("sAMAccountName"), "sAMAccountName", TAKEN),
    "a principal name that is taken": (taking("userPrincipalName"), "userPrincipalName", TAKEN),
    "a name that is taken": (
        with_a_name_that_is_taken,
        "it",
        "an entry with this name or this sAMAccountName",
    ),
    "a value that is too long": (wanting("initials", "1234567"), "initials", "shorten or correct the value"),
    "nobody to refer to": (wanting("manager", "CN=nobody,DC=corp,DC=example"), "it", "that it refers to is not there"),
    "an attribute of other entries": (wanting("groupType", "2"), "groupType", "that the object class needs"),
    "a character that is not allowed": (wanting("sAMAccountName", "{unit},x"), "sAMAccountName", "own rules allow"),
}


@pytest.mark.parametrize(("spoil", "attribute", "remedy"), MISTAKES.values(), ids=MISTAKES)
def test_one_record_fails_with_its_attribute_and_the_others_go_on(
    domain: Domain, spoil: Spoil, attribute: str, remedy: str
) -> None:
    changes, _, _ = domain.plan([row(domain, str(number)) for number in (1, 2, 3)])
    outcomes = domain.apply([changes[0], spoil(domain, changes[1]), changes[2]])
    reason = str(outcomes[1].reason)
    assert [outcome.result for outcome in outcomes] == [Result.APPLIED, Result.FAILED, Result.APPLIED], reason
    assert reason.startswith(f"the directory refused {attribute}: ")
    assert remedy in reason
    assert "\n" not in reason


def test_an_account_without_the_right_to_write_is_told_so(domain: Domain) -> None:
    people = [row(domain, "1", title="Dr"), row(domain, "2"), row(domain, "3")]
    domain.run(people)
    changes, _, _ = domain.plan([people[0] | {"title": "Prof"}, people[1] | {"name": "Q 2"}, row(domain, "4")])
    removals, _, _ = domain.plan(people[:2], extra="delete")
    outcomes = domain.apply([*changes, *removals], bind_dn=READER_DN)
    assert {outcome.result for outcome in outcomes} == {Result.FAILED}
    assert len(outcomes) == 4
    rights = [str(outcome.reason).rpartition("; give the bind account the right to ")[2] for outcome in outcomes]
    there = [f"{name},{domain.people}" for name in ("cn=P 4", "CN=P 1", "CN=P 2", "CN=P 3")]
    assert rights == [f"add {there[0]}", f"write title of {there[1]}", f"rename {there[2]}", f"delete {there[3]}"]


def test_what_is_too_long_or_taken_is_known_before_anything_is_written(domain: Domain) -> None:
    domain.fields += [{"to": "initials", "from": "title"}]
    domain.fields = [one for one in domain.fields if one["to"] != "title"]
    domain.add("Other", employeeID="9", sAMAccountName=f"{unit(domain)}.3")
    people = [row(domain, "1", title="1234567"), row(domain, "2", phones=["1", "1"]), row(domain, "3")]
    done = domain.run(people)
    assert done[0] == "create 2: applied"
    assert "rejected line 2: initials takes 6 characters, and the record gives more" in done
    assert f"rejected line 4: sAMAccountName still held by CN=Other,{domain.people}" in done


def test_a_container_that_is_not_there_is_named(domain: Domain) -> None:
    with pytest.raises(NoSuchEntryError, match=f"has no entry OU=Nowhere,{domain.people}; check base_dn and container"):
        domain.plan([row(domain, "1")], destination={"provider": "corp", "container": f"OU=Nowhere,{domain.people}"})


def test_names_that_people_swap_are_said_of_both_and_one_that_is_freed_comes_with_the_next_run(domain: Domain) -> None:
    people = [row(domain, key) for key in ("1", "2", "3")]
    domain.run(people)
    one, two = f"CN=P 1,{domain.people}", f"CN=P 2,{domain.people}"
    swapped = [people[0] | {"name": "P 2"}, people[1] | {"name": "P 1"}, people[2] | {"title": "Dr"}]
    assert domain.run(swapped) == [
        "update 3: applied",
        f"rejected line 2: name still held by {two} (key 2), which wants {one}: the two swap names",
        f"rejected line 3: name still held by {one} (key 1), which wants {two}: the two swap names",
    ]
    logins = [people[0] | {"login": people[1]["login"]}, people[1] | {"login": people[0]["login"]}]
    assert [one.partition(" still")[0] for one in domain.run(logins)] == [
        "rejected line 2: sAMAccountName", "rejected line 3: sAMAccountName",
    ]  # fmt: skip
    freed = [people[0] | {"name": "P 2"}, people[1] | {"name": "Q 2"}]
    assert domain.run(freed) == ["move 2: applied", f"rejected line 2: name still held by {two} (key 2)"]
    assert domain.run(freed) == ["move 1: applied"]


# ---- lost ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arrives", [True, False])
def test_writes_without_an_answer_are_looked_at_and_done_once(domain: Domain, driver: Driver, arrives: bool) -> None:
    changes = of_each_kind(domain)
    assert [change.op for change in changes] == ["create", "update", "move", "delete"]
    tasks = [Task(number, 0, change, False, change.version, change.dn) for number, change in enumerate(changes)]
    with closing(domain.open(driver=driver)) as store:
        writer = DirectoryWriter(store, ("employeeID",))
        operations = [writer._operation(task) for task in tasks]
        domain.proxy.answers, domain.proxy.hears = not arrives, arrives
        answers = store.directory.write(operations, at_once())
        assert [(answer.code, answer.sent) for answer in answers] == [(None, True)] * 4
        settled(domain)
    outcomes = domain.apply(changes, maybe_sent=True, driver=driver)
    assert [outcome.result for outcome in outcomes] == [Result.ALREADY_APPLIED if arrives else Result.APPLIED] * 4
    assert sorted(domain_names(domain)) == ["P 1", "P 4", "Q 2"]


def test_a_write_that_a_hand_took_back_is_not_done_again(domain: Domain) -> None:
    (_, change, _, _) = of_each_kind(domain)
    domain.apply([change])
    part = Modification("replace", "title", (b"Dr",))
    assert domain.write(Operation("modify", change.dn, modifications=(part,)))[0].done
    (outcome,) = domain.apply([change], maybe_sent=True)
    assert (outcome.result, "somebody wrote to the entry" in str(outcome.reason)) == (Result.CONFLICT, True)


def of_each_kind(domain: Domain) -> list[Change]:
    """A create, an update, a move and a delete."""
    people = [row(domain, key, title="Dr") for key in ("1", "2", "3")]
    domain.run(people)
    wanted = [people[0] | {"title": "Prof"}, people[1] | {"name": "Q 2"}, row(domain, "4", title="Dr")]
    changes, _, _ = domain.plan(wanted, extra="delete")
    return changes


def settled(domain: Domain) -> None:
    """The connection ends, and the server has done what reached it: it does one thing after another."""
    domain.proxy.cut()
    domain.proxy.answers = domain.proxy.hears = True
    domain.find("(cn=*)")


def domain_names(domain: Domain) -> list[str]:
    return [entry.attributes["cn"][0].decode() for entry in domain.find("(employeeID=*)", "cn")]
