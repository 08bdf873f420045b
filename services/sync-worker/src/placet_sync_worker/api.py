"""The worker's HTTP: plans with their results for people, and checks for the scheduler."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy import Row

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Verifier
from placet_shared.dead_letters_api import dead_letters_router
from placet_shared.errors import ConflictError, NotFoundError
from placet_shared.identity import Identity, caller_of
from placet_shared.paging import MOST_PER_PAGE, Limit, NumberCursor, Page, page_of
from placet_shared.work import Database, Work

from .store import plans, runs
from .unaltered import AlteredError, require_shown

SHOWN_VALUES = 50
"""An attribute with more values on a side is shown as values to add and to remove."""

LAST_NUMBER = 2**31 - 1
"""No change of a plan has a larger one: PostgreSQL's integer."""


def build_router(database: Database, verifier: Verifier, checks: APIRouter) -> APIRouter:
    """All of the worker's routes; `checks` are those that only the scheduler calls."""
    router = APIRouter(prefix="/api/v1")
    caller = Depends(caller_of(verifier))

    @router.get("/runs/{run_id}/changes")
    async def changes(
        run_id: str,
        _caller: Annotated[Identity, caller],
        cursor: NumberCursor,
        op: str | None = None,
        result: str | None = None,
        key: str | None = None,
        limit: Limit = MOST_PER_PAGE,
    ) -> Page[dict[str, Any]]:
        """In the plan's order; rejected records in the source's."""
        after = -1 if cursor is None else min(cursor, LAST_NUMBER)
        async with database.transaction() as work:
            run = await runs.find(work, run_id)
            if run is None:
                raise NotFoundError(f"no run has the id {run_id}; see `placet run list`")
            if result == "rejected":
                refused = await plans.list_rejected(work, run_id, key=key, after=after, limit=limit + 1)
                return page_of(refused, limit, _number, show_rejected)
            rows = await plans.list_changes(work, run_id, op=op, result=result, key=key, after=after, limit=limit + 1)
            await _require_shown(work, run, rows, verifier)
            results = await plans.step_results(work, run_id, [row.number for row in rows])
            return page_of(rows, limit, _number, lambda row: show_change(row, results))

    router.include_router(dead_letters_router(database, caller_of(verifier)))
    router.include_router(checks)
    return router


async def _require_shown(work: Work, run: runs.Run, rows: Sequence[Row[Any]], verifier: Verifier) -> None:
    """Nobody is asked to approve what is not in the plan."""
    try:
        await require_shown(work, run, rows, verifier)
    except AlteredError as error:
        raise_alarm("altered", run_id=run.run_id, reason=str(error))
        raise ConflictError(str(error)) from error


def show_change(row: Row[Any], results: Mapping[tuple[int, int], str | None]) -> dict[str, Any]:
    """A change in the interface's shape; one whose values were erased shows none."""
    erased = {"key": row.key, "op": row.op, "id": None, "dn": None, "attributes": [], "steps": []}
    document = row.document or erased
    steps = document["steps"]
    return {
        **{name: document[name] for name in ("key", "id", "dn", "op")},
        "phase": steps[0]["phase"] if steps else None,
        "attributes": [_show_attribute(attribute) for attribute in document["attributes"]],
        "steps": [
            {"what": step["what"], "phase": step["phase"], "result": results.get((row.number, n)), **_new_name(step)}
            for n, step in enumerate(steps)
        ],
        "result": row.result,
        "reason": row.reason,
    }


def _new_name(step: Mapping[str, Any]) -> dict[str, str]:
    return {"target": step["target"]} if step["target"] else {}


def show_rejected(row: Row[Any]) -> dict[str, Any]:
    """A record that could not be planned, in the shape of a change."""
    nothing: dict[str, Any] = {"id": None, "dn": None, "op": None, "phase": None, "attributes": [], "steps": []}
    where = {"record": row.record, "attribute": row.attribute}
    return {"key": row.key, **nothing, "result": "rejected", "reason": row.reason, **where}


def _show_attribute(attribute: Mapping[str, Any]) -> dict[str, Any]:
    before, after = attribute["before"], attribute["after"]
    if max(len(before), len(after)) <= SHOWN_VALUES:
        known = {"references": attribute["references"]} if "references" in attribute else {}
        return {"name": attribute["name"], "before": before, "after": after, **known}
    old, new = set(before), set(after)
    added = [value for value in after if value not in old]
    removed = [value for value in before if value not in new]
    return {"name": attribute["name"], "add": added, "remove": removed, "count": len(after)}


def _number(row: Row[Any]) -> str:
    return str(row.number)
