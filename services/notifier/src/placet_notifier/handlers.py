"""What the notifier does about each event."""

from pydantic import ValidationError

from placet_shared.chain import Verifier
from placet_shared.complaints import first_complaint
from placet_shared.errors import ReplayedEventError
from placet_shared.events import ApprovalRequested, ObjectChanged, RunFinished, UserChanged
from placet_shared.objects import MailSettings
from placet_shared.work import Work

from . import store
from .approvers import asked
from .deliveries import KEPT
from .errors import NotifierError
from .rules import told
from .tables import users

EMAIL = "email"


class SettingsUnreadableError(NotifierError):
    """The store's mail settings are none that this notifier knows."""


async def run_finished(event: RunFinished, work: Work, *, verifier: Verifier) -> None:
    """Tells whom the job's rule names, once."""
    verifier.event(event, "sync-worker")
    if event.finished_at < work.now - KEPT:
        raise ReplayedEventError(f"run {event.run_id} ended longer ago than the notifier remembers whom it told")
    recipients = told(event)
    cause = await store.add_cause(work, "run-finished", event.run_id, event)
    if cause is not None:
        await store.add_deliveries(work, cause, EMAIL, recipients)


async def approval_requested(event: ApprovalRequested, work: Work, *, verifier: Verifier) -> None:
    """Asks the approvers that are known; users that come later are asked when they come."""
    verifier.event(event, "approvals")
    if event.expires_at < work.now - KEPT:
        raise ReplayedEventError(f"request {event.request_id} is over for longer than the notifier remembers")
    await store.lock_news(work, telling=False)
    cause = await store.add_cause(work, "approval-requested", event.request_id, event)
    if cause is not None:
        await store.add_deliveries(work, cause, EMAIL, asked(event, await users.everybody(work)))


async def object_changed(event: ObjectChanged, work: Work, *, verifier: Verifier) -> None:
    """Remembers a store's mail settings, and lets what waited for them try again."""
    verifier.event(event, "scheduler")
    if event.kind != "provider":
        return
    await store.lock_news(work, telling=True)
    settings = None if event.deleted else _mail_settings(event)
    notifications = settings.model_dump(mode="json") if settings else None
    if await store.keep_store(work, event.name, event.version, notifications):
        await store.release_held(work)


async def user_changed(event: UserChanged, work: Work, *, verifier: Verifier) -> None:
    """Remembers a user; open requests that mean them ask them too."""
    verifier.event(event, "console")
    await store.lock_news(work, telling=True)
    if not await users.keep(work, event):
        return
    known = await users.everybody(work)
    for cause in await store.open_requests(work):
        request = ApprovalRequested.model_validate(cause.event)
        if request.expires_at > work.now:
            await store.add_deliveries(work, cause.id, EMAIL, asked(request, known))


def _mail_settings(event: ObjectChanged) -> MailSettings | None:
    notifications = (event.object or {}).get("notifications")
    try:
        return None if notifications is None else MailSettings.model_validate(notifications)
    except ValidationError as error:
        raise SettingsUnreadableError(f"provider {event.name}: {first_complaint(error, 'notifications')}") from error
