"""A hand that writes between our look and our write, where no assertion control closes that window: values do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pytest

from placet_sync_worker.applying.directory import DirectoryWriter
from placet_sync_worker.changes import AttributeChange, Change, Phase, Result, Step
from placet_sync_worker.ports import Answer, Directory, Entry, Modification, Operation
from placet_sync_worker.providers.ldap.wire import Scope
from placet_sync_worker.tasks import Task
from tests.support.directories import World, open_store, person, soon, write
from tests.support.slapd import PEOPLE

ADA = f"cn=Ada,{PEOPLE}"


@dataclass
class Overtaken:
    """A directory in which somebody else writes right before we do."""

    real: Directory
    hand: Callable[[], object]

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        return self.real.search(base, scope, filter, attributes)

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self.real.columns(base, scope, filter, attributes)

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        return self.real.compare(dn, values)

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        self.hand()
        return self.real.write(operations, deadline)

    def close(self) -> None:
        self.real.close()


@pytest.mark.parametrize(
    ("hand", "result", "there"),
    [
        pytest.param(Modification("replace", "title", (b"Hand",)), Result.CONFLICT, ["Hand"], id="instead"),
        pytest.param(Modification("add", "title", (b"Hand",)), Result.APPLIED, ["Hand", "Planned"], id="besides"),
    ],
)
def test_a_hand_in_the_last_moment_is_not_overwritten(
    world: World, hand: Modification, result: Result, there: list[str]
) -> None:
    write(world, person("Ada", title="Sample"))
    ((ada,),) = world.open().search(ADA, "base", "(title=*)", ["entryUUID", "entryCSN"])
    id_, version = (ada.attributes[name][0].decode() for name in ("entryUUID", "entryCSN"))
    planned = AttributeChange("title", ("Sample",), ("Planned",))
    step = Step("modify", Phase.UPDATE, attributes=("title",))
    task = Task(0, 0, Change("1", "update", ADA, (planned,), (step,), id_, version), False, version, ADA)
    store = open_store(world)
    overtaken = Overtaken(store.directory, lambda: write(world, Operation("modify", ADA, modifications=(hand,))))
    by_value = replace(store, directory=overtaken, root=replace(store.root, controls=frozenset()))
    (outcome,) = DirectoryWriter(by_value, ("cn",)).apply([task], soon())
    ((ada,),) = world.open().search(ADA, "base", "(title=*)", ["title"])
    assert outcome.result == result
    assert sorted(value.decode() for value in ada.attributes["title"]) == there
