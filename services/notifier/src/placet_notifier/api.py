"""The API of the notifier: deliveries, and sending them again."""

from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict

from placet_shared.api import MOST_PER_PAGE
from placet_shared.chain import Verifier
from placet_shared.dead_letters_api import dead_letters_router
from placet_shared.errors import InvalidError
from placet_shared.identity import Identity, caller_of
from placet_shared.work import Database, Work

from . import store
from .deliveries import State, Step, require_resendable
from .errors import NoSuchDeliveryError

log = structlog.get_logger()


class DeliveryView(BaseModel):
    """A delivery. `cause` is run-finished or approval-requested; `reason` says why it is in this state."""

    id: str
    run_id: str
    job: str
    cause: str
    recipient: str
    channel: str
    state: State
    reason: str | None
    attempts: int
    created_at: datetime
    sent_at: datetime | None


class DeliveryPage(BaseModel):
    """Deliveries, newest first; `next` is the cursor of the page after this one."""

    items: list[DeliveryView]
    next: str | None


class Resend(BaseModel):
    """`force` sends a mail a second time that was sent already."""

    model_config = ConfigDict(extra="forbid")
    force: bool = False


def router_of(database: Database, verifier: Verifier) -> APIRouter:
    """The routes, bound to what they need."""
    router = APIRouter(prefix="/api/v1", tags=["notifications"])
    caller = caller_of(verifier)
    router.include_router(dead_letters_router(database, caller))

    @router.get("/notifications", dependencies=[Depends(caller)])
    async def list_notifications(
        run: str | None = None,
        state: State | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 100,
    ) -> DeliveryPage:
        async with database.transaction() as work:
            rows = await store.page(work, run, state, _position(cursor), limit + 1)
        after = str(rows[limit - 1].seq) if len(rows) > limit else None
        return DeliveryPage(items=[_view(row) for row in rows[:limit]], next=after)

    @router.post("/notifications/{delivery}/resend")
    async def resend_notification(
        delivery: str, who: Annotated[Identity, Depends(caller)], resend: Resend | None = None
    ) -> DeliveryView:
        who.require("operator")
        async with database.transaction() as work:
            await _resend(work, delivery, who.user, force=resend is not None and resend.force)
            return _view(await _existing(work, delivery))

    return router


async def _resend(work: Work, delivery: str, user: str, *, force: bool) -> None:
    row = await _existing(work, delivery)
    require_resendable(row.state, force)
    again = Step("queued", f"{user} asked to send it again; it was {row.state}", work.now)
    await store.move(work, delivery, again, queued_at=work.now, sent_at=None)
    log.info("delivery_resent", delivery_id=delivery, user=user, was=row.state)


async def _existing(work: Work, delivery: str) -> store.Record:
    row = None if "\0" in delivery else await store.lock_delivery(work, delivery)
    if row is None:
        raise NoSuchDeliveryError(f"there is no notification {delivery!r}; see `placet notification list`")
    return row


def _view(row: store.Record) -> DeliveryView:
    return DeliveryView.model_validate({**row._mapping, "cause": row.kind}, extra="ignore")


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise InvalidError("the cursor is none that this list gave", "cursor")
    return int(cursor)
