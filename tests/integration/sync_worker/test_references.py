"""A server with an overlay that changes references by itself: nothing of that is planned, or taken for a hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.directories import slapd_world
from tests.support.references import Sync, dn, row
from tests.support.slapd import Setup
from tests.support.stack import until

KEEPING = Setup(more="moduleload refint\noverlay refint\nrefint_attributes member manager\n")


@pytest.fixture
def sync(tmp_path: Path) -> Iterator[Sync]:
    with slapd_world(KEEPING) as world:
        yield Sync(world, tmp_path, kept=True)


def manager_is(sync: Sync, *names: str) -> bool:
    """The overlay is done a moment after the answer."""
    return bool(until(lambda: sync.value("manager", dn("Ann")) == [dn(name) for name in names], "the overlay is done"))


def test_what_the_overlay_does_is_not_planned(sync: Sync) -> None:
    sync.run([row("1", "Ann", "2"), row("2", "Bob"), row("3", "Cy")])
    sync.link("1", "2", "3")
    renamed = [row("1", "Ann", "2"), row("2", "Bob Low"), row("3", "Cy")]
    assert sync.run(renamed) == ["move 2: applied"]
    assert manager_is(sync, "Bob Low")
    assert sync.run(renamed) == []
    assert sync.run([row("1", "Ann"), row("3", "Cy")], extra="delete") == ["delete 2: applied"]
    assert manager_is(sync)


def test_a_manager_whom_the_overlay_renamed_after_the_plan_is_replaced(sync: Sync) -> None:
    sync.run([row("1", "Ann", "2"), row("2", "Bob"), row("3", "Cy")])
    rows = [row("1", "Ann", "3"), row("2", "Bob Low"), row("3", "Cy")]
    sync.plan(rows)
    move = next(change for change in sync.changes if change.op == "move")
    rest, sync.changes = [change for change in sync.changes if change is not move], [move]
    assert sync.apply() == ["move 2: applied"]
    assert manager_is(sync, "Bob Low")
    sync.changes = rest
    assert sync.apply() == ["update 1: applied"]
    assert sync.value("manager", dn("Ann")) == [dn("Cy")]
