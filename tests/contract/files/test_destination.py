"""Files as destinations: what is planned for them and what is written, in each format."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from placet_shared.clock import boot_seconds
from placet_sync_worker.applying.files import FileWriter
from placet_sync_worker.changes import Result
from placet_sync_worker.errors import (
    QueryError,
    SourceFileError,
    UnknownAttributeError,
    UnusableJobError,
)
from placet_sync_worker.providers.files.folder import checksum
from tests.support.files import COLUMNS, FileWorld, person, tasks

ANN, BOB, CYD = person("1", "Ann"), person("2", "Bob"), person("3", "Cyd")


def beside(world: FileWorld) -> list[str]:
    """What else stands in the folder."""
    return sorted(one.name for one in world.files.iterdir() if one != world.path and one.suffix != ".jar")


def test_rows_are_made_changed_and_taken_out(world: FileWorld) -> None:
    world.put(ANN, BOB, CYD)
    world.links = {"1": "1", "2": "2", "3": "3"}
    done = world.run(ANN | {"name": "Anna"}, BOB, person("4", "Dan", "IT"), extra="delete")
    assert done == [("create", "4", "applied"), ("update", "1", "applied"), ("delete", "3", "applied")]
    assert world.rows() == [ANN | {"name": "Anna"}, BOB, person("4", "Dan", "IT")]


def test_then_there_is_nothing_left_to_do(world: FileWorld) -> None:
    world.put(ANN)
    people = (
        ANN | {"dept": None},
        person("007", "Zoë Łódź", 'R&D <"quoted", and more\'>'),
        person("8", "=1+1", "+48 1"),
        person("9", "_x0041_", "a\nb"),
    )
    world.run(*people)
    before = world.path.read_bytes()
    assert world.run(*people) == []
    assert world.path.read_bytes() == before


def test_rows_that_a_job_does_not_know_stay(world: FileWorld) -> None:
    world.put(ANN, BOB)
    assert world.run(BOB | {"dept": "IT"}, extra="delete") == [("update", "2", "applied")]
    assert world.rows() == [ANN, BOB | {"dept": "IT"}]


def test_a_header_alone_is_an_empty_destination(world: FileWorld) -> None:
    world.put()
    assert world.run(ANN) == [("create", "1", "applied")]
    assert world.rows() == [ANN]


def test_empty_values_are_kept_or_cleared(world: FileWorld) -> None:
    world.put(ANN)
    assert world.run(ANN | {"dept": None}) == []
    assert world.run(ANN | {"dept": None}, empty_values="clear") == [("update", "1", "applied")]
    assert world.rows() == [ANN | {"dept": ""}]


def test_a_value_comes_into_an_empty_cell(world: FileWorld) -> None:
    world.put(ANN | {"dept": ""}, BOB)
    assert world.run(ANN | {"dept": "IT"}, BOB) == [("update", "1", "applied")]
    assert world.rows() == [ANN | {"dept": "IT"}, BOB]


def test_many_rows_are_one_batch_of_one_version(world: FileWorld) -> None:
    world.put(*(person(str(number)) for number in range(700)))
    changes, _ = world.plan(*(person(str(number), "New") for number in range(300, 1000)))
    assert len({change.version for change in changes}) == 1
    assert {outcome.result for outcome in world.apply(changes)} == {Result.APPLIED}
    assert sum(row["name"] == "New" for row in world.rows()) == 700
    assert len(world.rows()) == 1000


def test_extras_can_be_disabled(world: FileWorld) -> None:
    world.put(ANN, BOB)
    world.settings = {"disable": {"attribute": "dept", "value": "left"}}
    assert world.run(BOB, extra="disable", extra_scope="all") == [("disable", "1", "applied")]
    assert world.rows() == [ANN | {"dept": "left"}, BOB]


def test_columns_keep_their_order_and_others_their_values(world: FileWorld) -> None:
    world.put(ANN | {"city": "Brno"}, columns=("dept", "city", "id", "name"))
    world.run(ANN | {"dept": "IT"}, BOB)
    assert [list(row) for row in world.rows()] == [["dept", "city", "id", "name"]] * 2
    assert [row["city"] for row in world.rows()] == ["Brno", ""]


def test_an_entry_tells_where_it_stands_and_what_else_is_in_it(world: FileWorld) -> None:
    world.put(ANN, BOB)
    (change,), _ = world.plan(ANN, extra="delete", extra_scope="all", fields=[{"to": "name", "from": "name"}])
    assert (change.id, change.dn) == ("2", world.kind.second)
    assert {image.name: image.values for image in change.image} == {"dept": ("Sales",)}


# ---- what cannot be planned ------------------------------------------------------------------------------------------


def test_an_unknown_column_is_refused_with_the_nearest_name(world: FileWorld) -> None:
    world.put(ANN)
    with pytest.raises(UnknownAttributeError, match=r"fields: provider out: .* has no column nam; did you mean name"):
        world.plan(ANN, fields=[{"to": "nam", "from": "name"}])


def test_a_container_is_refused(world: FileWorld) -> None:
    world.put(ANN)
    with pytest.raises(UnusableJobError, match=r"destination\.container: its entries stand nowhere; leave it out"):
        world.plan(ANN, destination={"provider": "out", "container": "ou=People"})


def test_rows_that_share_their_key_are_errors_and_are_left_alone(world: FileWorld) -> None:
    world.put(ANN, BOB, BOB | {"name": "Rob"}, CYD, CYD)
    changes, rejected = world.plan(ANN, BOB | {"dept": "IT"}, extra="delete", extra_scope="all")
    assert changes == []
    assert [reason.split(":")[0] for reason in rejected.values()] == ["several entries have this key"]


def test_a_missing_file_is_refused_or_made(world: FileWorld) -> None:
    with pytest.raises(SourceFileError, match=r"there is no file .* give its columns: new_file"):
        world.plan(ANN)
    world.settings = {"new_file": [*COLUMNS]}
    assert world.run(ANN, BOB) == [("create", "1", "applied"), ("create", "2", "applied")]
    assert world.rows() == [ANN, BOB]
    assert world.run(ANN, BOB) == []


def test_a_query_says_which_rows_are_meant(world: FileWorld) -> None:
    world.put(ANN, BOB | {"dept": "IT"})
    sales = {"provider": "out", "query": "SELECT id FROM records WHERE dept = 'Sales'"}
    changes, _ = world.plan(CYD, destination=sales, extra="delete", extra_scope="all")
    assert [(change.op, change.key) for change in changes] == [("create", "3"), ("delete", "1")]


def test_a_query_without_the_key_is_refused(world: FileWorld) -> None:
    world.put(ANN)
    with pytest.raises(QueryError, match=r"destination\.query gives no id, the key by which rows are known"):
        world.plan(ANN, destination={"provider": "out", "query": "SELECT name FROM records"})


def test_a_row_outside_the_query_is_found_before_it_is_made_again(world: FileWorld) -> None:
    world.put(ANN)
    changes, _ = world.plan(ANN, BOB, destination={"provider": "out", "query": "SELECT id FROM records WHERE id = '9'"})
    first, second = world.apply(changes)
    assert (first.result, second.result) == (Result.CONFLICT, Result.APPLIED)
    assert "a row with this key is there already" in (first.reason or "")
    assert world.rows() == [ANN, BOB]


# ---- other hands, and crashes ----------------------------------------------------------------------------------------


def test_a_file_that_was_changed_after_the_plan_is_not_touched(world: FileWorld) -> None:
    world.put(ANN, BOB)
    changes, _ = world.plan(ANN | {"name": "Plan"}, CYD)
    world.put(ANN | {"name": "Hand"}, BOB)
    outcomes = world.apply(changes)
    assert {outcome.result for outcome in outcomes} == {Result.CONFLICT}
    assert "was changed after the plan; run the job again" in (outcomes[0].reason or "")
    assert world.rows() == [ANN | {"name": "Hand"}, BOB]


def test_a_file_that_is_gone_is_said(world: FileWorld) -> None:
    world.put(ANN)
    changes, _ = world.plan(BOB)
    world.path.unlink()
    with pytest.raises(SourceFileError, match="there is no file"):
        world.apply(changes)


def test_a_repeat_knows_its_own_work(world: FileWorld) -> None:
    world.put(ANN)
    changes, _ = world.plan(ANN | {"name": "Plan"}, BOB)
    first = world.apply(changes)
    written = world.path.read_bytes()
    again = world.apply(changes, again=True)
    assert [outcome.result for outcome in again] == [Result.ALREADY_APPLIED] * 2
    assert [outcome.version for outcome in again] == [outcome.version for outcome in first]
    assert [outcome.result for outcome in world.apply(changes, again=True, look_only=True)] == [
        Result.ALREADY_APPLIED
    ] * 2
    assert world.path.read_bytes() == written


def test_what_another_plan_wrote_is_nobody_elses_work(world: FileWorld) -> None:
    world.put(ANN)
    one, _ = world.plan(ANN | {"name": "One"})
    other, _ = world.plan(ANN | {"name": "Other"})
    world.apply(one)
    (outcome,) = world.apply(other, again=True)
    assert outcome.result == Result.CONFLICT
    assert world.rows() == [ANN | {"name": "One"}]


def test_a_hand_after_our_write_does_not_hide_it(world: FileWorld) -> None:
    world.put(ANN, BOB)
    changes, _ = world.plan(ANN | {"name": "Plan"}, BOB | {"name": "Plan"})
    world.apply(changes)
    world.put(ANN | {"name": "Plan"}, BOB | {"name": "Hand"})
    assert [one.result for one in world.apply(changes, again=True)] == [Result.ALREADY_APPLIED, Result.CONFLICT]
    assert world.rows()[1]["name"] == "Hand"


def test_a_run_that_ends_writes_nothing(world: FileWorld) -> None:
    world.put(ANN)
    changes, _ = world.plan(BOB)
    assert [one.result for one in world.apply(changes, again=True, look_only=True)] == [Result.SKIPPED]
    assert world.rows() == [ANN]


def test_a_worker_that_died_before_the_rename_leaves_the_old_file(
    world: FileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(ANN)
    changes, _ = world.plan(ANN | {"name": "Plan"}, BOB)
    replaced = Path.replace

    def dies(path: Path, target: Path) -> Path:
        if target == world.path:
            raise SystemExit("killed")
        return replaced(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dies)
        with pytest.raises(SystemExit):
            world.apply(changes)
    assert world.rows() == [ANN]
    assert [one.result for one in world.apply(changes, again=True)] == [Result.APPLIED] * 2
    assert world.rows() == [ANN | {"name": "Plan"}, BOB]


def test_the_new_file_and_its_checksum_are_on_the_disk_before_the_rename(
    world: FileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.put(ANN)
    changes, _ = world.plan(ANN | {"name": "Plan"}, BOB)
    done: list[tuple[str, str]] = []
    fsync, replaced = os.fsync, Path.replace

    def noted_fsync(opened: int) -> None:
        done.append(("fsync", Path(f"/proc/self/fd/{opened}").readlink().name))
        fsync(opened)

    def noted_replace(path: Path, target: Path) -> Path:
        done.append(("rename", Path(target).name))
        return replaced(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", noted_fsync)
        patched.setattr(Path, "replace", noted_replace)
        world.apply(changes)
    name, note = world.path.name, f".{world.path.name}.placet-note"
    ours = [("fsync", f".{world.path.stem}.placet-new{world.path.suffix}"), ("fsync", f"{note}~"), ("rename", note)]
    ours += [("rename", name), ("fsync", world.path.parent.name)]
    places = [done.index(one) for one in ours[:-1]]
    assert places == sorted(places)
    assert done[-1] == ours[-1]
    assert json.loads(world.path.with_name(note).read_text())["after"] == checksum(world.path)


def test_one_worker_writes_at_a_time(world: FileWorld) -> None:
    world.put(ANN)
    changes, _ = world.plan(BOB)
    store = world.open()
    with (world.files / f".{world.path.name}.placet-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (outcome,) = FileWriter(store, ("id",)).apply(tasks(changes), boot_seconds() + 60)
    assert (outcome.result, "by another worker" in (outcome.reason or "")) == (None, True)
    (outcome,) = FileWriter(store, ("id",)).apply(tasks(changes), boot_seconds() + 60)
    store.close()
    assert outcome.result == Result.APPLIED


def test_nothing_is_written_after_the_deadline(world: FileWorld) -> None:
    world.put(ANN)
    changes, _ = world.plan(BOB)
    store = world.open()
    (outcome,) = FileWriter(store, ("id",)).apply(tasks(changes), boot_seconds() - 1)
    store.close()
    assert (outcome.result, "longer than the lease" in (outcome.reason or "")) == (None, True)
    assert world.rows() == [ANN]


def test_owner_rights_and_links_of_the_file_stay(world: FileWorld) -> None:
    world.put(ANN)
    real = world.files / f"real{world.path.suffix}"
    world.path.rename(real)
    world.path.symlink_to(real)
    real.chmod(0o640)
    world.run(BOB)
    assert world.path.is_symlink()
    assert (real.stat().st_mode & 0o777, real.stat().st_uid) == (0o640, os.getuid())
    assert world.rows() == [ANN, BOB]


def test_nothing_is_left_beside_the_file_but_lock_and_note(world: FileWorld) -> None:
    world.put(ANN)
    world.run(BOB)
    assert beside(world) == [f".{world.path.name}.placet-lock", f".{world.path.name}.placet-note"]
