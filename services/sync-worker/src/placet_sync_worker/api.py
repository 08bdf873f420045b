"""The worker's HTTP: plans with their results for people, and checks for the scheduler."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from msgspec import convert
from sqlalchemy import Row

from placet_shared.chain import Verifier
from placet_shared.dead_letters_api import dead_letters_router
from placet_shared.identity import Identity, caller_of
from placet_shared.paging import MOST_PER_PAGE, Limit, NumberCursor, Page, page_of
from placet_shared.work import Database

from .changes import AttributeChange
from .passwords.handing import Desk, build_passwords
from .passwords.keys import PasswordKeys
from .showing import found_run, number_of, only_signed, start_of
from .store import explanations, marks, plans

SHOWN_VALUES = 50
"""An attribute with more values on a side is shown as values to add and to remove."""


def build_router(database: Database, verifier: Verifier, checks: APIRouter, keys: PasswordKeys) -> APIRouter:
    """All of the worker's routes; `checks` are those that only the scheduler calls, `keys` open kept passwords."""
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
        after = start_of(cursor)
        async with database.transaction() as work:
            run = await found_run(work, run_id)
            if result == "rejected":
                refused = await plans.list_rejected(work, run_id, key=key, after=after, limit=limit + 1)
                return page_of(refused, limit, number_of, show_rejected)
            rows = await plans.list_changes(work, run_id, op=op, result=result, key=key, after=after, limit=limit + 1)
            await only_signed(work, run, rows, verifier)
            results = await plans.step_results(work, run_id, [row.number for row in rows])
            return page_of(rows, limit, number_of, lambda row: show_change(row, results))

    @router.get("/runs/{run_id}/explanations")
    async def explained(
        run_id: str, _caller: Annotated[Identity, caller], cursor: NumberCursor, limit: Limit = MOST_PER_PAGE
    ) -> Page[dict[str, Any]]:
        """Why the records that a preview was asked for become what they do: one by one, attribute by attribute."""
        after = start_of(cursor)
        async with database.transaction() as work:
            await found_run(work, run_id)
            rows = await explanations.list_of(work, run_id, after=after, limit=limit + 1)
            return page_of(rows, limit, number_of, lambda row: dict(row.document or {"key": row.key}))

    @router.get("/jobs/{job}/mark", dependencies=[caller])
    async def mark(job: str) -> dict[str, Any]:
        """How far a job of mode changed has read, and how many keys wait for another try; empty before its first run
        that succeeded."""
        async with database.transaction() as work:
            return dict(await marks.of_job(work, job) or {})

    router.include_router(build_passwords(Desk(database, verifier, keys), caller_of(verifier)))
    router.include_router(dead_letters_router(database, caller_of(verifier)))
    router.include_router(checks)
    return router


def show_change(row: Row[Any], results: Mapping[tuple[int, int], str | None]) -> dict[str, Any]:
    """A change in the interface's shape; one whose values were erased shows none."""
    erased = {"key": row.key, "op": row.op, "id": None, "dn": None, "attributes": [], "steps": []}
    document = row.document or erased
    steps = document["steps"]
    return {
        **{name: document[name] for name in ("key", "id", "dn", "op")},
        "phase": steps[0]["phase"] if steps else None,
        "attributes": [_show_attribute(one, new=document["op"] == "create") for one in document["attributes"]],
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


def _show_attribute(document: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    if new:  # what it has until references have their names is nothing that it had before
        document = {**document, "before": []}
    change = convert(document, AttributeChange)
    if change.password or max(len(change.before), len(change.after)) <= SHOWN_VALUES:
        return dict(document)
    return {"name": change.name, "add": [*change.add], "remove": [*change.remove], "count": len(change.after)}
