"""Runs that nothing else moves on: they are ended one by one."""

from placet_sync_worker.sweeping import end_overdue, end_stranded
from tests.support.worker import WorkerHarness, an_update


async def three_runs(worker: WorkerHarness) -> list[str]:
    """The end of the second one cannot be told."""
    made = [await worker.planned([an_update(number)]) for number in range(3)]
    await worker.rows("UPDATE sync.runs SET counts = '7' WHERE run_id = :run", run=made[1])
    return made


async def ended(worker: WorkerHarness) -> dict[str, object]:
    return {event["run_id"]: event["reason"] for event in await worker.published("placet.run-finished")}


async def test_an_overdue_run_that_cannot_be_ended_keeps_no_other_open(worker: WorkerHarness) -> None:
    first, _, third = await three_runs(worker)
    await end_overdue(worker.database, worker.verifier, worker.life)
    assert await ended(worker) == {}
    await worker.rows("UPDATE sync.runs SET valid_until = now() - interval '61 minutes'")
    await end_overdue(worker.database, worker.verifier, worker.life)
    assert await ended(worker) == dict.fromkeys((first, third), "nobody decided in time")


async def test_a_stranded_run_that_cannot_be_ended_keeps_no_other_open(worker: WorkerHarness) -> None:
    first, second, third = await three_runs(worker)
    for run_id in (first, second, third):
        await worker.approve(run_id)
    await worker.rows("DELETE FROM sync.batches")
    await end_stranded(worker.database, worker.verifier, worker.life)
    assert await ended(worker) == dict.fromkeys((first, third), "batches of the plan are gone; run the job again")
