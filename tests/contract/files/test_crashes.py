"""Workers that are killed between the note and the rename, and between the rename and their word about it."""

import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import json

from placet_sync_worker.changes import Change, Result
from tests.support.dying_writer import KILLED
from tests.support.files import ROOT, FileWorld, person

ANN, BOB = person("1", "Ann"), person("2", "Bob")


def killed(world: FileWorld, moment: str, changes: list[Change]) -> None:
    """Another process writes the changes, and dies."""
    told = world.folder / "changes.json"
    told.write_bytes(json.encode(changes))
    command = [
        sys.executable,
        "-m",
        "tests.support.dying_writer",
        str(world.folder),
        world.kind.name,
        moment,
        str(told),
    ]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == KILLED


@pytest.mark.parametrize(("moment", "result"), [("before", Result.APPLIED), ("after", Result.ALREADY_APPLIED)])
def test_a_killed_worker_leaves_the_old_file_or_the_new_one(world: FileWorld, moment: str, result: Result) -> None:
    world.put(ANN)
    changes, _ = world.plan(ANN | {"name": "Plan"}, BOB)
    killed(world, moment, changes)
    assert world.rows() == ([ANN] if moment == "before" else [ANN | {"name": "Plan"}, BOB])
    assert [outcome.result for outcome in world.apply(changes, again=True)] == [result] * 2
    assert world.rows() == [ANN | {"name": "Plan"}, BOB]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_hand_after_the_death_is_not_overwritten(world: FileWorld, moment: str) -> None:
    world.put(ANN)
    changes, _ = world.plan(ANN | {"name": "Plan"}, BOB)
    killed(world, moment, changes)
    world.put(ANN | {"name": "Hand"}, BOB)
    results = [outcome.result for outcome in world.apply(changes, again=True)]
    assert results == [Result.ALREADY_APPLIED if change.key == "2" else Result.CONFLICT for change in changes]
    assert world.rows() == [ANN | {"name": "Hand"}, BOB]


def test_what_a_dead_worker_left_beside_the_file_is_in_nobodys_way(world: FileWorld) -> None:
    world.put(ANN)
    changes, _ = world.plan(BOB)
    left = world.path.with_name(f".{world.path.stem}.placet-new{world.path.suffix}")
    left.write_bytes(b"half a file")
    note = Path(f"{world.path.parent}/.{world.path.name}.placet-note")
    note.write_text('{"before": "half a no')
    assert [outcome.result for outcome in world.apply(changes, again=True)] == [Result.APPLIED]
    assert (world.rows(), left.exists()) == ([ANN, BOB], False)
