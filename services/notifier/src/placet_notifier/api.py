"""The API of the notifier: deliveries, and sending them again."""

from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row

from placet_shared.chain import Verifier
from placet_shared.dead_letters_api import dead_letters_router
from placet_shared.identity import Identity, caller_of
from placet_shared.paging import Limit, NumberCursor, Page, page_of
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


class Resend(BaseModel):
    """`force` sends a mail a second time that was sent already."""

    model_config = ConfigDict(extra="forbid")
    force: bool = False


def build_router(database: Database, verifier: Verifier) -> APIRouter:
    """The routes, bound to what they need."""
    router = APIRouter(prefix="/api/v1", tags=["notifications"])
    caller = caller_of(verifier)
    router.include_router(dead_letters_router(database, caller))

    @router.get("/notifications", dependencies=[Depends(caller)])
    async def list_notifications(
        before: NumberCursor, run: str | None = None, state: State | None = None, limit: Limit = 100
    ) -> Page[DeliveryView]:
        """Newest first."""
        async with database.transaction() as work:
            rows = await store.page(work, run, state, before, limit + 1)
        return page_of(rows, limit, lambda row: str(row.seq), _view)

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


async def _existing(work: Work, delivery: str) -> Row[Any]:
    row = None if "\0" in delivery else await store.lock_delivery(work, delivery)
    if row is None:
        raise NoSuchDeliveryError(f"there is no notification {delivery!r}; see `placet notification list`")
    return row


def _view(row: Row[Any]) -> DeliveryView:
    return DeliveryView.model_validate({**row._mapping, "cause": row.kind}, extra="ignore")
