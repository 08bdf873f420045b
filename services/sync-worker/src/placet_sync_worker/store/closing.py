"""The early end of batches: what was never sent gets a result, what may have been sent is looked at or uncertain."""

# ruff: noqa: S608  # the queries are put together from our own words

from collections.abc import Mapping, Sequence

from sqlalchemy import text

from placet_shared.chunks import chunks
from placet_shared.work import Work

from ..changes import Result
from .settling import settle_changes

CHUNK = 10_000
"""Numbers of changes in one statement."""

_OPEN = (
    " FROM sync.batches b CROSS JOIN LATERAL jsonb_array_elements(b.items) AS i"
    " CROSS JOIN LATERAL jsonb_array_elements_text(i.value->1) AS p LEFT JOIN sync.steps s"
    " ON s.run_id = b.run_id AND s.number = (i.value->>0)::int AND s.step = p.value::int"
    " WHERE b.run_id = :run AND b.state <> 'done'"
)
"""Steps `(i.value->>0)::int, p.value::int` of batches that are not done, with their rows, if they have some."""

_CLOSE_UNSENT = text(
    "INSERT INTO sync.steps (run_id, number, step, result, reason)"
    " SELECT :run, (i.value->>0)::int, p.value::int, :result, :reason" + _OPEN + " AND s.step IS NULL"
    " AND (CAST(:phases AS int[]) IS NULL OR b.phase = ANY(:phases))"
)
_END_BATCHES = text(
    "UPDATE sync.batches SET state = 'done' WHERE run_id = :run AND state <> 'done' AND lease_until IS NULL"
    " AND batch_id NOT IN (SELECT b.batch_id" + _OPEN + " AND s.result IS NULL)"
)
_FAIL_UNSENT = text(
    "INSERT INTO sync.steps (run_id, number, step, result, reason) SELECT c.run_id, c.number, n, 'failed', :reason"
    " FROM sync.changes c CROSS JOIN generate_series(0, c.steps - 1) AS n WHERE c.run_id = :run ON CONFLICT DO NOTHING"
)
_CLOSE_SOME = text(
    "INSERT INTO sync.steps (run_id, number, step, result, reason) SELECT c.run_id, c.number, n, :result, :reason"
    " FROM sync.changes c CROSS JOIN generate_series(0, c.steps - 1) AS n"
    " WHERE c.run_id = :run AND c.number = ANY(CAST(:numbers AS int[])) ON CONFLICT DO NOTHING"
)
_CALL_UNCERTAIN = text(
    "UPDATE sync.steps SET result = 'uncertain', reason = 'sent, but the answer was never known'"
    " WHERE run_id = :run AND result IS NULL"
)
_CLOSE_BATCHES = text(
    "UPDATE sync.batches SET state = 'done', epoch = epoch + 1, lease_until = NULL WHERE run_id = :run"
)


async def close_unsent(
    work: Work, run_id: str, result: Result, reason: str, phases: Sequence[int] | None = None
) -> None:
    """Steps that were never sent get this result, and batches without an open step are done; the others stay open."""
    given = {
        "run": run_id,
        "result": result.value,
        "reason": reason,
        "phases": None if phases is None else list(phases),
    }
    await work.connection.execute(_CLOSE_UNSENT, given)
    await work.connection.execute(_END_BATCHES, {"run": run_id})
    await settle_changes(work, run_id)


async def close_some(work: Work, run_id: str, result: Result, whose: Mapping[str, Sequence[int]]) -> None:
    """The same for some changes, by the reason."""
    for reason, numbers in whose.items():
        for some in chunks(numbers, CHUNK):
            given = {"run": run_id, "result": result.value, "reason": reason, "numbers": list(some)}
            await work.connection.execute(_CLOSE_SOME, given)
    await work.connection.execute(_END_BATCHES, {"run": run_id})
    await settle_changes(work, run_id)


async def fail_unsent(work: Work, run_id: str, reason: str) -> None:
    """Every step that was never sent has failed, whatever the batches say of it."""
    await work.connection.execute(_FAIL_UNSENT, {"run": run_id, "reason": reason})


async def close_all(work: Work, run_id: str) -> None:
    """Ends every batch of a run; what may have been sent is uncertain. Raises the epochs: nobody writes results."""
    await work.connection.execute(_CALL_UNCERTAIN, {"run": run_id})
    await work.connection.execute(_CLOSE_BATCHES, {"run": run_id})
    await settle_changes(work, run_id)
