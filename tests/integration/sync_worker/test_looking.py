"""The source read again between plan and apply: when a run does it, and what becomes of its changes."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from placet_shared.errors import PermanentError
from placet_shared.events import RunCancelled
from placet_shared.failpoints import no_failpoint
from placet_sync_worker.applying.looking import SourceLooker
from placet_sync_worker.changes import Change, Result
from placet_sync_worker.planning.rereading import CHANGED, THERE, Moved
from placet_sync_worker.tasks import Outcome
from tests.support.worker import LEASE, WorkerHarness, a_delete, an_update

SECONDS = 20


@dataclass
class ScriptedLook:
    """A source that is read again as the test says; counts how often."""

    moved: dict[str, list[int]] = field(default_factory=dict)
    looks: int = 0
    before: Callable[[], None] = lambda: None

    def __call__(self, *_asked: Any) -> Moved:
        self.looks += 1
        self.before()
        return {reason: array("i", numbers) for reason, numbers in self.moved.items()}


@dataclass
class Scene:
    """A worker whose plans are old at once, with its looking loop."""

    worker: WorkerHarness
    look: ScriptedLook
    folder: Path

    def looker(self) -> SourceLooker:
        worker = self.worker
        return SourceLooker(
            worker.database, self.look, worker.verifier, worker.life, self.folder, no_failpoint, LEASE
        )  # fmt: skip

    async def approved(self, *changes: Change, **job: Any) -> str:
        run_id = await self.worker.planned(changes, **job)
        await self.worker.approve(run_id)
        return run_id

    async def go_on(self) -> None:
        """Until nothing is due in either loop."""
        while await self.looker().step() or await self.worker.applier.step():
            pass

    async def state(self, run_id: str) -> str:
        return str((await self.worker.run(run_id))["state"])


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    worker = WorkerHarness(database_url, tmp_path, look_after=timedelta(0))
    await worker.migrate()
    yield Scene(worker, ScriptedLook(), tmp_path)
    await worker.database.engine.dispose()


async def test_nothing_is_written_before_the_source_was_read_again(scene: Scene) -> None:
    run_id = await scene.approved(an_update(1), an_update(2), an_update(3))
    await scene.worker.apply_all()
    assert (await scene.state(run_id), scene.worker.store.asked) == ("looking", [])
    scene.look.moved = {CHANGED: [1]}
    await scene.go_on()
    assert [task.number for task, _ in scene.worker.store.asked] == [0, 2]
    assert await scene.worker.results(run_id) == ["applied", "conflict", "applied"]
    (row,) = await scene.worker.rows("SELECT reason FROM sync.outcomes WHERE result = 'conflict'")
    assert row["reason"].startswith("source moved")
    run = await scene.worker.run(run_id)
    assert (run["outcome"], scene.look.looks) == ("succeeded_with_errors", 1)


async def test_a_plan_that_is_young_is_written_without_a_look(database_url: str, tmp_path: Path) -> None:
    worker = WorkerHarness(database_url, tmp_path)
    await worker.migrate()
    scene = Scene(worker, ScriptedLook(), tmp_path)
    await scene.approved(an_update(1), a_delete(2))
    await scene.go_on()
    assert (len(worker.store.asked), scene.look.looks) == (2, 0)
    await worker.database.engine.dispose()


async def test_the_source_is_read_again_before_removals_and_not_between_batches(scene: Scene) -> None:
    run_id = await scene.approved(*(an_update(n) for n in range(450)), a_delete(1000))
    await scene.looker().step()
    await scene.worker.apply_all()
    assert (len(scene.worker.store.asked), await scene.state(run_id)) == (450, "looking")
    scene.look.moved = {THERE: [450]}
    await scene.go_on()
    assert (len(scene.worker.store.asked), scene.look.looks) == (450, 2)
    assert await scene.worker.results(run_id) == ["applied"] * 450 + ["conflict"]


async def test_a_plan_of_which_all_moved_ends(scene: Scene) -> None:
    run_id = await scene.approved(an_update(1), a_delete(2))
    scene.look.moved = {CHANGED: [0], THERE: [1]}
    await scene.go_on()
    assert await scene.worker.results(run_id) == ["conflict", "conflict"]
    assert (await scene.worker.run(run_id))["outcome"] == "succeeded_with_errors"


async def test_what_moved_counts_as_failed_before_removals(scene: Scene) -> None:
    run_id = await scene.approved(an_update(1), an_update(2), a_delete(3))
    scene.look.moved = {CHANGED: [0]}
    await scene.go_on()
    assert await scene.worker.results(run_id) == ["conflict", "applied", "skipped"]


async def test_a_source_that_is_away_is_waited_for(scene: Scene) -> None:
    run_id = await scene.approved(an_update(1))
    scene.look.before = _away
    assert await scene.looker().step()
    assert not await scene.looker().step()
    scene.look.before = lambda: None
    await scene.worker.rows("UPDATE sync.runs SET next_at = now()")
    await scene.go_on()
    assert await scene.worker.results(run_id) == ["applied"]
    assert (await scene.worker.run(run_id))["stalls"] == 0


async def test_a_source_that_stays_away_ends_the_run_as_failed(scene: Scene) -> None:
    run_id = await scene.approved(an_update(1), a_delete(2), give_up_after="0s")
    scene.look.before = _away
    await scene.go_on()
    run = await scene.worker.run(run_id)
    assert run["outcome"] == "failed"
    assert "could not be read again before writing: hr is down" in run["reason"]
    assert (await scene.worker.results(run_id), scene.worker.store.asked) == (["failed", "failed"], [])


async def test_a_run_that_waits_for_its_look_may_be_cancelled(scene: Scene) -> None:
    run_id = await scene.approved(an_update(1))
    sign = scene.worker.sign["scheduler"]
    await scene.worker.tell(sign.signed(RunCancelled, run_id=run_id, cancelled_by="ada", reason=""))
    await scene.go_on()
    assert (await scene.worker.run(run_id))["outcome"] == "cancelled"
    assert (scene.look.looks, scene.worker.store.asked) == (0, [])


async def test_who_lost_the_run_while_looking_settles_nothing(scene: Scene) -> None:
    run_id = await scene.approved(an_update(1))
    asleep, woken = Event(), Event()

    def slow() -> None:
        asleep.set()
        assert woken.wait(SECONDS)

    scene.look.before = slow
    scene.look.moved = {CHANGED: [0]}
    late = asyncio.create_task(scene.looker().step())
    assert await asyncio.to_thread(asleep.wait, SECONDS)
    await scene.worker.rows("UPDATE sync.runs SET lease_until = NULL")
    scene.look = ScriptedLook()
    assert await scene.looker().step()
    woken.set()
    await late
    await scene.go_on()
    assert await scene.worker.results(run_id) == ["applied"]


@pytest.mark.parametrize(
    "alteration",
    [
        "UPDATE sync.changes SET document = jsonb_set(document, '{record}', '\"another\"')",
        "UPDATE sync.changes SET document = document - 'record'",
    ],
)
async def test_a_digest_that_was_altered_ends_the_run(scene: Scene, alteration: str) -> None:
    run_id = await scene.approved(an_update(1, record="what it was made from"))
    await scene.worker.rows(alteration)
    await scene.go_on()
    run = await scene.worker.run(run_id)
    assert (run["outcome"], scene.worker.store.asked) == ("failed", [])
    assert "altered after it was signed" in run["reason"]


async def test_a_plan_that_was_made_to_look_younger_is_not_written(scene: Scene) -> None:
    run_id = await scene.worker.planned([an_update(1)])
    event = await scene.worker.approved(run_id)
    await scene.worker.rows("UPDATE sync.runs SET planned_at = now() + interval '1 day'")
    await scene.worker.tell(event)
    await scene.go_on()
    assert ((await scene.worker.run(run_id))["outcome"], scene.worker.store.asked) == ("failed", [])


async def test_a_step_that_has_no_answer_is_not_called_a_conflict_by_a_later_look(scene: Scene) -> None:
    run_id = await scene.approved(an_update(1), a_delete(2))
    await scene.looker().step()
    scene.worker.store.answers = lambda _task: Outcome(None, "no answer")
    await scene.worker.applier.step()
    assert await scene.state(run_id) == "applying"
    scene.worker.store.answers = lambda _task: Outcome(Result.APPLIED)
    await scene.worker.rows("UPDATE sync.batches SET next_at = now(), lease_until = NULL")
    await scene.go_on()
    assert await scene.worker.results(run_id) == ["applied", "applied"]


def _away() -> None:
    raise PermanentError("hr is down")
