"""What a run of `mode: changed` reads and plans: fakes at both ends, real spool and join between them."""

from pathlib import Path
from typing import Any

import pytest

from placet_sync_worker.changes import Rejected
from placet_sync_worker.errors import EmptySourceError
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.progress import Known
from placet_sync_worker.ports import Window
from placet_sync_worker.testing.destination import PEOPLE
from tests.support.planning import Row, Scene, Seen, person


class ChangedScene(Scene):
    """A job of mode changed, and what earlier runs left to it."""

    mark: str | None = "2027-01-31T09:00:00+00:00"
    waiting: tuple[tuple[str, ...], ...] = ()

    def changed(self, *, everything: bool = False, options: Options | None = None, **job: Any) -> Seen:
        known = Known(self.mark, self.waiting, everything)
        return self.plan(options=options, known=known, mode="changed", time_stamp="at", **job)


@pytest.fixture
def scene(tmp_path: Path) -> ChangedScene:
    return ChangedScene(tmp_path)


def at(clock: str, id_: str, first: str = "Ann", last: str = "Low", **more: str) -> Row:
    """A person who was changed at a time of 2027-01-31."""
    return person(id_, first, last, at=f"2027-01-31T{clock}:00+00:00", **more)


def test_what_changed_is_read_and_its_entries_are_looked_up(scene: ChangedScene) -> None:
    scene.rows = [at("08:00", "1", "Old", "Own"), at("10:00", "2", "Bob", "Roe", mail="b@x"), at("10:30", "3", "Cyd")]
    scene.entry("a", "1")
    scene.entry("b", "2", "Bob", "Roe")
    plan = scene.changed()
    assert sorted(plan.ops()) == [("create", "3"), ("update", "2")]
    assert plan.read == (2, 1)
    assert plan.mark == "2027-01-31T10:25:00+00:00"
    assert scene.store.queries == []
    assert plan.matches == {"b": "2"}


def test_nothing_changed_is_an_empty_plan(scene: ChangedScene) -> None:
    scene.rows = [at("08:00", "1")]
    plan = scene.changed()
    assert (plan.changes, plan.read, plan.mark) == ([], (0, 0), scene.mark)


def test_an_empty_source_is_an_error_where_everything_is_read(scene: ChangedScene) -> None:
    scene.mark = None
    with pytest.raises(EmptySourceError):
        scene.changed()


def test_without_a_mark_everything_is_read(scene: ChangedScene) -> None:
    scene.mark = None
    scene.rows = [at("08:00", "1"), at("10:00", "2", "Bob"), person("3", "Cyd")]
    plan = scene.changed(overlap="1h")
    assert plan.counts.create == 3
    assert plan.mark == "2027-01-31T09:00:00+00:00"
    assert plan.warnings[0].startswith(
        "1 of the records have no at: they are read again when they get one, and by runs"
    )


def test_records_without_a_stamp_that_each_run_reads_are_told_as_such(scene: ChangedScene) -> None:
    scene.mark, scene.unstamped_come = None, True
    scene.rows = [at("08:00", "1"), person("3", "Cyd")]
    assert scene.changed().warnings == ("1 of the records have no at: they are read again by each run",)
    scene.mark = "2027-01-31T09:00:00+00:00"
    assert scene.changed().ops() == [("create", "3")]


def test_a_run_that_is_to_read_everything_does_and_keeps_the_mark_from_going_back(scene: ChangedScene) -> None:
    scene.rows = [at("08:00", "1")]
    plan = scene.changed(everything=True)
    assert (plan.counts.create, plan.mark) == (1, scene.mark)


def test_keys_that_wait_are_read_whatever_their_stamps(scene: ChangedScene) -> None:
    scene.rows = [at("08:00", "1"), at("08:00", "2", "Bob")]
    scene.waiting = (("2",), ("9",))
    assert scene.changed().ops() == [("create", "2")]


def test_single_records_are_read_by_their_keys(scene: ChangedScene) -> None:
    scene.rows = [at("08:00", "1"), at("10:00", "2", "Bob")]
    scene.waiting = (("7",),)
    plan = scene.changed(options=Options(records=("1",)))
    assert plan.ops() == [("create", "1")]
    assert scene.windows[0] == Window("at", scene.mark, ("id",), (("1",),))


def test_an_entry_whose_key_was_changed_by_hand_is_found_by_its_link(scene: ChangedScene) -> None:
    scene.rows = [at("10:00", "1", mail="new@x")]
    scene.entry("a", "77")
    scene.entry("other", "2", "Bob")
    scene.links = {"a": "1", "other": "2"}
    plan = scene.changed()
    assert [(change.op, change.id) for change in plan.changes] == [("update", "a")]
    assert plan.checks[0].startswith("the linked entries of 1 record have other keys by now (1: 77)")


def test_a_record_that_shares_its_key_with_an_older_one_is_not_preferred(scene: ChangedScene) -> None:
    scene.rows = [at("08:00", "1", "Ann"), at("10:00", "1", "Bob"), at("10:00", "2", "Cyd")]
    scene.entry("a", "1", "Ann")
    plan = scene.changed()
    assert plan.ops() == [("create", "2")]
    assert {one.key for one in plan.every_rejected} == {"1"}


def test_a_name_that_an_entry_has_which_nobody_asked_about_is_seen(scene: ChangedScene) -> None:
    scene.rows = [at("10:00", "1", "Ann", "Low")]
    scene.entry("a", "77", "ANN", "Low")
    plan = scene.changed()
    assert list(plan.rejected.values()) == [f"name still held by cn=ANN Low,{PEOPLE}"]


def test_a_unique_value_that_an_entry_has_which_nobody_asked_about_is_seen(scene: ChangedScene) -> None:
    scene.rows = [at("10:00", "1", mail="b@x")]
    scene.entry("b", "2", "Bob", mail="B@x")
    plan = scene.changed(options=Options(unique=("mail",)))
    assert list(plan.rejected.values()) == [f"mail still held by cn=Bob Low,{PEOPLE}"]
    assert scene.store.queries == []


def test_of_many_records_the_destination_is_read_whole(scene: ChangedScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placet_sync_worker.planning.finding.FEW", 1)
    scene.rows = [at("10:00", "1", mail="a@x"), at("10:00", "2", "Bob"), at("08:00", "3", "Cyd")]
    scene.entry("a", "1")
    scene.entry("c", "3", "Cyd")
    plan = scene.changed()
    assert sorted(plan.ops()) == [("create", "2"), ("update", "1")]
    assert (scene.store.looked_up, len(scene.store.queries), plan.counts.unlinked) == ([], 1, 0)


def test_a_stamp_that_is_none_rejects_its_record_which_is_tried_again(scene: ChangedScene) -> None:
    scene.rows = [person("1", at="soon"), at("10:00", "2", "Bob")]
    plan = scene.changed()
    assert plan.ops() == [("create", "2")]
    (refused,) = plan.every_rejected
    assert (refused.key, refused.attribute) == ("1", "at")
    assert "it does not say when the record changed: 'soon' is no time" in refused.reason


def test_the_mark_does_not_pass_what_cannot_be_asked_for_by_key(scene: ChangedScene) -> None:
    scene.rows = [at("10:00", ""), at("11:00", "2", "Bob")]
    plan = scene.changed()
    assert plan.mark == "2027-01-31T09:55:00+00:00"
    assert plan.warnings == ("no key can be read of 1 record (line 2): the next run reads on before them",)
    scene.broken = [Rejected("line 9", None, None, "too few cells")]
    assert scene.changed().mark == scene.mark


def test_a_stamp_from_the_future_does_not_end_it_all(scene: ChangedScene) -> None:
    scene.rows = [at("10:00", "1"), person("2", "Bob", at="2099-01-01T00:00:00+00:00")]
    assert scene.changed().mark == "2027-01-31T11:55:00+00:00"
