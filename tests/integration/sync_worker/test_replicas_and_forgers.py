"""What no worker may believe: results of who lost the batch meanwhile, and a batch that fits its own digest alone."""

import asyncio
import json
from dataclasses import dataclass, field
from threading import Event

from placet_shared.chain import DestinationIdentity
from placet_sync_worker.changes import Phase, Result
from placet_sync_worker.plan import batch_digest, canonical, change_hash
from placet_sync_worker.tasks import Outcome, Task
from tests.support.worker import ScriptedWriter, WorkerHarness, an_update

SECONDS = 20


@dataclass
class Sleeper:
    """Writes, and sleeps before it says what became of it."""

    believes: Result
    asleep: Event = field(default_factory=Event)
    woken: Event = field(default_factory=Event)

    def __call__(self, _task: Task) -> Outcome:
        self.asleep.set()
        assert self.woken.wait(SECONDS)
        return Outcome(self.believes)


async def test_who_lost_its_batch_writes_no_results_while_the_next_one_still_writes(worker: WorkerHarness) -> None:
    run_id = await worker.planned([an_update(1)])
    await worker.approve(run_id)
    sleepers = Sleeper(Result.FAILED), Sleeper(Result.APPLIED)
    steps = []
    for sleeper in sleepers:
        await worker.rows("UPDATE sync.batches SET lease_until = NULL")
        steps.append(asyncio.create_task(worker.another_applier(ScriptedWriter(sleeper)).step()))
        assert await asyncio.to_thread(sleeper.asleep.wait, SECONDS)
    results = []
    for sleeper, step in zip(sleepers, steps, strict=True):
        sleeper.woken.set()
        await step
        results.append(await worker.results(run_id))
    assert results == [[None], ["applied"]]


async def test_who_lost_its_batch_ends_no_run_when_the_destination_is_another_by_then(worker: WorkerHarness) -> None:
    run_id = await worker.planned([an_update(1)])
    await worker.approve(run_id)
    store = ScriptedWriter()
    late = worker.another_applier(store)
    arrived, go = Event(), Event()

    def identity() -> DestinationIdentity:
        arrived.set()
        assert go.wait(SECONDS)
        return store.identity_now.model_copy(update={"base_id": "made again"})

    store.identity = identity  # type: ignore[method-assign]  # the moment between claim and write
    step = asyncio.create_task(late.step())
    assert await asyncio.to_thread(arrived.wait, SECONDS)
    await worker.rows("UPDATE sync.batches SET lease_until = NULL")
    await worker.apply_all()
    go.set()
    await step
    assert (await worker.run(run_id))["outcome"] == "succeeded"
    assert len(await worker.published("placet.run-finished")) == 1


async def test_a_change_that_was_altered_together_with_the_digest_of_its_batch_is_not_written(
    worker: WorkerHarness,
) -> None:
    run_id = await worker.planned([an_update(1)])
    await worker.approve(run_id)
    ((change,), (batch,)) = await worker.rows("SELECT * FROM sync.changes"), await worker.rows("TABLE sync.batches")

    def digest() -> str:
        return batch_digest(Phase.UPDATE, 0, [(change_hash(canonical(change["document"]), change["salt"]), [0])])

    assert digest() == batch["digest"]
    change["document"]["attributes"][0]["after"] = ["Eve"]
    await worker.rows("UPDATE sync.changes SET document = CAST(:it AS jsonb)", it=json.dumps(change["document"]))
    await worker.rows("UPDATE sync.batches SET digest = :digest", digest=digest())
    await worker.apply_all()
    assert worker.store.asked == []
    assert (await worker.run(run_id))["outcome"] == "failed"
