"""Checks the whole stored chain again: order, plan, decision, and the votes below it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Row

from placet_shared.chain import Decision, Verifier
from placet_shared.errors import ForgedEventError
from placet_shared.work import Database

from . import store
from .evidence import Planned, cast_votes, stored_planned
from .policy import gate_of

RUNS_AT_ONCE = 200
NOBODY = frozenset({("policy",), ("expiry",)})


class Audit(BaseModel):
    """How many runs were checked, and a sentence for each that does not hold."""

    ok: bool
    runs: int
    problems: list[str]


async def audit_runs(database: Database, verifier: Verifier) -> Audit:
    """Reads page by page, and checks in a thread, so that other calls go on."""
    after, checked, problems = 0, 0, list[str]()
    while True:
        async with database.transaction() as work:
            runs = await store.judged_runs(work, after, RUNS_AT_ONCE)
            votes = await store.votes_about(work, [run.request_id for run in runs if run.request_id])
        if not runs:
            return Audit(ok=not problems, runs=checked, problems=problems)
        problems += await asyncio.to_thread(_problems, verifier, runs, votes)
        after, checked = runs[-1].seq, checked + len(runs)


def _problems(verifier: Verifier, runs: Sequence[Row[Any]], votes: Sequence[Row[Any]]) -> list[str]:
    problems = []
    for run in runs:
        try:
            _check(verifier, run, [vote for vote in votes if vote.request_id == run.request_id])
        except ForgedEventError as error:
            problems.append(f"run {run.run_id}: {error}")
    return problems


def _check(verifier: Verifier, run: Row[Any], votes: Sequence[Row[Any]]) -> None:
    """Raises ForgedEventError for the first thing that does not hold."""
    planned = stored_planned(verifier, run, audit=True)
    if run.decision_token is None:
        if run.state in ("approved", "denied"):
            raise ForgedEventError(f"it is {run.state}, and the decision is missing")
        return
    decision = verifier.decision(run.decision_token, planned.plan_token, audit=True)
    if (decision.run_id, decision.request_id) != (run.run_id, run.request_id):
        raise ForgedEventError("the decision is about another run or request")
    if run.state != ("approved" if decision.approved else "denied"):
        raise ForgedEventError(f"it is {run.state}, and the signed decision says otherwise")
    if decision.decided_by not in NOBODY:
        _check_votes(verifier, planned, decision, votes)


def _check_votes(verifier: Verifier, planned: Planned, decision: Decision, rows: Sequence[Row[Any]]) -> None:
    votes = cast_votes(verifier, rows, audit=True)
    voters = {vote.voter for vote in votes if vote.approve == decision.approved}
    need = gate_of(planned.order).need
    if not set(decision.decided_by) <= voters:
        raise ForgedEventError("a vote that the decision names is missing or was altered")
    if decision.approved and need != "all" and len(set(decision.decided_by)) < need:
        raise ForgedEventError(f"{need} approvals were needed, and the decision names {len(decision.decided_by)}")
