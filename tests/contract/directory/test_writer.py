"""Batches written to a directory: each change exactly once, nothing of anybody else's overwritten."""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pytest
from msgspec import structs

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import AttributeChange, Change, Phase, Result, Step
from placet_sync_worker.plan import BATCH_SIZE
from placet_sync_worker.ports import Answer, Directory, Entry, Modification, Operation
from placet_sync_worker.providers.ldap.store import LdapStore
from placet_sync_worker.providers.ldap.wire import Scope
from placet_sync_worker.tasks import Outcome, Task
from placet_sync_worker.testing.directory import FakeServer
from tests.support.directories import GROUPS, FakeWorld, World, at_once, open_store, person, soon, write
from tests.support.slapd import BASE_DN, PEOPLE

PERSON = ("top", "person", "organizationalPerson", "inetOrgPerson")
APPLIED, ALREADY, CONFLICT = Result.APPLIED, Result.ALREADY_APPLIED, Result.CONFLICT


def dn_of(name: str) -> str:
    return f"cn={name},{PEOPLE}"


def a_create(name: str, key: str, **values: str) -> Change:
    wanted = {"objectClass": PERSON, "cn": (name,), "sn": ("Sample",), "employeeNumber": (key,)}
    wanted |= {attribute: (value,) for attribute, value in values.items()}
    attributes = tuple(AttributeChange(attribute, (), after) for attribute, after in wanted.items())
    return Change(key, "create", dn_of(name), attributes, (Step("add", Phase.CREATE, attributes=tuple(wanted)),))


def an_update(entry: Entry, *changes: AttributeChange) -> Change:
    step = Step("modify", Phase.UPDATE, attributes=tuple(change.name for change in changes))
    return _of(entry, "update", changes, (step,))


def a_move(entry: Entry, new: str, *changes: AttributeChange) -> Change:
    old = entry.attributes["cn"][0].decode()
    steps = [Step("rename", Phase.UPDATE, target=dn_of(new), attributes=("cn",))]
    steps += [Step("modify", Phase.UPDATE, attributes=tuple(change.name for change in changes))] if changes else []
    return _of(entry, "move", (AttributeChange("cn", (old,), (new,)), *changes), tuple(steps))


def a_delete(entry: Entry) -> Change:
    before = (AttributeChange("sn", ("Sample",), ()),)
    return _of(entry, "delete", before, (Step("delete", Phase.DELETE, attributes=("sn",)),))


def _of(entry: Entry, op: str, attributes: Sequence[AttributeChange], steps: tuple[Step, ...]) -> Change:
    id_, version, key = (entry.attributes[name][0].decode() for name in ("entryUUID", "entryCSN", "employeeNumber"))
    return Change(key, op, entry.dn, tuple(attributes), steps, id_, version)  # type: ignore[arg-type]  # one of the ops


def sn(before: str, after: str) -> AttributeChange:
    return AttributeChange("sn", (before,), (after,))


def tasks(*changes: Change, maybe_sent: bool = False) -> list[Task]:
    return [
        Task(number, position, change, maybe_sent, change.version, change.dn)
        for number, change in enumerate(changes)
        for position in range(len(change.steps))
    ]


def apply(
    world: World, some: Sequence[Task], deadline: float | None = None, *, look_only: bool = False
) -> list[Outcome]:
    store = open_store(world)
    try:
        return DirectoryWriter(store, ("employeeNumber",)).apply(some, deadline or soon(), look_only=look_only)
    finally:
        store.close()


def _operation(store: LdapStore, task: Task) -> Operation:
    return DirectoryWriter(store, ("employeeNumber",))._operation(task)


def results(outcomes: Sequence[Outcome]) -> list[Result | None]:
    return [outcome.result for outcome in outcomes]


def found(world: World, key: str) -> Entry:
    ((entry,),) = world.open().search(
        BASE_DN,
        "subtree",
        f"(employeeNumber={key})",
        ["cn", "sn", "title", "mail", "employeeNumber", "entryUUID", "entryCSN"],
    )
    return entry


def value(world: World, key: str, name: str) -> list[str]:
    return sorted(one.decode() for one in found(world, key).attributes.get(name, ()))


def hand(world: World, dn: str, name: str, new: str) -> None:
    """Somebody else's change."""
    part = Modification("replace", name, (new.encode(),))
    assert write(world, Operation("modify", dn, modifications=(part,)))[0].done


@pytest.fixture
def ada(world: World) -> Entry:
    write(world, person("Ada", employeeNumber="1"))
    return found(world, "1")


LEFT = f"ou=Left,{BASE_DN}"


def a_container(dn: str = LEFT) -> Change:
    wanted = {"objectClass": ("top", "organizationalUnit"), "ou": (dn.partition(",")[0].removeprefix("ou="),)}
    attributes = tuple(AttributeChange(name, (), after) for name, after in wanted.items())
    step = Step("add", Phase.CONTAINERS, attributes=tuple(wanted))
    return Change(dn, "create", dn, attributes, (step,), container=True)


# ---- what was planned is done --------------------------------------------------------------------------------------


def test_creates_say_the_ids_of_what_they_made(world: World) -> None:
    outcomes = apply(world, tasks(*(a_create(f"p{key}", f"{key}") for key in range(250))))
    assert set(results(outcomes)) == {APPLIED}
    entry = found(world, "17")
    assert outcomes[17].entry_id == entry.attributes["entryUUID"][0].decode()
    assert outcomes[17].version == entry.attributes["entryCSN"][0].decode()


def test_a_container_is_made_once_and_belongs_to_no_record(world: World) -> None:
    for expected in (APPLIED, ALREADY):
        (outcome,) = apply(world, tasks(a_container()))
        assert (outcome.result, outcome.entry_id) == (expected, None)
    inner = f"ou=2026,{LEFT}"
    assert results(apply(world, tasks(a_container(inner)))) == [APPLIED]
    assert world.writes() == [("add", LEFT), ("add", inner)]


def test_a_container_whose_answer_was_lost_is_found_by_its_name(world: World) -> None:
    (task,), store = tasks(a_container()), open_store(world)
    world.lose_answers()
    assert [answer.code for answer in store.directory.write([_operation(store, task)], at_once())] == [None]
    world.mend()
    assert results(apply(world, tasks(a_container(), maybe_sent=True))) == [ALREADY]
    assert world.writes() == [("add", LEFT)]


def test_something_else_with_the_name_of_a_container_is_a_conflict(world: World) -> None:
    classes = tuple(name.encode() for name in PERSON)
    values = {"objectClass": classes, "cn": (b"Ada",), "sn": (b"Byron",), "ou": (b"Left",)}
    assert write(world, Operation("add", LEFT, attributes=values))[0].done
    (outcome,) = apply(world, tasks(a_container()))
    assert (outcome.result, outcome.reason) == (CONFLICT, f"something else has this name by now: {LEFT}")


def test_what_answers_do_not_show_is_looked_up() -> None:
    world = FakeWorld(FakeServer(post_reads=False))
    (made,) = apply(world, tasks(a_create("Ada", "1")))
    entry = found(world, "1")
    assert (made.entry_id, made.version) == tuple(
        entry.attributes[name][0].decode() for name in ("entryUUID", "entryCSN")
    )
    assert results(apply(world, tasks(a_move(entry, "Bo", sn("Sample", "New"))))) == [APPLIED, APPLIED]


def test_an_entry_is_changed_renamed_and_deleted(world: World, ada: Entry) -> None:
    assert results(apply(world, tasks(an_update(ada, sn("Sample", "Byron"))))) == [APPLIED]
    moved = a_move(found(world, "1"), "Ada L", sn("Byron", "Lovelace"), AttributeChange("title", (), ("Dr", "Lady")))
    assert results(apply(world, tasks(moved))) == [APPLIED, APPLIED]
    entry = found(world, "1")
    assert (entry.dn, value(world, "1", "cn"), value(world, "1", "sn")) == (dn_of("Ada L"), ["Ada L"], ["Lovelace"])
    assert value(world, "1", "title") == ["Dr", "Lady"]
    gone = structs.replace(a_delete(entry), attributes=(AttributeChange("sn", ("Lovelace",), ()),))
    assert results(apply(world, tasks(gone))) == [APPLIED]
    assert [op for op, _ in world.writes()] == ["add", "modify", "modrdn", "modify", "delete"]


def test_a_refused_value_fails_alone_with_the_words_of_the_server(world: World) -> None:
    outcomes = apply(world, tasks(a_create("a", "1"), a_create("b", "2", mail="ü@x"), a_create("c", "3")))
    assert results(outcomes) == [APPLIED, Result.FAILED, APPLIED]
    assert "mail" in (outcomes[1].reason or "")


def test_a_step_after_a_failed_one_is_skipped(world: World, ada: Entry) -> None:
    write(world, person("Bo", employeeNumber="2"))
    outcomes = apply(world, tasks(a_move(ada, "Bo", sn("Sample", "X"))))
    assert results(outcomes) == [Result.FAILED, Result.SKIPPED]
    assert value(world, "1", "sn") == ["Sample"]


def test_a_large_set_is_written_in_parts(world: World) -> None:
    people = [dn_of(f"m{number}") for number in range(5)]
    members = tuple(member.encode() for member in people[:2])
    group = {"objectClass": (b"groupOfNames",), "cn": (b"g",), "member": members}
    write(world, Operation("add", f"cn=g,{GROUPS}", attributes=group))
    ((entry,),) = world.open().search(GROUPS, "one", "(cn=g)", ["entryUUID", "entryCSN"])
    id_, version = (entry.attributes[name][0].decode() for name in ("entryUUID", "entryCSN"))
    change = AttributeChange("member", tuple(people[:2]), tuple(people[1:]))
    steps = tuple(Step("modify", Phase.UPDATE, attributes=("member",), part=part) for part in ((0, 2), (2, 4)))
    planned = Change("g", "update", entry.dn, (change,), steps, id_, version)
    assert results(apply(world, tasks(planned))) == [APPLIED, APPLIED]
    ((entry,),) = world.open().search(GROUPS, "one", "(cn=g)", ["member"])
    assert {member.decode() for member in entry.attributes["member"]} == set(people[1:])
    assert results(apply(world, tasks(planned, maybe_sent=True))) == [ALREADY, ALREADY]


# ---- what somebody else did is kept --------------------------------------------------------------------------------


def test_what_moved_since_the_plan_is_a_conflict_with_all_three_values(world: World, ada: Entry) -> None:
    hand(world, ada.dn, "sn", "Hand")
    (outcome,) = apply(world, tasks(an_update(ada, sn("Sample", "Plan"))))
    assert outcome.result == CONFLICT
    assert all(repr(name) in (outcome.reason or "") for name in ("Sample", "Plan", "Hand"))
    assert value(world, "1", "sn") == ["Hand"]


def test_another_attribute_that_moved_is_no_conflict(world: World, ada: Entry) -> None:
    hand(world, ada.dn, "title", "Dr")
    assert results(apply(world, tasks(an_update(ada, sn("Sample", "Plan"))))) == [APPLIED]
    assert (value(world, "1", "sn"), value(world, "1", "title")) == (["Plan"], ["Dr"])


def test_what_somebody_else_has_done_already_is_already_applied(world: World, ada: Entry) -> None:
    hand(world, ada.dn, "sn", "Plan")
    assert results(apply(world, tasks(an_update(ada, sn("Sample", "Plan"))))) == [ALREADY]


def test_an_entry_that_was_made_again_is_not_touched(world: World, ada: Entry) -> None:
    write(world, Operation("delete", ada.dn), person("Ada", employeeNumber="9"))
    outcomes = apply(world, tasks(an_update(ada, sn("Sample", "Plan"))))
    outcomes += apply(world, tasks(a_delete(ada)))
    outcomes += apply(world, tasks(a_move(ada, "Other")))
    assert results(outcomes) == [CONFLICT, ALREADY, CONFLICT]
    assert (found(world, "9").dn, value(world, "9", "sn")) == (ada.dn, ["Sample"])


def test_an_entry_that_was_moved_is_not_deleted(world: World, ada: Entry) -> None:
    write(world, Operation("rename", ada.dn, new_rdn="cn=Ada", new_superior=GROUPS))
    (outcome,) = apply(world, tasks(a_delete(ada)))
    assert outcome.result == CONFLICT
    assert GROUPS in (outcome.reason or "")


def test_an_entry_with_other_values_is_not_deleted(world: World, ada: Entry) -> None:
    hand(world, ada.dn, "sn", "Hand")
    assert results(apply(world, tasks(a_delete(ada)))) == [CONFLICT]


def test_the_whole_store_is_searched_for_keys_before_creates(world: World) -> None:
    device = {"objectClass": PERSON, "cn": ("x",), "sn": ("x",), "employeeNumber": ("1",)}
    octets = {name: tuple(one.encode() for one in some) for name, some in device.items()}
    write(world, Operation("add", f"cn=x,{GROUPS}", attributes=octets))
    outcomes = apply(world, tasks(a_create("new", "1"), a_create("other", "2")))
    assert results(outcomes) == [CONFLICT, APPLIED]
    assert f"cn=x,{GROUPS}" in (outcomes[0].reason or "")


def test_keys_of_a_batch_are_searched_together_by_nothing_but_the_keys(world: World) -> None:
    store = open_store(world)
    watched = Watched(store.directory)
    some = tasks(*(a_create(f"p{key}", f"{key}") for key in range(BATCH_SIZE)))
    with_watch = replace(store, directory=watched)
    assert set(results(DirectoryWriter(with_watch, ("employeeNumber",)).apply(some, soon()))) == {APPLIED}
    store.close()
    before = watched.calls[: watched.calls.index("write")]
    keys = "".join(f"(employeeNumber={key})" for key in range(BATCH_SIZE))
    assert before == [(BASE_DN, "subtree", f"(|{keys})")]


@dataclass
class Watched:
    """A directory that remembers what it was asked."""

    real: Directory
    calls: list[tuple[str, ...] | str] = field(default_factory=list)

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        self.calls.append((base, scope, filter))
        return self.real.search(base, scope, filter, attributes)

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self.real.columns(base, scope, filter, attributes)

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        return self.real.compare(dn, values)

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        self.calls.append("write")
        return self.real.write(operations, deadline)

    def close(self) -> None:
        self.real.close()


def test_unique_values_are_searched_in_the_whole_store_before_creates(world: World) -> None:
    write(world, person("Ada", employeeNumber="1", mail="A@x"))
    store = replace(open_store(world), unique=("mail",))
    some = [a_create("new", "2", mail="a@x"), a_create("other", "3", mail="o@x"), a_create("none", "4")]
    outcomes = DirectoryWriter(store, ("employeeNumber",)).apply(tasks(*some), soon())
    again = DirectoryWriter(store, ("employeeNumber",)).apply(tasks(*some[1:], maybe_sent=True), soon())
    store.close()
    assert (results(outcomes), results(again)) == ([CONFLICT, APPLIED, APPLIED], [ALREADY, ALREADY])
    assert outcomes[0].reason == f"mail still held by {dn_of('Ada')}"


def test_a_key_is_found_among_several_values_too(world: World) -> None:
    write(world, person("alias", uid=("alias", "7"), employeeNumber="9"))
    store = open_store(world)
    outcomes = DirectoryWriter(store, ("uid",)).apply(tasks(a_create("new", "7", uid="7")), soon())
    store.close()
    assert (results(outcomes), outcomes[0].reason) == (
        [CONFLICT],
        f"an entry with this key is there already: {dn_of('alias')}",
    )


def test_an_entry_is_not_renamed_where_another_planned_value_has_moved(world: World, ada: Entry) -> None:
    hand(world, ada.dn, "sn", "Hand")
    outcomes = apply(world, tasks(a_move(ada, "Ada L", sn("Sample", "Lovelace"))))
    assert results(outcomes) == [CONFLICT, Result.SKIPPED]
    assert "'Hand'" in (outcomes[0].reason or "")
    assert found(world, "1").dn == ada.dn


def test_a_rename_to_another_case_alone_is_done_though_the_entry_was_touched(world: World, ada: Entry) -> None:
    hand(world, ada.dn, "title", "Dr")
    assert results(apply(world, tasks(a_move(ada, "ADA")))) == [APPLIED]
    assert value(world, "1", "cn") == ["ADA"]


def test_an_entry_is_moved_elsewhere_unless_a_hand_was_at_it(world: World, ada: Entry) -> None:
    write(world, person("Bob", employeeNumber="2"))
    bob = found(world, "2")
    condition = AttributeChange("sn", ("Sample",), ("Sample",))
    moves = [
        _of(one, "move", (condition,), (Step("rename", Phase.DISABLE, target=f"{one.dn.partition(',')[0]},{GROUPS}"),))
        for one in (ada, bob)
    ]
    hand(world, bob.dn, "sn", "Hand")
    outcomes = apply(world, tasks(*moves))
    assert results(outcomes) == [APPLIED, CONFLICT]
    assert (found(world, "1").dn, found(world, "2").dn) == (f"cn=Ada,{GROUPS}", bob.dn)
    assert results(apply(world, tasks(moves[0], maybe_sent=True))) == [ALREADY]


def test_a_create_does_not_take_over_what_looks_the_same(world: World, ada: Entry) -> None:
    assert results(apply(world, tasks(a_create("Ada", "1")))) == [CONFLICT]


def test_a_taken_name_is_a_failure_of_the_create(world: World, ada: Entry) -> None:
    (outcome,) = apply(world, tasks(a_create("Ada", "2")))
    assert outcome.result == Result.FAILED
    assert world.writes() == [("add", ada.dn)]


def with_password(change: Change) -> Change:
    attributes = (*change.attributes, AttributeChange("userPassword", (), (), password=True))
    step = structs.replace(change.steps[0], attributes=tuple(a.name for a in attributes))
    return structs.replace(change, attributes=attributes, steps=(step,))


def test_a_password_goes_in_with_the_create_and_is_never_asked_for(world: World) -> None:
    (task,) = tasks(with_password(a_create("Ada", "1")))
    assert results(apply(world, [structs.replace(task, password="Secret.of-1")])) == [APPLIED]
    ((entry,),) = world.open().search(BASE_DN, "subtree", "(employeeNumber=1)", ["userPassword"])
    assert entry.attributes.get("userPassword") in (None, (), (b"Secret.of-1",))
    assert results(apply(world, [structs.replace(task, password="Another.one", maybe_sent=True)])) == [ALREADY]
    with pytest.raises(ValueError, match="would be written without its password"):
        apply(world, tasks(with_password(a_create("Bo", "2"))))
    assert world.writes() == [("add", dn_of("Ada"))]


# ---- answers that prove nothing ------------------------------------------------------------------------------------


@dataclass
class Answering(Watched):
    """A directory that carries nothing out, and answers so."""

    code: int = 0

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        return [Answer(self.code, "so it says") for _ in operations]


LOOKED_AT = [16, 18, 19, 20, 32, 53, 68, 122]


@pytest.mark.parametrize("code", LOOKED_AT)
def test_after_some_answers_the_entry_says_what_is_true(code: int) -> None:
    world = FakeWorld()
    write(world, *(person(name, employeeNumber=name) for name in ("Ada", "Bo", "Cy")))
    some = tasks(*(an_update(found(world, name), sn("Sample", "Plan")) for name in ("Ada", "Bo", "Cy")))
    hand(world, dn_of("Ada"), "sn", "Plan")
    hand(world, dn_of("Bo"), "sn", "Hand")
    store = open_store(world)
    answering = replace(store, directory=Answering(store.directory, code=code))
    done, overtaken, left = DirectoryWriter(answering, ("employeeNumber",)).apply(some, soon())
    assert (done.result, overtaken.result) == (ALREADY, CONFLICT)
    assert "it is now 'Hand'" in (overtaken.reason or "")
    assert (left.result, left.reason) == (Result.FAILED, "so it says")


# ---- lost answers --------------------------------------------------------------------------------------------------


def test_a_create_whose_answer_was_lost_is_found_done(world: World) -> None:
    some = tasks(a_create("Ada", "1"), a_create("Bo", "2"))
    store = open_store(world)
    world.lose_answers()
    answers = store.directory.write([_operation(store, task) for task in some], at_once())
    assert [answer.code for answer in answers] == [None] * len(some)
    world.mend()
    again = apply(world, [structs.replace(task, maybe_sent=True) for task in some])
    assert results(again)[0] == ALREADY
    assert set(results(again)) <= {ALREADY, APPLIED}
    assert sorted(world.writes()) == [("add", dn_of("Ada")), ("add", dn_of("Bo"))]


def test_what_never_arrived_is_written_once(world: World, ada: Entry) -> None:
    some = tasks(an_update(ada, sn("Sample", "Plan")), a_create("Bo", "2"))
    store = open_store(world)
    world.lose_requests()
    assert results(DirectoryWriter(store, ("employeeNumber",)).apply(some, at_once())) == [None, None]
    world.mend()
    assert results(apply(world, [structs.replace(task, maybe_sent=True) for task in some])) == [APPLIED, APPLIED]
    assert value(world, "1", "sn") == ["Plan"]


def lost_update(world: World, change: Change) -> list[Task]:
    """The update was carried out, its answer lost; the tasks as they come again."""
    some = tasks(change)
    store = open_store(world)
    world.lose_answers()
    assert results(DirectoryWriter(store, ("employeeNumber",)).apply(some, at_once())) == [None]
    world.mend()
    return [structs.replace(task, maybe_sent=True) for task in some]


def test_an_update_whose_answer_was_lost_is_found_done(world: World, ada: Entry) -> None:
    again = lost_update(world, an_update(ada, sn("Sample", "Plan")))
    assert results(apply(world, again)) == [ALREADY]
    assert [op for op, _ in world.writes()] == ["add", "modify"]


def test_a_lost_update_that_a_hand_took_back_is_not_done_again(world: World, ada: Entry) -> None:
    again = lost_update(world, an_update(ada, sn("Sample", "Plan")))
    hand(world, ada.dn, "sn", "Sample")
    assert results(apply(world, again)) == [CONFLICT]
    assert value(world, "1", "sn") == ["Sample"]


def test_a_lost_delete_is_found_done_though_another_has_the_name(world: World, ada: Entry) -> None:
    again = lost_update(world, a_delete(ada))
    write(world, person("Ada", employeeNumber="9"))
    assert results(apply(world, again)) == [ALREADY]
    assert found(world, "9").dn == ada.dn


def test_a_run_that_ends_looks_and_writes_nothing(world: World, ada: Entry) -> None:
    again = lost_update(world, an_update(ada, sn("Sample", "Plan")))
    never = tasks(a_create("Bo", "2"))
    outcomes = apply(world, [*again, *(structs.replace(task, number=5) for task in never)], look_only=True)
    assert results(outcomes) == [ALREADY, Result.SKIPPED]
    assert [op for op, _ in world.writes()] == ["add", "modify"]


def test_what_was_done_before_the_connection_was_lost_keeps_its_result(world: World, ada: Entry) -> None:
    write(world, person("Bo", employeeNumber="2"))
    moved = a_move(ada, "Ada L", sn("Sample", "Lovelace"))
    some = tasks(moved, an_update(found(world, "2"), sn("Sample", "Plan")))
    store = open_store(world)
    losing = replace(store, directory=LosesTheLast(store.directory))
    assert results(DirectoryWriter(losing, ("employeeNumber",)).apply(some, soon()))[-1] is None
    again = apply(world, [structs.replace(task, maybe_sent=True) for task in some])
    assert results(again) == [ALREADY, APPLIED, ALREADY]
    assert [op for op, _ in world.writes()].count("modify") == 2


@dataclass
class LosesTheLast:
    """The answer to the last operation of a write is lost, and the connection with it."""

    real: Directory

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        return self.real.search(base, scope, filter, attributes)

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self.real.columns(base, scope, filter, attributes)

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        return self.real.compare(dn, values)

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        answers = self.real.write(operations, deadline)
        self.real.close()
        return [*answers[:-1], Answer(None, "no answer")]

    def close(self) -> None:
        self.real.close()


# ---- without the assertion control ---------------------------------------------------------------------------------


@pytest.fixture
def by_value() -> FakeWorld:
    """A server that has no assertion control."""
    world = FakeWorld()
    world.server.assertions = False
    write(world, person("Ada", employeeNumber="1"))
    return world


def test_by_value_a_change_is_applied_and_found_applied(by_value: FakeWorld) -> None:
    change = an_update(found(by_value, "1"), sn("Sample", "Plan"))
    assert open_store(by_value).safety() == "value"
    assert results(apply(by_value, tasks(change))) == [APPLIED]
    assert results(apply(by_value, tasks(change, maybe_sent=True))) == [ALREADY]
    modify = by_value.server.writes[-1]
    assert modify.assertion is None
    assert [(part.how, part.values) for part in modify.modifications] == [("delete", (b"Sample",)), ("add", (b"Plan",))]


def test_by_value_what_moved_is_a_conflict(by_value: FakeWorld) -> None:
    ada = found(by_value, "1")
    hand(by_value, ada.dn, "sn", "Hand")
    absent = AttributeChange("title", (), ("Planned",))
    assert results(apply(by_value, tasks(an_update(ada, sn("Sample", "Plan"))))) == [CONFLICT]
    hand(by_value, ada.dn, "title", "Hand")
    assert results(apply(by_value, tasks(an_update(ada, absent)))) == [CONFLICT]
    assert value(by_value, "1", "title") == ["Hand"]
    assert results(apply(by_value, tasks(a_delete(ada)))) == [CONFLICT]


PHOTOS = ("/9j/AA==", "/9j/AQ==", "/9j/Ag==")


def test_what_has_no_equality_is_read_before_it_is_replaced(world: World) -> None:
    write(world, *(person(name, employeeNumber=name, jpegPhoto="x") for name in ("Ada", "Bo")))
    old, new, other = (b64decode(photo) for photo in PHOTOS)
    for name in ("Ada", "Bo"):
        part = Modification("replace", "jpegPhoto", (old,))
        assert write(world, Operation("modify", dn_of(name), modifications=(part,)))[0].done
    photo = AttributeChange("jpegPhoto", PHOTOS[:1], PHOTOS[1:2])
    some = tasks(*(an_update(found(world, name), photo) for name in ("Ada", "Bo")))
    part = Modification("replace", "jpegPhoto", (other,))
    assert write(world, Operation("modify", dn_of("Bo"), modifications=(part,)))[0].done
    store = open_store(world)
    without = replace(store, root=replace(store.root, controls=frozenset()))
    assert results(DirectoryWriter(without, ("employeeNumber",)).apply(some, soon())) == [APPLIED, CONFLICT]
    again = [structs.replace(task, maybe_sent=True) for task in some[:1]]
    assert results(DirectoryWriter(without, ("employeeNumber",)).apply(again, soon())) == [ALREADY]
    ((ada,), (bo,)) = (
        entry.attributes["jpegPhoto"]
        for name in ("Ada", "Bo")
        for page in store.directory.search(dn_of(name), "base", "(objectClass=*)", ["jpegPhoto"])
        for entry in page
    )
    store.close()
    assert (ada, bo) == (new, other)


@dataclass
class Overtaken(Watched):
    """A directory to which a hand writes right after each write."""

    hand: Sequence[Operation] = ()

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        answers = self.real.write(operations, deadline)
        assert all(answer.done for answer in self.real.write(self.hand, deadline))
        return answers


def test_what_has_no_equality_is_read_after_it_was_replaced(world: World) -> None:
    write(world, person("Ada", employeeNumber="Ada", jpegPhoto="x"))
    old, _, other = (b64decode(photo) for photo in PHOTOS)
    was, hand = (
        Operation("modify", dn_of("Ada"), modifications=(Modification("replace", "jpegPhoto", (photo,)),))
        for photo in (old, other)
    )
    assert write(world, was)[0].done
    photo = AttributeChange("jpegPhoto", PHOTOS[:1], PHOTOS[1:2])
    store = open_store(world)
    overtaken = Overtaken(store.directory, hand=[hand])
    without = replace(store, root=replace(store.root, controls=frozenset()), directory=overtaken)
    (outcome,) = DirectoryWriter(without, ("employeeNumber",)).apply(
        tasks(an_update(found(world, "Ada"), photo)), soon()
    )
    store.close()
    assert (outcome.result, "jpegPhoto is not as it was written" in str(outcome.reason)) == (CONFLICT, True)


def test_the_store_says_what_it_can(world: World) -> None:
    store: LdapStore = open_store(world)
    assert store.safety() == "assertion"
    assert (store.identity().base_dn, len(store.identity().base_id)) == (BASE_DN, 36)
