"""What became of a run's changes, counted and listed."""

# ruff: noqa: S608  # the queries are put together from our own words

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, func, select, text

from placet_shared.events import Results
from placet_shared.work import Work

from ..changes import PROVEN, REMOVING_OPS
from ..endings import results_of
from ..tables import changes, rejected
from .batches import RESULTS, WORST_FIRST

LONGEST_KEY = 100

_KINDS = {
    "the key stands in other records": "several records have its key",
    "several entries have this key": "several entries have its key",
    "has those of other records": "its entry belongs to other records too",
    "gives no value for it": "no value",
    "gives several": "several values",
    "several values": "several values",
    "is wanted by": "another record wants it",
    "still held by": "another entry has it",
    "no entry has": "no match for a reference",
    "several have": "several matches for a reference",
    "gets no entry": "it refers to a record that gets no entry",
    "is deleted by this run": "it refers to an entry that is deleted",
    "each needs the next": "they need each other",
    "is not allowed here": "a value that is not allowed",
    "cells where the first line has": "another number of cells",
    "the key": "no readable key",
}
"""Kinds of reasons why records are rejected, by words of the reasons: these hold values, which go into no event."""


async def tally(work: Work, run_id: str) -> Results:
    """How many changes ended how."""
    return await _tally(work, changes.c.run_id == run_id)


async def tally_before_removals(work: Work, run_id: str) -> Results:
    """The same for the changes of the phases before removals; one that goes on after these counts as its worst step
    so far."""
    given = {"run": run_id, "order": RESULTS, "removing": list(REMOVING_OPS)}
    return results_of(dict((await work.connection.execute(_BEFORE_REMOVALS, given)).all()))


_BEFORE_REMOVALS = text(
    "SELECT coalesce(c.result, w.result) AS result, count(*) FROM sync.changes c LEFT JOIN LATERAL ("
    f" SELECT (array_agg(result {WORST_FIRST}))[1] AS result"
    " FROM sync.steps s WHERE s.run_id = c.run_id AND s.number = c.number AND s.result IS NOT NULL"
    ") w ON c.result IS NULL WHERE c.run_id = :run AND c.op <> ALL(CAST(:removing AS text[]))"
    " AND coalesce(c.result, w.result) IS NOT NULL GROUP BY 1"
)


async def _tally(work: Work, which: Any) -> Results:
    query = (
        select(changes.c.result, func.count()).where(which, changes.c.result.is_not(None)).group_by(changes.c.result)
    )
    return results_of(dict((await work.connection.execute(query)).all()))


async def applied_by_op(work: Work, run_id: str) -> Mapping[str, int]:
    """How many changes of each operation were written."""
    which = and_(changes.c.run_id == run_id, changes.c.result.in_(PROVEN))
    query = select(changes.c.op, func.count()).where(which).group_by(changes.c.op)
    return dict((await work.connection.execute(query)).all())


async def problems(work: Work, run_id: str, limit: int = 5) -> Sequence[str]:
    """The first records that went wrong: keys and kinds of trouble, never values."""
    bad = and_(changes.c.run_id == run_id, changes.c.result.is_not(None), changes.c.result.not_in(PROVEN))
    query = select(changes.c.key, changes.c.result).where(bad).order_by(changes.c.number).limit(limit)
    lines = [f"{_short(row.key)}: {row.result.replace('_', ' ')}" for row in await work.connection.execute(query)]
    refused = select(rejected).where(rejected.c.run_id == run_id).order_by(rejected.c.number).limit(limit)
    return (lines + [_refusal(row) for row in await work.connection.execute(refused)])[:limit]


def _refusal(row: Row[Any]) -> str:
    kind = next((kind for words, kind in _KINDS.items() if words in row.reason), None)
    about = ", ".join(filter(None, (row.attribute, kind)))
    return f"{_short(row.key or row.record)}: rejected" + (f" ({about})" if about else "")


def _short(key: str) -> str:
    """What travels in an event has an end, whatever a source takes for a key."""
    return key if len(key) <= LONGEST_KEY else f"{key[:LONGEST_KEY]}…"
