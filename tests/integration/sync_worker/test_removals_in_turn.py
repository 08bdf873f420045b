"""Removals of two runs at one store: one after the other, whoever comes first."""

import asyncio

import pytest
from msgspec.structs import replace

from placet_shared.events import RunCancelled
from placet_sync_worker.changes import Change, Phase, Result, Step
from placet_sync_worker.store import links, runs
from placet_sync_worker.sweeping import resume_waiting
from placet_sync_worker.tasks import Outcome, Task
from tests.support.worker import STORE, WorkerHarness, a_delete, an_update

PEOPLE = "ou=People,dc=example,dc=org"
SECONDS = 20
WAITS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

A_PLACE = Change(
    "ou=Left,dc=example,dc=org", "create", "ou=Left,dc=example,dc=org", (), (Step("add", Phase.CONTAINERS),),
    container=True,
)  # fmt: skip


def a_move(number: int) -> Change:
    """An entry without a record goes to another place."""
    dn = f"cn=p{number},ou=People,dc=example,dc=org"
    step = Step("rename", Phase.DISABLE, target=f"cn=p{number},ou=Left,dc=example,dc=org")
    return Change(f"{number}", "move", dn, (), (step,), f"id{number}", "v1")


async def two_runs(worker: WorkerHarness, second_at: str = "corp") -> tuple[str, str]:
    """Two runs that write and remove; the first one's removal has no answer. `second_at`: the other's provider."""
    first = await worker.planned([an_update(1), a_delete(2)])
    second = await worker.planned([an_update(3), a_delete(4)], destination={"provider": second_at, "container": PEOPLE})
    worker.store.answers = _no_answer_to_removals
    await worker.approve(first)
    await worker.apply_all()
    await worker.approve(second)
    await worker.apply_all()
    return first, second


def _no_answer_to_removals(task: Task) -> Outcome:
    return Outcome(None if task.step.what == "delete" else Result.APPLIED, "no answer")


async def resume(worker: WorkerHarness) -> None:
    await resume_waiting(worker.database, worker.verifier, worker.life)
    await worker.rows("UPDATE sync.batches SET next_at = now()")
    await worker.apply_all()


@pytest.mark.parametrize("second_at", ["corp", "corp-by-another-name"])
async def test_removals_wait_until_those_of_another_run_are_over(worker: WorkerHarness, second_at: str) -> None:
    first, second = await two_runs(worker, second_at)
    assert (await worker.run(second))["state"] == "waiting"
    assert await worker.results(second) == ["applied", None]
    await resume(worker)
    assert (await worker.run(second))["state"] == "waiting"
    worker.store.answers = lambda _task: Outcome(Result.APPLIED)
    await resume(worker)
    assert (await worker.run(first))["outcome"] == "succeeded"
    await resume(worker)
    assert (await worker.run(second))["outcome"] == "succeeded"
    deleted = [task.change.key for task, _ in worker.store.asked if task.step.what == "delete"]
    assert deleted[-1] == "4"
    assert set(deleted[:-1]) == {"2"}


async def test_removals_at_another_base_do_not_wait(worker: WorkerHarness) -> None:
    first = await worker.planned([a_delete(2)])
    worker.store.answers = _no_answer_to_removals
    await worker.approve(first)
    await worker.apply_all()
    worker.store.identity_now = STORE.model_copy(update={"base_id": "another"})
    second = await worker.planned([a_delete(4)])
    await worker.approve(second)
    assert (await worker.run(second))["state"] == "applying"


async def test_a_waiting_run_whose_plan_was_altered_ends(worker: WorkerHarness) -> None:
    _, second = await two_runs(worker)
    await worker.rows("UPDATE sync.runs SET plan_token = plan_token || 'x' WHERE run_id = :run", run=second)
    await resume(worker)
    assert (await worker.run(second))["outcome"] == "failed"


async def test_a_run_that_waits_may_be_cancelled(worker: WorkerHarness) -> None:
    _, second = await two_runs(worker)
    cancel = worker.sign["scheduler"].signed(RunCancelled, run_id=second, cancelled_by="ada", reason="")
    await worker.tell(cancel)
    assert (await worker.run(second))["outcome"] == "cancelled"
    assert await worker.results(second) == ["applied", "skipped"]


async def test_a_waiting_run_whose_order_was_altered_ends(worker: WorkerHarness) -> None:
    _, second = await two_runs(worker)
    await worker.rows("UPDATE sync.runs SET order_token = order_token || 'x' WHERE run_id = :run", run=second)
    await resume(worker)
    assert (await worker.run(second))["outcome"] == "failed"


async def test_of_two_that_ask_at_once_one_has_the_removals_of_a_store(worker: WorkerHarness) -> None:
    first, second, third = [await worker.planned([a_delete(n)]) for n in range(3)]

    async def ask(run_id: str, store: str) -> bool:
        async with worker.database.transaction() as work:
            return await runs.hold_removals(work, run_id, store)

    async with worker.database.transaction() as work:
        assert await runs.hold_removals(work, first, "corp")
        other = asyncio.create_task(ask(second, "corp"))
        assert await ask(third, "another")
        async with asyncio.timeout(SECONDS):
            while not await worker.rows(WAITS):
                assert not other.done()
    assert await other is False
    assert await ask(first, "corp")


async def test_what_is_moved_to_a_place_that_could_not_be_made_is_skipped(worker: WorkerHarness) -> None:
    many = [an_update(number) for number in range(50)]
    run_id = await worker.planned([A_PLACE, *many, replace(a_move(101), needs=(0,)), a_move(102)])
    await worker.approve(run_id)
    worker.store.answers = lambda task: Outcome(Result.FAILED if task.change.container else Result.APPLIED, "no room")
    await worker.apply_all()
    assert await worker.results(run_id) == ["failed", *["applied"] * 50, "skipped", "applied"]
    (row,) = await worker.rows("SELECT reason FROM sync.outcomes WHERE result = 'skipped'")
    assert row["reason"] == "depends on the creation of ou=Left,dc=example,dc=org"


async def test_what_is_moved_to_a_place_that_was_made_is_written(worker: WorkerHarness) -> None:
    run_id = await worker.planned([A_PLACE, replace(a_move(1), needs=(0,))])
    await worker.approve(run_id)
    await worker.apply_all()
    assert await worker.results(run_id) == ["applied", "applied"]


async def test_links_of_other_jobs_at_the_same_store_are_found(worker: WorkerHarness, database_url: str) -> None:
    async with worker.database.transaction() as work:
        await links.link(work, "corp", "ours", [("a", "1", False), ("b", "2", False)])
        await links.link(work, "corp", "theirs", [("b", "2", False), ("c", "3", False)])
        await links.link(work, "another", "theirs", [("a", "1", False)])
    assert links.JobLinks(database_url, "corp", "ours").elsewhere(["a", "b", "d"]) == {"b"}
