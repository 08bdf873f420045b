"""Batches written to a table: each change exactly once, nothing of anybody else's overwritten."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from placet_shared.clock import boot_seconds
from placet_sync_worker.applying.rows import RowsWriter
from placet_sync_worker.changes import Change, Result
from placet_sync_worker.ports import VERSION
from placet_sync_worker.tasks import Outcome, Task
from tests.support.tables import Losing, Uncounted, World, a_create, a_delete, an_update, results, soon, tasks

APPLIED, ALREADY, CONFLICT, FAILED = Result.APPLIED, Result.ALREADY_APPLIED, Result.CONFLICT, Result.FAILED
KEYS = ("employee_id",)


def apply(
    world: World, some: Sequence[Task], *, look_only: bool = False, deadline: float | None = None
) -> list[Outcome]:
    store = world.open()
    try:
        return RowsWriter(store, KEYS).apply(some, deadline or soon(), look_only=look_only)
    finally:
        store.close()


def lost(world: World, *changes: Change, committed: bool = True) -> list[Task]:
    """A batch whose end is not known, as it comes again."""
    some = tasks(*changes)
    assert set(results(RowsWriter(Losing(world.open(), committed), KEYS).apply(some, soon()))) == {None}
    return [replace(task, maybe_sent=True) for task in some]


def names(world: World) -> dict[str, str | None]:
    return {key: row["name"] for key, row in world.rows().items()}


def version(world: World) -> str:
    """That of the only row."""
    (page,) = world.open().read(["name"], None)
    return str(page.column(VERSION)[0])


@pytest.fixture
def ada(world: World) -> str:
    return world.put(employee_id="1", name="Ada")


# ---- what was planned is done --------------------------------------------------------------------------------------


def test_creates_say_the_ids_of_what_they_made(world: World) -> None:
    outcomes = apply(world, tasks(*(a_create(f"e{n}", f"Name {n}", room=f"{n}") for n in range(200))))
    assert set(results(outcomes)) == {APPLIED}
    (page,) = world.open().read(["employee_id"], None)
    ids = {row["employee_id"][0]: row["@id"] for row in page.to_pylist()}
    assert [outcome.entry_id for outcome in outcomes] == [ids[f"e{n}"] for n in range(200)]
    assert world.rows()["e17"] == {"name": "Name 17", "mail": None, "room": "17", "hired": None}


def test_a_row_is_changed_and_deleted(world: World, ada: str) -> None:
    change = an_update(ada, name=("Ada", "Lady Ada"), mail=(None, "a@x"), hired=(None, "2026-01-31"))
    assert results(apply(world, tasks(change))) == [APPLIED]
    assert world.rows() == {"1": {"name": "Lady Ada", "mail": "a@x", "room": None, "hired": "2026-01-31"}}
    cleared = an_update(ada, mail=("a@x", None), hired=("2026-01-31", None))
    assert results(apply(world, tasks(cleared, run="next"))) == [APPLIED]
    assert results(apply(world, tasks(a_delete(ada, name="Lady Ada"), run="last"))) == [APPLIED]
    assert world.rows() == {}


def test_many_kinds_of_changes_are_one_batch(world: World, ada: str) -> None:
    bo, cy = world.put(employee_id="2", name="Bo", room="7"), world.put(employee_id="3", name="Cy")
    changes = [
        a_create("4", "Di"), an_update(ada, name=("Ada", "A")), an_update(bo, name=("Bo", "B"), room=("7", "8")),
        a_create("5", "Ed", mail="e@x"), a_delete(cy, name="Cy"),
    ]  # fmt: skip
    assert results(apply(world, tasks(*changes))) == [APPLIED] * 5
    assert names(world) == {"1": "A", "2": "B", "4": "Di", "5": "Ed"}


def test_a_refused_value_fails_alone_and_names_its_column(world: World, ada: str) -> None:
    changes = [
        a_create("2", "Bo"), a_create("3", "C" * 21), a_create("4", "Di", room="many"), a_create("5", "Ed"),
        an_update(ada, name=("Ada", None)),
    ]  # fmt: skip
    outcomes = apply(world, tasks(*changes))
    if world.rows()["1"]["name"] == "":  # a text that must be there may be empty to a database
        assert outcomes.pop().result == APPLIED
    else:
        assert outcomes.pop().result == FAILED
    assert results(outcomes) == [APPLIED, FAILED, FAILED, APPLIED]
    assert (outcomes[1].reason or "").startswith("name: 'CCCCC")
    assert "room: 'many' is not allowed here: it is no whole number" in (outcomes[2].reason or "")
    assert set(names(world)) == {"1", "2", "5"}


def test_hard_texts_arrive_as_they_are(world: World) -> None:
    hard = [
        "O'Hara",
        'say "x"',
        "100% %s %(a)s",
        ":name \\: ?",
        "zażółć 🦀",
        "back\\slash",
        "tab\tnew\nline",
        " blanks ",
    ]
    some = tasks(*(a_create(f"{n}", text) for n, text in enumerate(hard)))
    assert set(results(apply(world, some))) == {APPLIED}
    assert names(world) == {f"{n}": text for n, text in enumerate(hard)}
    ids = {
        o.entry_id: text
        for o, text in zip(apply(world, [replace(t, maybe_sent=True) for t in some]), hard, strict=True)
    }
    changes = [an_update(str(id_), name=(text, f"{text}!")) for id_, text in ids.items()]
    assert set(results(apply(world, tasks(*changes, run="next")))) == {APPLIED}
    assert names(world) == {f"{n}": f"{text}!" for n, text in enumerate(hard)}


# ---- what somebody else did is kept --------------------------------------------------------------------------------


def test_what_moved_since_the_plan_is_a_conflict_with_all_three_values(world: World, ada: str) -> None:
    world.set("1", name="Hand")
    (outcome,) = apply(world, tasks(an_update(ada, name=("Ada", "Plan"))))
    assert outcome.result == CONFLICT
    assert all(repr(name) in (outcome.reason or "") for name in ("Ada", "Plan", "Hand"))
    assert names(world) == {"1": "Hand"}


@pytest.mark.parametrize("hand", ["ada", "ADA", "Ada ", "Áda"])
def test_what_a_collation_takes_for_the_same_has_moved_all_the_same(world: World, ada: str, hand: str) -> None:
    world.set("1", name=hand)
    assert results(apply(world, tasks(an_update(ada, name=("Ada", "Plan"))))) == [CONFLICT]
    assert results(apply(world, tasks(a_delete(ada, name="Ada")))) == [CONFLICT]
    assert names(world) == {"1": hand}


def test_what_came_where_nothing_was_is_a_conflict(world: World, ada: str) -> None:
    world.set("1", mail="hand@x", room="7")
    assert results(apply(world, tasks(an_update(ada, mail=(None, "plan@x"))))) == [CONFLICT]
    assert results(apply(world, tasks(an_update(ada, room=(None, "9"))))) == [CONFLICT]
    world.set("1", mail=None, room=None)
    assert results(apply(world, tasks(an_update(ada, mail=("hand@x", "plan@x"))))) == [CONFLICT]
    assert world.rows()["1"] == {"name": "Ada", "mail": None, "room": None, "hired": None}


def test_another_column_that_moved_is_no_conflict(world: World, ada: str) -> None:
    world.set("1", mail="hand@x")
    assert results(apply(world, tasks(an_update(ada, name=("Ada", "Plan"))))) == [APPLIED]
    assert world.rows()["1"]["mail"] == "hand@x"


def test_what_somebody_else_has_done_already_is_already_applied(world: World, ada: str) -> None:
    world.set("1", name="Plan")
    assert results(apply(world, tasks(an_update(ada, name=("Ada", "Plan"))))) == [ALREADY]


def test_rows_that_match_are_counted_and_not_those_that_become_others(world: World, ada: str) -> None:
    assert results(apply(world, tasks(an_update(ada, name=("Ada", "Ada"))))) == [APPLIED]


def test_where_rows_are_not_counted_they_are_read_before_and_after(world: World, ada: str) -> None:
    bo, cy = world.put(employee_id="2", name="Bo"), world.put(employee_id="3", name="Cy")
    world.set("2", name="Hand")
    changes = [
        an_update(ada, name=("Ada", "Plan")), an_update(bo, name=("Bo", "Plan")), a_delete(cy, name="Cy"),
        a_create("4", "Di"), a_create("2", "Ed"),
    ]  # fmt: skip
    outcomes = RowsWriter(Uncounted(world.open()), KEYS).apply(tasks(*changes), soon())
    assert results(outcomes) == [APPLIED, CONFLICT, APPLIED, APPLIED, CONFLICT]
    assert names(world) == {"1": "Plan", "2": "Hand", "4": "Di"}


def test_a_row_that_was_made_again_is_not_touched(world: World, ada: str) -> None:
    world.remove("1")
    world.put(employee_id="1", name="Ada")
    outcomes = apply(world, tasks(an_update(ada, name=("Ada", "Plan")), a_delete(ada, name="Ada")))
    assert results(outcomes) == [CONFLICT, ALREADY]
    assert names(world) == {"1": "Ada"}


def test_a_create_does_not_take_over_what_looks_the_same(world: World, ada: str) -> None:
    outcomes = apply(world, tasks(a_create("1", "Ada"), a_create("2", "Bo")))
    assert results(outcomes) == [CONFLICT, APPLIED]
    assert ada in (outcomes[0].reason or "")


def test_one_conflict_costs_the_others_nothing(world: World) -> None:
    ids = [world.put(employee_id=f"{n}", name="Old") for n in range(20)]
    world.set("7", name="Hand")
    world.remove("8")
    outcomes = apply(world, tasks(*(an_update(id_, name=("Old", "New")) for id_ in ids)))
    assert results(outcomes) == [CONFLICT if n in (7, 8) else APPLIED for n in range(20)]
    assert names(world) == {f"{n}": "Hand" if n == 7 else "New" for n in range(20) if n != 8}


# ---- lost answers --------------------------------------------------------------------------------------------------


def test_a_batch_whose_end_is_not_known_is_found_done(world: World, ada: str) -> None:
    bo = world.put(employee_id="2", name="Bo")
    again = lost(world, a_create("3", "Cy"), an_update(ada, name=("Ada", "Plan")), a_delete(bo, name="Bo"))
    assert names(world) == {"1": "Plan", "3": "Cy"}
    outcomes = apply(world, again)
    assert results(outcomes) == [ALREADY] * 3
    assert outcomes[0].entry_id is not None
    assert names(world) == {"1": "Plan", "3": "Cy"}


def test_a_batch_that_was_lost_is_written_once(world: World, ada: str) -> None:
    change = an_update(ada, version(world), name=("Ada", "Plan"))
    again = lost(world, a_create("3", "Cy"), change, committed=False)
    assert names(world) == {"1": "Ada"}
    assert results(apply(world, again)) == [APPLIED, APPLIED]
    assert names(world) == {"1": "Plan", "3": "Cy"}


def test_a_lost_update_that_a_hand_took_back_is_not_done_again_where_that_can_be_known(world: World, ada: str) -> None:
    planned = version(world)
    again = lost(world, an_update(ada, planned, name=("Ada", "Plan")))
    world.set("1", name="Ada")
    if world.keeps:
        assert results(apply(world, again)) == [ALREADY]
    elif planned:
        assert results(apply(world, again)) == [CONFLICT]
    else:
        return
    assert names(world) == {"1": "Ada"}


def test_a_create_that_was_lost_takes_over_nothing(world: World) -> None:
    again = lost(world, a_create("1", "Ada"), committed=False)
    world.put(employee_id="1", name="Other")
    assert results(apply(world, again)) == [CONFLICT]
    assert names(world) == {"1": "Other"}


def test_the_same_change_of_another_run_is_another_one(world: World, ada: str) -> None:
    change = an_update(ada, name=("Ada", "Plan"))
    assert results(apply(world, tasks(change, run="first"))) == [APPLIED]
    world.set("1", name="Ada")
    assert results(apply(world, tasks(change, run="second"))) == [APPLIED]
    assert names(world) == {"1": "Plan"}


def test_a_run_that_ends_looks_and_writes_nothing(world: World, ada: str) -> None:
    again = lost(world, an_update(ada, name=("Ada", "Plan")))
    never = [replace(task, number=5) for task in tasks(a_create("2", "Bo"))]
    assert results(apply(world, [*again, *never], look_only=True)) == [ALREADY, Result.SKIPPED]
    undone = lost(world, a_create("3", "Cy"), committed=False)
    assert results(apply(world, [replace(t, number=6) for t in undone], look_only=True)) == [Result.SKIPPED]
    assert names(world) == {"1": "Plan"}


def test_nothing_is_sent_after_the_deadline(world: World, ada: str) -> None:
    outcomes = apply(world, tasks(an_update(ada, name=("Ada", "Plan"))), deadline=boot_seconds() - 1)
    assert results(outcomes) == [None]
    assert "time was" in (outcomes[0].reason or "")
    assert names(world) == {"1": "Ada"}
