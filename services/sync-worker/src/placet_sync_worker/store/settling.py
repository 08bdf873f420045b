"""What is on record of steps, intents and results, and what became of the changes whose steps all have one."""

# ruff: noqa: S608  # the queries are put together from our own words

from collections.abc import Sequence

from sqlalchemy import and_, select, text

from placet_shared.work import Work

from ..changes import Result
from ..tables import changes, outcomes, steps
from ..tasks import Outcome, Task

RESULTS = [result.value for result in Result]
"""From best to worst, for the database."""

WORST_FIRST = "ORDER BY array_position(CAST(:order AS text[]), result) DESC"
"""The order of an aggregate over steps; `order` are the RESULTS."""

OF_CHANGE = and_(outcomes.c.run_id == changes.c.run_id, outcomes.c.number == changes.c.number)


async def mark_intents(work: Work, run_id: str, tasks: Sequence[Task]) -> None:
    """From now on these steps may have been sent."""
    first = [task for task in tasks if not task.maybe_sent]
    if first:
        await work.connection.execute(
            text(
                "INSERT INTO sync.steps (run_id, number, step) SELECT :run, t.number, t.step"
                " FROM unnest(CAST(:numbers AS int[]), CAST(:steps AS int[])) AS t(number, step)"
            ),
            {"run": run_id, "numbers": [t.number for t in first], "steps": [t.position for t in first]},
        )


async def any_step(work: Work, run_id: str) -> bool:
    """Whether an intent or a result of the run is on record."""
    return (
        await work.connection.execute(select(steps.c.number).where(steps.c.run_id == run_id).limit(1))
    ).first() is not None


async def settle(work: Work, run_id: str, settled: Sequence[tuple[Task, Outcome]]) -> None:
    """Writes the results of steps, and of the changes whose steps all have one."""
    known = [(task, outcome, outcome.result) for task, outcome in settled if outcome.result is not None]
    if not known:
        return
    results = {
        "run": run_id,
        "numbers": [task.number for task, _, _ in known],
        "steps": [task.position for task, _, _ in known],
        "results": [result.value for _, _, result in known],
        "reasons": [outcome.reason for _, outcome, _ in known],
        "versions": [outcome.version for _, outcome, _ in known],
        "ids": [outcome.entry_id if task.step.what == "add" else None for task, outcome, _ in known],
    }
    await work.connection.execute(_SETTLE_STEPS, results)
    alone = [n for n, (task, _, _) in enumerate(known) if len(task.change.steps) == 1]
    if alone:
        some = {name: [results[name][n] for n in alone] for name in ("numbers", "results", "reasons")}
        await work.connection.execute(_SETTLE_SINGLE, {"run": run_id, **some})
    if len(alone) < len(known):
        await settle_changes(work, run_id, sorted({task.number for task, _, _ in known if len(task.change.steps) > 1}))


async def settle_changes(work: Work, run_id: str, numbers: Sequence[int] | None = None) -> None:
    """A change whose steps all have results has the worst of them, with its reason. `numbers` None: all of the run."""
    await work.connection.execute(
        _SETTLE_CHANGES, {"run": run_id, "order": RESULTS, "numbers": None if numbers is None else list(numbers)}
    )


_SETTLE_STEPS = text(
    "INSERT INTO sync.steps AS s (run_id, number, step, result, reason, version, entry_id)"
    " SELECT :run, t.* FROM unnest(CAST(:numbers AS int[]), CAST(:steps AS int[]), CAST(:results AS text[]),"
    " CAST(:reasons AS text[]), CAST(:versions AS text[]), CAST(:ids AS text[]))"
    " AS t(number, step, result, reason, version, entry_id)"
    " ON CONFLICT (run_id, number, step) DO UPDATE"
    " SET result = excluded.result, reason = excluded.reason, version = excluded.version, entry_id = excluded.entry_id"
    " WHERE s.result IS NULL"
)
_SETTLE_SINGLE = text(
    "INSERT INTO sync.outcomes (run_id, number, result, reason) SELECT :run, t.*"
    " FROM unnest(CAST(:numbers AS int[]), CAST(:results AS text[]), CAST(:reasons AS text[])) AS t"
    " ON CONFLICT DO NOTHING"
)
_SETTLE_CHANGES = text(
    "INSERT INTO sync.outcomes AS o (run_id, number, result, reason) SELECT :run, c.number, w.result, w.reason FROM ("
    " SELECT number, count(*) AS settled,"
    f" (array_agg(result {WORST_FIRST}))[1] AS result,"
    f" (array_agg(reason {WORST_FIRST}))[1] AS reason"
    " FROM sync.steps WHERE run_id = :run AND (CAST(:numbers AS int[]) IS NULL OR number = ANY(:numbers))"
    " GROUP BY number HAVING bool_and(result IS NOT NULL)) w"
    " JOIN sync.changes c ON c.run_id = :run AND (CAST(:numbers AS int[]) IS NULL OR c.number = ANY(:numbers))"
    " AND c.number = w.number AND c.steps = w.settled"
    " ON CONFLICT (run_id, number) DO UPDATE SET result = excluded.result, reason = excluded.reason"
    " WHERE o.result <> excluded.result"
)
"""`ANY` says of changes what the join says already: without it, while the database has no statistics of a new plan,
each change of the plan is compared with each of the batch."""
