"""The notifier on a real PostgreSQL, without Kafka; events as their publishers sign them; a channel that pretends."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
from fastapi import FastAPI
from sqlalchemy import select, text

from placet_notifier import tables
from placet_notifier.channels.email import EmailChannel
from placet_notifier.deliveries import Accepted, Outcome
from placet_notifier.errors import NoRouteError
from placet_notifier.ports import Channel, HandOver, Parcel
from placet_notifier.rendering import Renderer
from placet_notifier.resting import Resting
from placet_notifier.sender import Sender, recover_lost
from placet_shared.api import install_problem_documents
from placet_shared.clock import utc_now
from placet_shared.events import (
    ApprovalRequested,
    Counts,
    Event,
    NotificationSent,
    ObjectChanged,
    Results,
    RunFinished,
    UserChanged,
)
from placet_shared.failpoints import Failpoint, no_failpoint
from placet_shared.objects import Notify
from placet_shared.service import Service
from tests.support.delivery import handled
from tests.support.signing import SigningKeys, an_identity, identity_header

OPS = "ops@corp.example"
MANY = 200


def a_run_finished(**fields: Any) -> RunFinished:
    """The job `people` ended: three created, ops are told."""
    usual: dict[str, Any] = {
        "run_id": str(uuid4()),
        "job": "people",
        "outcome": "succeeded",
        "reason": None,
        "trigger": "manual",
        "requested_by": "ada",
        "requested_at": utc_now(),
        "finished_at": utc_now(),
        "preview": False,
        "counts": Counts(create=3),
        "results": Results(applied=3),
        "applied": {"create": 3},
        "notify": {"to": [OPS]},
        "stores": ("corp", "hr"),
        "signature": "",
    }
    return RunFinished.model_validate(usual | fields)


def a_request(**fields: Any) -> ApprovalRequested:
    """Bob is asked about a run of the job `people` that ada wants."""
    usual: dict[str, Any] = {
        "run_id": str(uuid4()),
        "job": "people",
        "request_id": str(uuid4()),
        "requested_by": "ada",
        "approvers": ("bob",),
        "kept_out": "ada",
        "need": 1,
        "reasons": ("the workflow two-eyes decides about every plan",),
        "counts": Counts(create=3, delete=1),
        "digest": "sha256:" + "0f" * 32,
        "expires_at": utc_now() + timedelta(hours=48),
        "stores": ("corp", "hr"),
        "signature": "",
    }
    return ApprovalRequested.model_validate(usual | fields)


def a_user(name: str, **fields: Any) -> UserChanged:
    """An approver with an address of their own."""
    usual: dict[str, Any] = {"email": f"{name}@corp.example", "roles": ("approver",), "version": 1, "signature": ""}
    return UserChanged.model_validate({"name": name} | usual | fields)


ISSUERS: Mapping[type[Event], str] = {
    RunFinished: "sync-worker",
    ApprovalRequested: "approvals",
    ObjectChanged: "scheduler",
    UserChanged: "console",
}


class Notifier:
    """The service, its keys, and one sender whose channel a test may choose."""

    def __init__(self, service: Service, keys: SigningKeys, channel: Channel[Any] | None = None) -> None:
        self.service = service
        self.keys = keys
        self.database = service.database
        self.channel = channel or EmailChannel(None, service.settings.secrets, {})
        self.sender = self.another_sender(self.channel)

    def another_sender(self, channel: Channel[Any], failpoint: Failpoint = no_failpoint) -> Sender:
        """A sender of its own, as another process would have it."""
        verifier = self.keys.verifier()
        return Sender(self.database, verifier, {"email": channel}, Renderer(), Resting(), failpoint)

    async def handle(self, event: Event, *, event_id: str | None = None, issuer: str | None = None) -> bool:
        """As the broker would, signed by whom it belongs to; False for a repeated id."""
        fields = event.model_dump(exclude={"signature"})
        signed = self.keys.signer(issuer or ISSUERS[type(event)]).signed(type(event), **fields)
        return await handled(self.database, self.service.handlers, signed, event_id)

    async def configure(self, store: str, settings: Mapping[str, Any] | None, version: int = 1, **fields: Any) -> None:
        """The scheduler tells of a store."""
        document = {"kind": "provider", "name": store, "type": "ldap", "notifications": settings}
        await self.handle(
            ObjectChanged.model_validate(
                {"kind": "provider", "name": store, "version": version, "object": document, "signature": ""} | fields
            )
        )

    async def send_all(self) -> None:
        """Everything that is due now."""
        for _ in range(MANY):
            if not await self.sender.step():
                return
        raise AssertionError("there is always something due")

    async def recover(self) -> None:
        """As if every lease had run out."""
        await self.alter("UPDATE notifier.deliveries SET lease_until = now() - interval '1 second'")
        await recover_lost(self.database)

    async def hurry(self) -> None:
        """Every pause is over."""
        await self.alter("UPDATE notifier.deliveries SET next_at = now() WHERE state IN ('queued', 'held')")

    async def alter(self, statement: str, **values: Any) -> None:
        async with self.database.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def deliveries(self) -> list[Any]:
        async with self.database.engine.connect() as connection:
            query = select(tables.deliveries, tables.causes.c.kind).join(tables.causes)
            return list(await connection.execute(query.order_by(tables.deliveries.c.seq)))

    async def the_delivery(self) -> Any:
        (row,) = await self.deliveries()
        return row

    async def states(self) -> dict[str, str]:
        return {row.recipient: row.state for row in await self.deliveries()}

    async def told(self) -> list[NotificationSent]:
        """The notification-sent events."""
        async with self.database.engine.connect() as connection:
            bodies = await connection.execute(select(tables.delivery.outbox.c.body))
            return [NotificationSent.model_validate(json.loads(body)) for body in bodies.scalars()]

    async def call(self, method: str, target: str, body: Any = None, **who: Any) -> httpx2.Response:
        """A call as the console would forward it, by an operator."""
        content = b"" if body is None else json.dumps(body).encode()
        identity = an_identity("olga", method, target, content, **({"roles": ("operator",)} | who))
        headers = identity_header(self.keys, identity) | {"Content-Type": "application/json"}
        async with self._client() as client:
            return await client.request(method, target, content=content, headers=headers)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx2.AsyncClient]:
        app = FastAPI()
        install_problem_documents(app)
        app.include_router(self.service.router)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://notifier") as client:
            yield client


@dataclass(frozen=True)
class FakeRoute:
    domain: str = "corp.example"


async def nothing() -> None:
    """What happens at most places."""


@dataclass
class FakeChannel:
    """Hands over to nobody. `answers` are given one after the other, then everything is accepted."""

    answers: list[Outcome] = field(default_factory=list)
    arrived: list[Parcel] = field(default_factory=list)
    tried: list[Parcel] = field(default_factory=list)
    no_route: str | None = None
    before: Callable[[], Awaitable[None]] = nothing
    between: Callable[[], Awaitable[None]] = nothing
    """Awaited after the hand-over, before the answer."""
    refuses_early: bool = False
    """Its answers come before the hand-over."""

    def told(self, rule: Notify) -> Collection[str]:
        return rule.to

    def asked(self, request: ApprovalRequested, users: Collection[UserChanged]) -> Collection[str]:
        """By name, and whoever has an address."""
        return (*request.approvers, *(user.email for user in users if user.email))

    def route(self, stores: Sequence[str], settings: Mapping[str, Any]) -> FakeRoute:
        if self.no_route is not None:
            raise NoRouteError(self.no_route)
        return FakeRoute()

    async def deliver(self, parcel: Parcel, route: FakeRoute, hand_over: HandOver) -> Outcome:
        self.tried.append(parcel)
        await self.before()
        if self.refuses_early and self.answers:
            return self.answers.pop(0)
        await hand_over()
        self.arrived.append(parcel)
        await self.between()
        return self.answers.pop(0) if self.answers else Accepted("250 OK")
