"""Active Directory, by Samba: plans are carried out, and what others do meanwhile is kept."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from msgspec import structs

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import PROVEN, AttributeChange, Change, Phase, Result, Step
from placet_sync_worker.errors import UnusableJobError
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.examining import Examination
from placet_sync_worker.ports import ID, RECORD, Answer, Directory, Entry, Modification, Operation, Window
from placet_sync_worker.providers.active_directory.provider import AdSource, open_ad, try_ad
from placet_sync_worker.providers.ldap.connecting import Target
from placet_sync_worker.providers.ldap.errors import BindRefusedError, InvalidFilterError, SearchRefusedError
from placet_sync_worker.providers.ldap.ldap3_directory import open_directory
from placet_sync_worker.providers.ldap.wire import Scope
from placet_sync_worker.tasks import Task
from tests.support.directories import soon, surroundings
from tests.support.domains import Domain, domain_for
from tests.support.planning import Row
from tests.support.samba import BIND_DN, DOMAIN_DN, PASSWORD, SERVICE, Samba
from tests.support.slapd import BASE_DN as SLAPD_BASE_DN
from tests.support.slapd import BIND_DN as SLAPD_BIND_DN
from tests.support.slapd import PASSWORD as SLAPD_PASSWORD
from tests.support.slapd import Slapd

DISABLED, NEVER_EXPIRES = "userAccountControl;ACCOUNTDISABLE", "userAccountControl;DONT_EXPIRE_PASSWORD"


@pytest.fixture
def domain(samba: Samba, tmp_path: Path) -> Iterator[Domain]:
    with domain_for(samba, tmp_path) as made:
        yield made


def row(domain: Domain, key: str, name: str = "Ann Low", **more: str | list[str] | None) -> Row:
    return {"id": key, "name": name, "login": f"{unit(domain)}.{key}", "last": "Low", **more}


def unit(domain: Domain) -> str:
    """A word that no other test's accounts begin with."""
    return domain.base[3:].partition(",")[0]


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


def test_a_new_account_is_one_add_with_its_password_enabled(domain: Domain) -> None:
    (change,), _, _ = domain.plan([row(domain, "1")])
    with_password = enabled(change)
    (outcome,) = domain.apply([with_password])
    assert outcome.result == Result.APPLIED
    assert control(domain) == 0x200
    assert may_bind(domain, change.dn, "Secret.of-1")
    assert domain.apply([with_password], maybe_sent=True)[0].result == Result.ALREADY_APPLIED


def test_a_new_account_may_be_made_in_steps(domain: Domain) -> None:
    (change,), _, _ = domain.plan([row(domain, "1")], provider={"create_in_steps": True})
    steps = (
        Step("add", Phase.CREATE, attributes=tuple(a.name for a in change.attributes if a.name != DISABLED)),
        Step("modify", Phase.CREATE, attributes=("unicodePwd",)),
        Step("modify", Phase.UPDATE, attributes=(DISABLED,)),
    )
    wanted = [a for a in enabled(change).attributes if a.name != DISABLED]
    whole = structs.replace(change, steps=steps, attributes=(*wanted, AttributeChange(DISABLED, ("TRUE",), ("FALSE",))))
    assert [outcome.result for outcome in domain.apply([structs.replace(whole, steps=steps[:1])])] == [Result.APPLIED]
    assert control(domain) == 0x202
    assert {outcome.result for outcome in domain.apply([whole], maybe_sent=True)} <= PROVEN
    assert control(domain) == 0x200
    assert may_bind(domain, change.dn, "Secret.of-1")


def test_an_account_that_was_only_half_made_is_taken_up_by_the_next_plan_as_new(domain: Domain) -> None:
    domain.fields += [
        {"to": DISABLED, "static": "FALSE"},
        {"to": "userAccountControl;PASSWD_NOTREQD", "static": "TRUE"},
    ]
    people, in_steps = [row(domain, "1")], {"create_in_steps": True}
    (change,), _, _ = domain.plan(people, provider=in_steps)
    assert [step.what for step in change.steps] == ["add", "modify"]
    (added,) = domain.apply([structs.replace(change, steps=change.steps[:1])])
    assert control(domain) == 0x222
    (left,), _, _ = domain.plan(people, provider=in_steps, half_made={added.entry_id})
    assert (left.op, left.id, [step.what for step in left.steps]) == ("create", added.entry_id, ["modify"])
    assert [outcome.result for outcome in domain.apply([left])] == [Result.APPLIED]
    assert control(domain) == 0x220
    assert domain.run(people, provider=in_steps) == []


def enabled(change: Change) -> Change:
    """The account with a password, as its add gets it."""
    attributes = [a for a in change.attributes if a.name != DISABLED]
    attributes += [AttributeChange("unicodePwd", (), ("Secret.of-1",)), AttributeChange(DISABLED, (), ("FALSE",))]
    return structs.replace(
        change, attributes=tuple(attributes), steps=(structs.replace(change.steps[0], attributes=names_of(attributes)),)
    )


def names_of(attributes: Iterable[AttributeChange]) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in attributes)


def may_bind(domain: Domain, dn: str, password: str) -> bool:
    try:
        open_directory(Target(domain.samba.url, dn, password, str(domain.samba.ca_file))).close()
    except BindRefusedError:
        return False
    return True


# ---- other kinds of entries ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "classes", "control", "needed"),
    [
        ("group", {"top", "group"}, [], {"sAMAccountName": "login"}),
        ("contact", {"top", "person", "organizationalPerson", "contact"}, [], {}),
        ("computer", {"top", "person", "organizationalPerson", "user", "computer"}, ["4096"],
         {"sAMAccountName": "login"}),
        ("inetOrgPerson", {"top", "person", "organizationalPerson", "user", "inetOrgPerson"}, ["514"],
         {"sAMAccountName": "login"}),
    ],
)  # fmt: skip
def test_entries_of_other_types(
    domain: Domain, kind: str, classes: set[str], control: list[str], needed: dict[str, str]
) -> None:
    domain.fields = [{"to": "cn", "from": "name"}, {"to": "description", "from": "title"}]
    domain.fields += [{"to": to, "from": column} for to, column in needed.items()]
    job: dict[str, Any] = {"object_type": kind, "key": [{"source": "name", "destination": "cn"}]}
    entry = row(domain, "1", "One", title="first")
    assert domain.run([entry], **job) == ["create One: applied"]
    assert set(domain.value("(cn=One)", "objectClass")) == classes
    assert domain.value("(cn=One)", "userAccountControl") == control
    assert domain.run([entry], **job) == []
    assert domain.run([{**entry, "title": "other"}], **job) == ["update One: applied"]


def test_containers_are_made_too(domain: Domain) -> None:
    domain.fields = [{"to": "ou", "from": "name"}]
    job: dict[str, Any] = {"object_type": "organizational_unit", "key": [{"source": "name", "destination": "ou"}]}
    assert domain.run([row(domain, "1", "Sales")], **job) == ["create Sales: applied"]
    assert domain.run([row(domain, "1", "Sales")], **job) == []


def test_who_left_goes_to_a_place_that_is_made_for_them(domain: Domain) -> None:
    people = [row(domain, "1"), row(domain, "2", "Bob Roe")]
    domain.run(people)
    known = dict(domain.links)
    place = f"OU=2026,OU=Left,{domain.people}"
    away = {"extra": "move", "move_to": place, "create_move_to": True}
    changes, _, _ = domain.plan(people[:1], **away)
    assert [change.op for change in changes] == ["create", "create", "move"]
    outcomes = [*domain.apply(changes[:2]), *domain.apply(changes[:2]), *domain.apply(changes[2:])]
    done, again = Result.APPLIED, Result.ALREADY_APPLIED
    assert [one.result for one in outcomes] == [done, done, again, again, done], outcomes
    assert domain.links == known
    assert domain.plan(people[:1], **away)[0] == []


def test_a_group_with_thousands_of_members(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samba gives all values at once, Windows 1,500; asked for a part, Samba gives it as Windows does."""
    adds = [
        Operation("add", f"CN=m{n},{domain.groups}", attributes={"objectClass": (b"contact",)}) for n in range(1_700)
    ]
    assert {answer.code for answer in domain.write(*adds)} == {0}
    members = [add.dn for add in adds]
    domain.add("big", "group", domain.groups, sAMAccountName=f"{unit(domain)}.big",
               description="g1", member=members[:1_650])  # fmt: skip
    monkeypatch.setattr("placet_sync_worker.providers.ldap.drivers._OPENERS", {"python": as_windows})
    domain.fields = [{"to": "description", "from": "id"}, {"to": "member", "from": "phones"}]
    job: dict[str, Any] = {
        "object_type": "group", "key": [{"source": "id", "destination": "description"}], "missing": "skip",
        "destination": {"provider": "corp", "container": domain.groups},
    }  # fmt: skip
    assert domain.run([{"id": "g1", "phones": list(members[:1_650])}], **job) == []
    changes, _, _ = domain.plan([{"id": "g1", "phones": list(members[50:])}], **job)
    (change,) = changes[0].attributes
    assert (len(change.before), len(change.add), len(change.remove)) == (1_650, 50, 50)
    assert [outcome.result for outcome in domain.apply(changes, keys=("description",))] == [Result.APPLIED]
    assert domain.run([{"id": "g1", "phones": list(members[50:])}], **job) == []


@dataclass(frozen=True)
class AsWindows:
    """Asks for the first 1,500 members where all are wanted."""

    real: Directory

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        asked = ["member;range=0-1499" if name == "member" else name for name in attributes]
        return self.real.search(base, scope, filter, asked)

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self.real.columns(base, scope, filter, attributes)

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        return self.real.compare(dn, values)

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        return self.real.write(operations, deadline)

    def close(self) -> None:
        self.real.close()


def as_windows(target: Target) -> Directory:
    return AsWindows(open_directory(target))


# ---- what others do meanwhile ----------------------------------------------------------------------------------------


def test_what_moved_since_the_plan_is_a_conflict(domain: Domain) -> None:
    people = [row(domain, "1", title="Dr"), row(domain, "2", "Bob Roe")]
    domain.run(people)
    changes, _, _ = domain.plan([people[0] | {"title": "Prof"}, people[1] | {"phones": ["1"]}])
    hand(domain, changes[0].dn, "title", "Hand")
    hand(domain, changes[1].dn, "otherTelephone", "9")
    outcomes = domain.apply(changes)
    assert [outcome.result for outcome in outcomes] == [Result.CONFLICT, Result.CONFLICT]
    assert all(repr(value) in str(outcomes[0].reason) for value in ("Dr", "Prof", "Hand"))
    assert domain.value("(employeeID=1)", "title") == ["Hand"]
    assert domain.value("(employeeID=2)", "otherTelephone") == ["9"]


def test_an_entry_that_was_made_again_or_renamed_is_found_by_its_id_alone(domain: Domain) -> None:
    people = [row(domain, "1", title="Dr"), row(domain, "2", "Bob Roe", title="Dr")]
    domain.run(people)
    changes, _, _ = domain.plan([one | {"title": "Prof"} for one in people])
    removal, _, _ = domain.plan(people[1:], extra="delete")
    domain.write(Operation("delete", changes[0].dn))
    domain.add("Ann Low", employeeID="9", title="Dr")
    domain.write(Operation("rename", changes[1].dn, new_rdn="CN=Robert", new_superior=domain.groups))
    outcomes = domain.apply([*changes, *removal])
    assert [outcome.result for outcome in outcomes] == [Result.CONFLICT, Result.CONFLICT, Result.ALREADY_APPLIED]
    assert domain.value("(employeeID=9)", "title") == ["Dr"]


def test_a_write_on_its_way_meets_no_other_entry_that_got_the_name(domain: Domain) -> None:
    people = [row(domain, "1", title="Dr"), row(domain, "2", "Bob Roe", title="Dr")]
    domain.run(people)
    changes, _, _ = domain.plan([people[0] | {"title": "Prof"}, people[1] | {"name": "Bob Lee"}])
    removals, _, _ = domain.plan([row(domain, "3", "Cy Moe")], extra="delete")
    tasks = [
        Task(number, 0, change, False, change.version, change.dn)
        for number, change in enumerate([*changes, *(one for one in removals if one.op == "delete")])
    ]
    with closing(domain.open()) as store:
        operations = [DirectoryWriter(store, ("employeeID",))._operation(task) for task in tasks]
        assert [one.address for one in operations] == [f"<GUID={task.change.id}>" for task in tasks]
        for change in changes:
            domain.write(Operation("delete", change.dn))
            domain.add(change.dn.partition(",")[0].removeprefix("CN="), employeeID="9", title="Dr")
        answers = store.directory.write(operations, soon())
    assert [(one.what, answer.code) for one, answer in zip(operations, answers, strict=True)] == [
        ("modify", 32), ("rename", 32), ("delete", 32), ("delete", 32),
    ]  # fmt: skip
    assert [entry.attributes["title"] for entry in domain.find("(employeeID=9)", "title")] == [(b"Dr",)] * 2


def hand(domain: Domain, dn: str, name: str, value: str) -> None:
    part = Modification("replace", name, (value.encode(),))
    assert domain.write(Operation("modify", dn, modifications=(part,)))[0].done


# ---- what must not be touched, and what cannot be written ------------------------------------------------------------


def test_protected_entries_are_neither_changed_nor_removed(domain: Domain) -> None:
    names = ["Boss", "Svc"]
    for number, name in enumerate(names, 1):
        domain.add(name, employeeID=str(number), sn="Low", sAMAccountName=f"{unit(domain)}.{name}")
    hand(domain, f"CN=Boss,{domain.people}", "adminCount", "1")
    people = [row(domain, "1", "Boss", title="x")]
    domain.fields = [one for one in domain.fields if one["to"] != "sAMAccountName"]
    changes, rejected, warnings = domain.plan(people, extra="delete", extra_scope="all")
    assert [(change.op, change.dn) for change in changes] == [("delete", f"CN=Svc,{domain.people}")]
    assert "is protected" in rejected["line 2"]
    store = domain.open(base_dn=DOMAIN_DN)
    with closing(store):
        assert store.protected(BIND_DN.upper(), removing=False)
        for name in ("CN=Administrator,CN=Users", "CN=krbtgt,CN=Users", "CN=Domain Users,CN=Users", "CN=Users"):
            assert store.protected(f"{name},{DOMAIN_DN}", removing=False), name
        assert store.protected(SERVICE, removing=True)
        assert not store.protected(domain.people, removing=False)
        assert store.protected(domain.people, removing=True)
    assert warnings == ()


def test_what_became_protected_or_taken_since_the_plan_is_not_written(domain: Domain) -> None:
    people = [row(domain, "1", title="Dr"), row(domain, "2", "Bob Roe"), row(domain, "3", "Cy Moe")]
    domain.run(people)
    new = row(domain, "4", "Di Poe")
    changes, _, _ = domain.plan([people[0] | {"title": "Prof"}, people[1] | {"name": "Bob Lee"}, new], extra="delete")
    assert [change.op for change in changes] == ["create", "update", "move", "delete"]
    for change in changes[1:]:
        hand(domain, change.dn, "adminCount", "1")
    holder = domain.add("Other", employeeID="9", sAMAccountName=str(new["login"]))
    outcomes = domain.apply(changes)
    assert [outcome.result for outcome in outcomes] == [Result.CONFLICT] * len(outcomes)
    assert outcomes[0].reason == f"sAMAccountName still held by {holder}"
    assert all("is protected by now" in str(outcome.reason) for outcome in outcomes[1:])
    assert len(domain.find("(employeeID=*)")) == len(people) + 1


def test_nobody_is_deleted_whose_account_was_enabled_since_the_plan(domain: Domain) -> None:
    domain.fields += [{"to": DISABLED, "static": "TRUE"}, {"to": "userAccountControl;PASSWD_NOTREQD", "static": "TRUE"}]
    people = [row(domain, "1"), row(domain, "2", "Bob Roe"), row(domain, "3", "Cy Moe")]
    domain.run(people)
    changes, _, _ = domain.plan(people[:1], extra="delete")
    hand(domain, changes[0].dn, "userAccountControl", str(0x220))
    hand(domain, changes[1].dn, "userAccountControl", str(0x10222))
    outcomes = domain.apply(changes)
    assert [outcome.result for outcome in outcomes] == [Result.CONFLICT, Result.APPLIED]
    assert "ACCOUNTDISABLE: planned from 'TRUE' to nothing, but it is now 'FALSE'" in str(outcomes[0].reason)


def test_nobody_is_deleted_who_was_given_something_since_the_plan(domain: Domain) -> None:
    people = [row(domain, "1"), row(domain, "2", "Bob Roe"), row(domain, "3", "Cy Moe")]
    domain.run(people)
    changes, _, _ = domain.plan(people[:1], extra="delete")
    hand(domain, changes[0].dn, "title", "Prof")
    outcomes = domain.apply(changes)
    assert [outcome.result for outcome in outcomes] == [Result.CONFLICT, Result.APPLIED]
    assert "title: it was nothing at planning, but it is now 'Prof'" in str(outcomes[0].reason)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("memberOf", "follows from what other entries say"),
        ("canonicalName", "is constructed"),
        ("objectGUID", "kept by the server itself"),
        ("whenChanged", "kept by the server itself"),
        ("sAMAccountType", "kept by the server itself"),
        ("userAccountControl", "is written bit by bit; name one as in userAccountControl;ACCOUNTDISABLE"),
        ("userAccountControl;NONSENSE", "flags of userAccountControl are SCRIPT, ACCOUNTDISABLE"),
        ("nonsense", "the directory's schema has no attribute nonsense"),
    ],
)
def test_what_cannot_be_written_is_no_target(domain: Domain, name: str, reason: str) -> None:
    with closing(domain.open()) as store:
        job = domain.job(fields=[*domain.fields, {"to": name, "static": "x"}])
        examination = Examination(job, domain.columns, store, Options.of(domain.provider()))
        assert examination.design() is None
        (problem,) = examination.problems
        assert reason in str(problem)


def test_values_come_as_texts_that_can_be_written_again(domain: Domain) -> None:
    domain.fields += [{"to": "accountExpires", "from": "until"}, {"to": "thumbnailPhoto", "from": "photo"},
                      {"to": "manager", "from": "boss"}]  # fmt: skip
    domain.columns += ["until", "photo", "boss"]
    boss = domain.add("Zoé Boss", employeeID="0")
    person = row(domain, "1", until="2027-01-04", photo="/9g=", boss=boss.lower())
    assert domain.run([person]) == ["create 1: applied"]
    assert domain.value("(employeeID=1)", "accountExpires") == ["134434944000000000"]
    same = person | {"until": "2027-01-04T00:00:00Z", "boss": boss.replace("é", "e")}
    assert domain.run([same]) == []
    assert domain.run([person | {"until": "never"}]) == ["update 1: applied"]
    assert domain.run([person | {"until": "0"}]) == []
    (bad,) = domain.run([person | {"until": "tomorrow"}])
    assert bad.startswith("rejected line 2: tomorrow is not allowed here: 'tomorrow' is no time")
    with closing(domain.open()) as store:
        (page,) = store.read(["objectSid", "objectGUID", "pwdLastSet", "thumbnailPhoto"], "(employeeID=1)")
        (entry,) = page.to_pylist()
    assert entry["objectGUID"] == [entry[ID]]
    assert entry["objectSid"][0].startswith("S-1-5-21-")
    assert (entry["pwdLastSet"], entry["thumbnailPhoto"]) == (["0"], ["/9g="])


def test_what_finds_nothing_without_a_word_is_refused(domain: Domain) -> None:
    with closing(domain.open()) as store:
        for query, reason in (("(canonicalName=x)", "is constructed"), ("(nonsense=x)", "schema lacks")):
            with pytest.raises(InvalidFilterError, match=reason):
                list(store.read([], query))


# ---- which server ----------------------------------------------------------------------------------------------------


def test_a_plan_is_for_one_domain_controller(domain: Domain) -> None:
    with closing(domain.open()) as store:
        server = store.identity().server
        assert server.startswith("dc1.corp.example (CN=NTDS Settings,CN=DC1,")
        assert f"invocationId {store.controller.invocation})" in server
        assert store.safety() == "value"


def test_a_provider_is_tried_step_by_step(domain: Domain, slapd: Slapd) -> None:
    around = surroundings(PLACET_SECRET_CORP=PASSWORD)
    good = try_ad(domain.provider(), around)
    assert [(step["step"], step["ok"]) for step in good] == [
        ("secret", True), ("connect", True), ("bind", True), ("base", True), ("read", True),
    ]  # fmt: skip
    assert "at dc1.corp.example" in good[3]["message"]
    assert "writes compare the old values" in good[3]["message"]
    nowhere = try_ad(domain.provider(base_dn=f"OU=no,{DOMAIN_DN}"), around)[-1]
    assert (nowhere["ok"], f"no entry OU=no,{DOMAIN_DN}" in nowhere["message"]) == (False, True)
    other = domain.provider(url=slapd.url, bind_dn=SLAPD_BIND_DN, base_dn=SLAPD_BASE_DN)
    with pytest.raises(SearchRefusedError, match="is no domain controller of Active Directory; write `type: ldap`"):
        open_ad(other, surroundings(PLACET_SECRET_CORP=SLAPD_PASSWORD))


# ---- as a source -----------------------------------------------------------------------------------------------------


def test_as_a_source_it_says_what_has_changed_at_this_domain_controller(domain: Domain) -> None:
    for number in range(3):
        domain.add(f"p{number}", employeeID=str(number), sn="Low")
    with closing(AdSource(domain.open())) as source:
        everything = records(source, Window("uSNChanged", None))
        stamps = source.stamps("uSNChanged", None)
        since = stamps.text(stamps.highest)
    assert sorted(everything) == ["0", "1", "2"]
    assert all(stamp <= since for stamp in everything.values())
    hand(domain, f"CN=p1,{domain.people}", "sn", "Other")
    with closing(AdSource(domain.open())) as source:
        newer = max(everything.values())
        changed = records(source, Window("uSNChanged", newer, ("employeeID",), (("0",), ("7",))))
        assert changed.keys() == {"0", "1", newest(everything)}
        assert changed["1"] > newer
        elsewhere = f"{'0' * 8}-0000-0000-0000-{'0' * 12}/{newer.partition('/')[2]}"
        assert records(source, Window("uSNChanged", elsewhere)) == everything | {"1": changed["1"]}
        with pytest.raises(UnusableJobError, match="name uSNChanged"):
            records(source, Window("whenChanged", None))


def newest(stamps: dict[str, str]) -> str:
    return max(stamps, key=lambda key: stamps[key])


def records(source: AdSource, window: Window) -> dict[str, str]:
    """Stamps by employeeID."""
    pages = source.read(["employeeID", window.column], "(employeeID=*)", window)
    rows = [one for page in pages for one in page.records.to_pylist()]
    assert len({one[RECORD] for one in rows}) == len(rows)
    return {one["employeeID"][0]: one[window.column] for one in rows}
