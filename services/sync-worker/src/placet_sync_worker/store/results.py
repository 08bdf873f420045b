"""What became of a run's changes, counted and listed."""

# ruff: noqa: S608  # the queries are put together from our own words

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, func, select, text

from placet_shared.events import Results
from placet_shared.work import Work

from ..changes import PROVEN, REMOVING_OPS
from ..endings import results_of
from ..tables import changes, outcomes, rejected
from .settling import OF_CHANGE, RESULTS, WORST_FIRST

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
    of_run = outcomes.c.run_id == run_id
    query = select(outcomes.c.result, func.count()).where(of_run).group_by(outcomes.c.result)
    return results_of(dict((await work.connection.execute(query)).all()))


async def tally_before_removals(work: Work, run_id: str) -> Results:
    """The same for the changes of the phases before removals; one that goes on after these counts as its worst step
    so far."""
    given = {"run": run_id, "order": RESULTS, "removing": list(REMOVING_OPS)}
    return results_of(dict((await work.connection.execute(_BEFORE_REMOVALS, given)).all()))


_BEFORE_REMOVALS = text(
    "SELECT coalesce(o.result, w.result) AS result, count(*) FROM sync.changes c"
    " LEFT JOIN sync.outcomes o ON o.run_id = c.run_id AND o.number = c.number LEFT JOIN LATERAL ("
    f" SELECT (array_agg(result {WORST_FIRST}))[1] AS result"
    " FROM sync.steps s WHERE s.run_id = c.run_id AND s.number = c.number AND s.result IS NOT NULL"
    ") w ON o.result IS NULL WHERE c.run_id = :run AND c.op <> ALL(CAST(:removing AS text[]))"
    " AND coalesce(o.result, w.result) IS NOT NULL GROUP BY 1"
)


async def applied_by_op(work: Work, run_id: str) -> Mapping[str, int]:
    """How many changes of each operation were written."""
    which = and_(outcomes.c.run_id == run_id, outcomes.c.result.in_(PROVEN))
    query = select(changes.c.op, func.count()).join(outcomes, OF_CHANGE).where(which).group_by(changes.c.op)
    return dict((await work.connection.execute(query)).all())


async def problems(work: Work, run_id: str, limit: int = 5) -> Sequence[str]:
    """The first records that went wrong: keys and kinds of trouble, never values."""
    bad = and_(outcomes.c.run_id == run_id, outcomes.c.result.not_in(PROVEN))
    both = select(changes.c.key, outcomes.c.result).join(outcomes, OF_CHANGE)
    query = both.where(bad).order_by(changes.c.number).limit(limit)
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
