"""Approvals on a real PostgreSQL, without Kafka: what it would publish is read from its outbox."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import select, text

from placet_approvals import tables
from placet_approvals.deciding import expire_requests
from placet_shared.api import install_problem_documents
from placet_shared.chain import Decision, Order, Verifier
from placet_shared.clock import utc_now
from placet_shared.events import (
    ApprovalRequested,
    Event,
    Results,
    RunApproved,
    RunCancelled,
    RunDenied,
    RunFinished,
    RunPlanned,
)
from placet_shared.service import Service
from tests.support.delivery import handled
from tests.support.signing import SigningKeys, a_run_planned, an_identity, identity_header

PUBLISHED = {event.topic: event for event in (ApprovalRequested, RunApproved, RunDenied)}


class Approvals:
    """The service, its keys, and what it published."""

    def __init__(self, service: Service, keys: SigningKeys) -> None:
        self.service = service
        self.keys = keys
        self.database = service.database

    @property
    def verifier(self) -> Verifier:
        return self.keys.verifier()

    async def handle(self, event: Event, event_id: str | None = None) -> bool:
        """As the broker would: in one transaction with the inbox; False for a repeated id."""
        return await handled(self.database, self.service.handlers, event, event_id)

    async def plan(self, order: Order, **fields: Any) -> RunPlanned:
        event = a_run_planned(self.keys, order, **fields)
        await self.handle(event)
        return event

    async def published(self) -> list[Event]:
        async with self.database.engine.connect() as connection:
            rows = await connection.execute(select(tables.delivery.outbox).order_by(tables.delivery.outbox.c.seq))
            return [PUBLISHED[row.topic].model_validate(json.loads(row.body)) for row in rows]

    async def the_request(self, run_id: str | None = None) -> ApprovalRequested:
        """The one request, or the one of this run."""
        requests = [event for event in await self.published() if isinstance(event, ApprovalRequested)]
        (event,) = [event for event in requests if run_id in (None, event.run_id)]
        return event

    async def decisions(self, planned: RunPlanned) -> list[Decision]:
        """The decisions about this plan, each verified."""
        decided = [event for event in await self.published() if isinstance(event, RunApproved | RunDenied)]
        about = [event for event in decided if event.run_id == planned.run_id]
        found = [self.verifier.decision(event.decision, planned.plan) for event in about]
        assert all(isinstance(e, RunApproved) == d.approved for e, d in zip(about, found, strict=True))
        return found

    async def expire(self) -> None:
        await expire_requests(self.database, self.verifier, self.keys.signer("approvals"))

    async def alter(self, statement: str, **values: Any) -> None:
        """What somebody with access to the tables could do."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text(statement), values)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        app = FastAPI()
        install_problem_documents(app)
        app.include_router(self.service.router)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://approvals") as client:
            yield client

    async def vote(
        self, user: str, decision: str, comment: str = "", *, request_id: str | None = None, key: str = "", **who: Any
    ) -> httpx2.Response:
        """A call as the console would forward it."""
        request_id = request_id or (await self.the_request()).request_id
        target = f"/api/v1/requests/{request_id}/decisions"
        body = json.dumps({"decision": decision, "comment": comment}).encode()
        headers = identity_header(self.keys, an_identity(user, "POST", target, body, **who))
        headers |= {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        async with self.client() as client:
            return await client.post(target, content=body, headers=headers)

    async def get(self, target: str, user: str = "vera", **who: Any) -> httpx2.Response:
        headers = identity_header(self.keys, an_identity(user, "GET", target, **({"roles": ("viewer",)} | who)))
        async with self.client() as client:
            return await client.get(target, headers=headers)


def cancelled(approvals: Approvals, run_id: str, issuer: str = "scheduler") -> RunCancelled:
    return approvals.keys.signer(issuer).signed(RunCancelled, run_id=run_id, cancelled_by="olga", reason="not now")


def finished(approvals: Approvals, run_id: str, issuer: str = "sync-worker", **fields: Any) -> RunFinished:
    usual = {
        "job": "people",
        "outcome": "failed",
        "reason": "the directory is down",
        "trigger": "manual",
        "preview": False,
    }
    usual |= {"requested_by": "ada", "requested_at": utc_now(), "finished_at": utc_now(), "counts": None}
    return approvals.keys.signer(issuer).signed(
        RunFinished, run_id=run_id, results=Results(), notify=None, stores=(), **(usual | fields)
    )


async def state_of(approvals: Approvals, run_id: str) -> str | None:
    async with approvals.database.engine.connect() as connection:
        return (
            await connection.execute(select(tables.runs.c.state).where(tables.runs.c.run_id == run_id))
        ).scalar_one_or_none()
