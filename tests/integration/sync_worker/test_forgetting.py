"""Values of people are erased long after their run, and what was signed holds as before."""

from datetime import timedelta

from placet_sync_worker.changes import Rejected, Result
from placet_sync_worker.settings import WorkerSettings
from placet_sync_worker.store.forgetting import forget_values
from placet_sync_worker.tasks import Outcome
from tests.support.worker import WorkerHarness, an_update

RETAIN = timedelta(days=400)
LASTING = (
    "SELECT number, hash, key, op, result FROM sync.changes JOIN sync.outcomes USING (run_id, number) ORDER BY number"
)


async def a_run(worker: WorkerHarness, ended: str) -> str:
    """One with a conflict and a rejected record; `ended` is SQL."""
    run_id = await worker.planned([an_update(1), an_update(2)], [Rejected("line 3", "3", "sn", "sn takes no 'Old'")])
    await worker.approve(run_id)
    conflict = Outcome(Result.CONFLICT, "sn: planned from 'Old' to 'New', but it is now 'Other'")
    worker.store.answers = lambda task: Outcome(Result.APPLIED) if task.number else conflict
    await worker.apply_all()
    await worker.rows(
        "INSERT INTO sync.explanations (run_id, number, key, document) VALUES (:run, 0, '1', '{\"value\": \"Old\"}')",
        run=run_id,
    )
    await worker.rows(f"UPDATE sync.runs SET finished_at = {ended} WHERE run_id = :run", run=run_id)
    return run_id


async def of_people(worker: WorkerHarness, run_id: str) -> list[str]:
    """What the tables say of a run, as far as values stand in it."""
    texts = []
    for table in ("changes", "steps", "rejected", "explanations"):
        rows = await worker.rows(f"SELECT t::text AS it FROM sync.{table} t WHERE run_id = :run", run=run_id)
        texts += [str(row["it"]) for row in rows if "Old" in row["it"] or "New" in row["it"]]
    return texts


def test_values_are_kept_for_400_days_unless_it_is_said_otherwise() -> None:
    assert WorkerSettings.model_fields["retain_values"].default == RETAIN


async def test_values_and_salts_go_together_and_hashes_results_and_signatures_stay(worker: WorkerHarness) -> None:
    run_id = await a_run(worker, "now() - interval '401 days'")
    hashes = await worker.rows(LASTING)
    assert len(await of_people(worker, run_id)) == 5
    await forget_values(worker.database, RETAIN)
    assert await of_people(worker, run_id) == []
    assert await worker.rows("SELECT 1 FROM sync.changes WHERE salt IS NOT NULL OR document IS NOT NULL") == []
    assert await worker.rows(LASTING) == hashes
    assert [(row.document, row.result) for row in await worker.shown(run_id)] == [(None, "conflict"), (None, "applied")]
    run = await worker.run(run_id)
    assert worker.verifier.plan(run["plan_token"], run["order_token"], audit=True).counts.update == 2


async def test_values_of_younger_runs_and_of_those_that_go_on_stay(worker: WorkerHarness) -> None:
    young, old = await a_run(worker, "now() - interval '399 days'"), await a_run(worker, "now() - interval '401 days'")
    waiting = await worker.planned([an_update(1)])
    await worker.rows("UPDATE sync.runs SET ordered_at = now() - interval '500 days'")
    await forget_values(worker.database, RETAIN)
    assert (await of_people(worker, old), len(await of_people(worker, young))) == ([], 5)
    assert len(await of_people(worker, waiting)) == 1
    await forget_values(worker.database, timedelta(days=399))
    assert await of_people(worker, young) == []
