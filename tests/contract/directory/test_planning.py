"""Plans for a directory are carried out, and then there is nothing left to plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from placet_shared.objects import Job
from placet_shared.objects.provider import DisableSettings
from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import REMOVAL_PHASES, Change, Result
from placet_sync_worker.errors import UnusableJobError
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.planner import plan_run
from placet_sync_worker.tasks import Task
from placet_sync_worker.testing.links import FakeLinks
from placet_sync_worker.testing.scripts import NoScripts
from placet_sync_worker.testing.source import FakeSource
from tests.support.directories import GROUPS, World, open_store, person, soon, write
from tests.support.planning import Row
from tests.support.slapd import BASE_DN, PEOPLE

OPTIONS = Options(disable=DisableSettings(attribute="employeeType", value="inactive"), unique=("uid",))
FIELDS: list[dict[str, Any]] = [
    {"to": "employeeNumber", "from": "id"},
    {"to": "commonName", "join": ["first", "last"]},
    {"to": "givenName", "from": "first"},
    {"to": "surname", "from": "last"},
    {"to": "mail", "from": "mail"},
    {"to": "manager", "from": "boss"},
    {"to": "telephoneNumber", "from": "phone"},
    {"to": "uid", "from": "uid"},
    {"to": "description", "static": "made by a job", "only_on_create": True},
]
COLUMNS = ["id", "first", "last", "mail", "boss", "phone", "uid"]


@dataclass
class Sync:
    """A job whose plans are carried out at once, and its links."""

    world: World
    folder: Path
    links: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    def run(self, rows: Iterable[Row], **job: Any) -> list[str]:
        """Carries a plan out; gives what it did as `update 7`, and `rejected line 3`."""
        changes, done = self.plan(rows, **job)
        store = open_store(self.world)
        try:
            tasks = [
                Task(number, position, change, False, change.version, change.dn)
                for number, change in enumerate(changes)
                for position in range(len(change.steps))
            ]
            tasks.sort(key=_is_removal)
            writer = DirectoryWriter(store, ("employeeNumber",))
            outcomes = [one for _, some in groupby(tasks, _is_removal) for one in writer.apply(list(some), soon())]
        finally:
            store.close()
        assert {outcome.result for outcome in outcomes} <= {Result.APPLIED}, outcomes
        self.links |= {
            str(outcome.entry_id): task.change.key
            for task, outcome in zip(tasks, outcomes, strict=True)
            if outcome.entry_id is not None
        }
        return done

    def plan(self, rows: Iterable[Row], **job: Any) -> tuple[list[Change], list[str]]:
        self.runs += 1
        folder = self.folder / str(self.runs)
        folder.mkdir()
        store, source = open_store(self.world), FakeSource(list(rows), COLUMNS)
        try:
            found = plan_run(
                _job(**job), source, store, FakeLinks(self.links), folder, scripts=NoScripts(), options=OPTIONS
            )
        finally:
            store.close()
        with found as planned:
            changes = [draft.change() for draft in planned.changes()]
            self.links |= dict(planned.matches())
            rejected = [f"rejected {one.record}: {one.reason}" for one in planned.rejected]
            return changes, [f"{change.op} {change.key}" for change in changes] + rejected


def _is_removal(task: Task) -> bool:
    return task.step.phase in REMOVAL_PHASES


def _job(**fields: Any) -> Job:
    document = {
        "name": "people",
        "source": {"provider": "hr"},
        "destination": {"provider": "corp", "container": PEOPLE},
        "key": [{"source": "id", "destination": "employeeNumber"}],
        "fields": FIELDS,
        **fields,
    }
    return Job.model_validate(document)


def row(id: str, first: str, last: str, **more: str | Sequence[str]) -> Row:
    return {"id": id, "first": first, "last": last, **{name: _cell(value) for name, value in more.items()}}


def _cell(value: str | Sequence[str]) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


@pytest.fixture
def sync(world: World, tmp_path: Path) -> Sync:
    return Sync(world, tmp_path)


HARD_NAMES = [
    ("Ann", "O'Hara"), ("Łucja", "Żółć"), ("Sammy", "Davis, Jr."), ("A+B", 'C="D"'), ("#1", "<x>;y"), ("İ", "Straße"),
    ("back", "sl\\ash"), ("two  spaces", "in"), ("ｆｕｌｌ", "ｗｉｄｔｈ"), ("e\u0301", "combining"), ("emoji", "🦀"),
]  # fmt: skip


def test_hard_names_are_made_renamed_and_gone_and_nothing_is_left_to_do(sync: Sync) -> None:
    people = [row(str(n), first, last, mail=f"p{n}@x") for n, (first, last) in enumerate(HARD_NAMES)]
    assert sync.run(people) == [f"create {key}" for key in sorted(str(n) for n in range(len(people)))]
    assert sync.run(people) == []
    renamed = [{**one, "last": f"{one['last']} (née X)", "mail": ["b@x", "a@x"]} for one in people]
    assert sync.run(renamed) == [f"move {key}" for key in sorted(str(n) for n in range(len(people)))]
    assert sync.run(renamed) == []
    assert sync.run(renamed[1:], extra="delete") == ["delete 0"]
    assert sync.run(renamed[1:], extra="delete") == []


def test_extras_go_to_a_place_that_is_made_for_them_with_all_above_it(sync: Sync) -> None:
    place = f"ou=2026,ou=Left\\, for good,{BASE_DN}"
    people = [row("1", "Ann", "Low"), row("2", "Bob", "Roe"), row("3", "Cyd", "Lee")]
    sync.run(people)
    with pytest.raises(UnusableJobError, match=r"move_to: .* is missing; create it"):
        sync.run(people[1:], extra="move", move_to=place)
    away = {"extra": "move", "move_to": place, "create_move_to": True}
    assert sync.run(people, **away) == []
    units = [f"create {place.partition(',')[2]}", f"create {place}"]
    assert sync.run(people[1:], **away) == [*units, "move 1"]
    assert sync.run(people[1:], **away) == []
    assert sync.run(people[2:], **away) == ["move 2"]


def test_only_the_spelling_of_a_name_changes(sync: Sync) -> None:
    sync.run([row("1", "ANN", "smith")])
    assert sync.run([row("1", "Ann", "Smith")]) == ["move 1"]
    assert sync.run([row("1", "Ann", "Smith")]) == []


def test_syntaxes_of_the_directory_decide_what_is_equal(sync: Sync) -> None:
    sync.run([row("1", "Ann", "Low", boss=f"cn=Boss,{PEOPLE}", phone="+48 22 123")])
    again = row("1", "Ann", "Low", boss=f"CN=boss, {PEOPLE.upper()}", phone="+48 22 123")
    assert sync.run([again]) == []
    assert sync.run([{**again, "phone": "+48 22-123"}]) == ["update 1"]
    (bad,) = sync.run([{**again, "boss": "the boss"}])
    assert bad.startswith("rejected line 2: the boss is not allowed here")


def test_a_hand_made_entry_is_matched_and_its_other_values_stay(sync: Sync) -> None:
    write(sync.world, person("Ann Low", employeeNumber="1", title="Boss", cn=["Ann Low", "Annie"]))
    assert sync.run([row("1", "Ann", "Lee", uid="ann")]) == ["move 1"]
    (entry,) = _entries(sync)
    assert entry["dn"] == (f"cn=Ann Lee,{PEOPLE}",)
    assert sorted(entry["cn"]) == ["Ann Lee", "Annie"]
    assert entry["title"] == ("Boss",)
    assert "description" not in entry


def test_large_sets_are_written_in_parts(sync: Sync) -> None:
    sync.run([row("1", "Ann", "Low", mail=[f"m{n}@x" for n in range(1200)])])
    wanted = row("1", "Ann", "Low", mail=[f"m{n}@x" for n in range(600, 2000)])
    changes, _ = sync.plan([wanted])
    assert [step.part for step in changes[0].steps] == [(0, 1000), (1000, 1400)]
    assert sync.run([wanted]) == ["update 1"]
    assert sync.run([wanted]) == []


def test_unique_values_are_looked_for_in_the_whole_directory(sync: Sync) -> None:
    other = person("Zoe", uid="ann")
    write(sync.world, replace(other, dn=f"cn=Zoe,{GROUPS}"))
    assert sync.run([row("1", "Ann", "Low", uid="ANN"), row("2", "Bob", "Low", uid="bob")]) == [
        "create 2",
        f"rejected line 2: uid still held by cn=Zoe,{GROUPS}",
    ]


def test_disabled_entries_are_not_disabled_again(sync: Sync) -> None:
    people = [row("1", "Ann", "Low"), row("2", "Bob", "Low")]
    sync.run(people)
    assert sync.run(people[:1], extra="disable") == ["disable 2"]
    assert sync.run(people[:1], extra="disable") == []


def test_images_show_the_groups_of_what_goes(sync: Sync) -> None:
    sync.run([row("1", "Ann", "Low"), row("2", "Bob", "Low", mail="b@x")])
    member = {"objectClass": (b"groupOfNames",), "cn": (b"g",), "member": (f"cn=Bob Low,{PEOPLE}".encode(),)}
    write(sync.world, type(person("x"))("add", f"cn=g,{GROUPS}", attributes=member))
    changes, _ = sync.plan([row("1", "Ann", "Low")], extra="delete")
    image = {one.name: one.values for one in changes[0].image}
    assert image["memberOf"] == (f"cn=g,{GROUPS}",)
    assert image["description"] == ("made by a job",)
    assert "mail" in {attribute.name for attribute in changes[0].attributes}


def test_what_the_query_of_the_job_leaves_out_is_nobodys_extra(sync: Sync) -> None:
    sync.run([row("1", "Ann", "Low"), row("2", "Bob", "Low", mail="b@x"), row("3", "Cyd", "Low")])
    query = "(&(objectClass=person)(employeeNumber=*)(!(mail=*)))"
    within = {"provider": "corp", "container": PEOPLE, "query": query}
    left = {"extra": "delete", "extra_scope": "all", "destination": within}
    assert sync.run([row("3", "Cyd", "Low")], **left) == ["delete 1"]
    assert [entry["employeeNumber"] for entry in _entries(sync)] == [("2",), ("3",)]


def test_containers_can_be_made_too(sync: Sync) -> None:
    units = {
        "object_type": "organizational_unit",
        "key": [{"source": "id", "destination": "ou"}],
        "fields": [{"to": "ou", "from": "id"}, {"to": "description", "from": "last"}],
        "destination": {"provider": "corp", "container": BASE_DN},
    }
    changes, _ = sync.plan([row("Sales", "", "the sales"), row("People", "", "the people")], **units)
    assert [(change.op, change.dn) for change in changes] == [
        ("create", f"ou=Sales,{BASE_DN}"),
        ("update", PEOPLE),
    ]


def _entries(sync: Sync) -> list[dict[str, tuple[str, ...]]]:
    store = open_store(sync.world)
    try:
        pages = store.read([], "(employeeNumber=*)")
        places = {one["@id"]: one["@dn"] for page in pages for one in page.to_pylist()}
        return [{**image, "dn": (places[id_],)} for id_, image in store.images(list(places))]
    finally:
        store.close()
