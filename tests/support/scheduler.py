"""The scheduler on a real PostgreSQL, without Kafka: what it would publish is read from its outbox, and the other
services are the test's words."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx2
from fastapi import FastAPI
from sqlalchemy import select, text, update

from placet_scheduler.app import build
from placet_scheduler.catalogue_store import PURPOSE, content_of
from placet_scheduler.ordering import Orderer
from placet_scheduler.settings import SchedulerSettings
from placet_scheduler.tables import delivery, objects
from placet_scheduler.ticking import Clock
from placet_shared.api import install_problem_documents
from placet_shared.chain import Decision, link_hash
from placet_shared.clock import utc_now
from placet_shared.events import (
    ApprovalRequested,
    BatchApplied,
    Counts,
    Event,
    Results,
    RunApproved,
    RunDenied,
    RunFinished,
    RunPlanned,
    RunRequested,
)
from placet_shared.migrating import migrate
from placet_shared.seals import Seals
from placet_shared.service import Service
from tests.support.delivery import handled
from tests.support.signing import CORP, HR, INSTALLATION, PEOPLE, SigningKeys, a_plan, an_identity, identity_header

EventT = TypeVar("EventT", bound=Event)
Document = dict[str, Any]

NIGHTLY: Document = {"kind": "schedule", "name": "nightly", "triggers": [{"daily": "02:30"}]}
TWO_EYES: Document = {"kind": "workflow", "name": "two-eyes", "stages": [{"approvers": ["bob"]}]}


def people(**fields: Any) -> Document:
    """The job `people`, from `hr` to `corp`, with other fields."""
    return PEOPLE | fields


def corp(**fields: Any) -> Document:
    """The directory `corp`, with other fields."""
    return CORP | fields


class Scheduler:
    """One replica. Calls come as the console would forward them, by ada the admin unless the test says otherwise."""

    def __init__(self, database_url: str, keys: SigningKeys, **settings: Any) -> None:
        self.keys = keys
        self.service: Service = build(
            SchedulerSettings(
                database_url=database_url,
                kafka="unused",
                key=keys.private_key("scheduler"),
                public_keys=keys.public,
                installation=INSTALLATION,
                http_port=1,
                **settings,
            )
        )
        self.database = self.service.database
        self.seals = Seals(keys.signer("scheduler"), keys.verifier(), PURPOSE)
        self.orderer = Orderer(keys.signer("scheduler"), self.seals, INSTALLATION, 1)
        self.clock = Clock(self.database, self.orderer)

    async def migrate(self) -> None:
        async with self.database.engine.begin() as connection:
            service = self.service
            await connection.run_sync(migrate, service.migrations, service.metadata, service.migrations_need)

    async def close(self) -> None:
        await self.database.engine.dispose()

    # ---- calls -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        app = FastAPI()
        install_problem_documents(app)
        app.include_router(self.service.router)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://scheduler") as client:
            yield client

    async def call(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        user: str = "ada",
        roles: tuple[str, ...] = ("admin",),
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        target, body = f"/api/v1{path}", b"" if document is None else json.dumps(document).encode()
        signed = identity_header(self.keys, an_identity(user, method, target, body, roles=roles))
        every = {"Content-Type": "application/json", **signed, **(headers or {})}
        async with self.client() as client:
            return await client.request(method, target, content=body, headers=every)

    async def apply(self, *objects: Document, expect: int = 200, **options: Any) -> Any:
        """What POST apply answers: its results, or the problem if the test expects one."""
        body = {"objects": list(objects), **{name: options.pop(name) for name in ("dry_run", "prune") & options.keys()}}
        answer = await self.call("POST", "/apply", body, **options)
        assert answer.status_code == expect, answer.text
        return answer.json()["results"] if expect == 200 else answer.json()

    async def apply_people(self, **fields: Any) -> Any:
        """The job `people` with all that it needs."""
        return await self.apply(HR, CORP, NIGHTLY, TWO_EYES, people(**fields))

    async def ask(self, job: str = "people", **fields: Any) -> Document:
        """The run that a person gets who asks for one."""
        answer = await self.call("POST", "/runs", {"job": job, **fields})
        assert answer.status_code == 202, answer.text
        found: Document = answer.json()
        return found

    async def run(self, run_id: str) -> Document:
        found: Document = (await self.call("GET", f"/runs/{run_id}")).json()
        return found

    async def runs(self, query: str = "") -> list[Document]:
        found: list[Document] = (await self.call("GET", f"/runs{query}")).json()["items"]
        return found

    # ---- events ----------------------------------------------------------------------------------------------------

    async def handle(self, event: Event, event_id: str | None = None) -> bool:
        """As the broker would: in one transaction with the inbox; False for a repeated id."""
        return await handled(self.database, self.service.handlers, event, event_id)

    async def published(self, wanted: type[EventT]) -> list[EventT]:
        """The events of one type in the order in which they were published."""
        query = select(delivery.outbox.c.body).where(delivery.outbox.c.topic == wanted.topic)
        async with self.database.engine.connect() as connection:
            bodies = (await connection.execute(query.order_by(delivery.outbox.c.seq))).scalars()
            return [wanted.model_validate_json(body) for body in bodies]

    async def sql(self, statement: str, **values: Any) -> None:
        async with self.database.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def sign(self, kind: str, name: str) -> None:
        """Signs a row as it is now, as the version that wrote it would have."""
        same = (objects.c.kind == kind) & (objects.c.name == name)
        async with self.database.engine.begin() as connection:
            row = (await connection.execute(select(objects).where(same))).one()
            deleted = row.deleted_at is not None
            content = content_of(kind, name, row.object_id, row.version, row.document, deleted)
            await connection.execute(update(objects).where(same).values(signature=self.seals.seal(content)))

    # ---- the other services ----------------------------------------------------------------------------------------

    async def planned(self, run_id: str, **fields: Any) -> RunPlanned:
        """What the worker publishes when it has planned the run; `fields` change the plan's header."""
        (requested,) = [event for event in await self.published(RunRequested) if event.run_id == run_id]
        order = self.keys.verifier().order(requested.order)
        plan = a_plan(order, requested.order, **fields)
        return RunPlanned(
            run_id=run_id, job=requested.job, preview=order.preview, digest=plan.digest, counts=plan.counts,
            order=requested.order, plan=self.keys.signer("sync-worker").sign(plan),
        )  # fmt: skip

    def request(self, run_id: str, signer: str = "approvals", request_id: str = "request-1") -> ApprovalRequested:
        return self.keys.signer(signer).signed(
            ApprovalRequested, run_id=run_id, job="people", request_id=request_id, requested_by="ada", need=1,
            approvers=("bob",), reasons=(), counts=Counts(), digest="sha256:00", expires_at=utc_now(),
        )  # fmt: skip

    def decided(
        self, planned: RunPlanned, *, approved: bool = True, signer: str = "approvals", **fields: Any
    ) -> RunApproved | RunDenied:
        usual: dict[str, Any] = {
            "run_id": planned.run_id, "plan": link_hash(planned.plan), "request_id": None, "approved": approved,
            "decided_by": ("bob",), "reason": "", "decided_at": utc_now(), "expires_at": utc_now() + timedelta(hours=1),
        }  # fmt: skip
        token = self.keys.signer(signer).sign(Decision.model_validate(usual | fields))
        event = RunApproved if approved else RunDenied
        return event(run_id=planned.run_id, request_id=None, decided_by="bob", decision=token)

    def applied(self, run_id: str, **results: int) -> BatchApplied:
        return BatchApplied(
            run_id=run_id, batch_id=str(uuid4()), phase="create", index=0, results=Results.model_validate(results)
        )

    def finished(self, run_id: str, outcome: str = "succeeded", signer: str = "sync-worker", **f: Any) -> RunFinished:
        usual: dict[str, Any] = {
            "run_id": run_id, "job": "people", "outcome": outcome, "reason": None, "trigger": "manual",
            "requested_by": "ada", "requested_at": utc_now(), "finished_at": utc_now(), "preview": False,
            "counts": None, "results": Results(), "notify": None, "stores": (),
        }  # fmt: skip
        return self.keys.signer(signer).signed(RunFinished, **(usual | f))

    async def end(self, run_id: str, outcome: str = "succeeded", **fields: Any) -> None:
        await self.handle(self.finished(run_id, outcome, **fields))


async def a_scheduler(database_url: str, folder: Path, **settings: Any) -> Scheduler:
    """A replica with a schema of its own."""
    scheduler = Scheduler(database_url, SigningKeys(folder / "keys"), **settings)
    await scheduler.migrate()
    return scheduler
