"""What the notifier does about each event."""

from collections.abc import Collection

from placet_shared.chain import Verifier
from placet_shared.errors import ReplayedEventError
from placet_shared.events import ApprovalRequested, ObjectChanged, RunFinished, UserChanged
from placet_shared.work import Work

from . import store
from .deliveries import KEPT
from .ports import Channels
from .rules import rule_of
from .tables import users


async def run_finished(event: RunFinished, work: Work, *, verifier: Verifier, channels: Channels) -> None:
    """Tells whom the job's rule names, once."""
    verifier.event(event, "sync-worker")
    if event.finished_at < work.now - KEPT:
        raise ReplayedEventError(f"run {event.run_id} ended longer ago than the notifier remembers whom it told")
    rule = rule_of(event)
    cause = await store.add_cause(work, "run-finished", event)
    if cause is not None and rule is not None:
        for name, channel in channels.items():
            await store.add_deliveries(work, cause, name, channel.told(rule))


async def approval_requested(event: ApprovalRequested, work: Work, *, verifier: Verifier, channels: Channels) -> None:
    """Asks the approvers that are known; users that come later are asked when they come."""
    verifier.event(event, "approvals")
    if event.expires_at < work.now - KEPT:
        raise ReplayedEventError(f"request {event.request_id} is over for longer than the notifier remembers")
    await store.lock_news(work, telling=False)
    cause = await store.add_cause(work, "approval-requested", event)
    if cause is not None:
        await _ask(work, cause, event, await users.everybody(work, verifier), channels)


async def object_changed(event: ObjectChanged, work: Work, *, verifier: Verifier) -> None:
    """Remembers how a store wants people to be told, and lets what waited for that try again."""
    verifier.event(event, "scheduler")
    if event.kind != "provider":
        return
    await store.lock_news(work, telling=True)
    if await store.keep_store(work, event, verifier):
        await store.release_held(work)


async def user_changed(event: UserChanged, work: Work, *, verifier: Verifier, channels: Channels) -> None:
    """Remembers a user; open requests that mean them ask them too."""
    verifier.event(event, "console")
    await store.lock_news(work, telling=True)
    if not await users.keep(work, event, verifier):
        return
    known = await users.everybody(work, verifier)
    for cause in await store.open_requests(work):
        request = ApprovalRequested.model_validate(cause.event)
        if request.expires_at > work.now:
            await _ask(work, cause.id, request, known, channels)


async def _ask(
    work: Work, cause: str, request: ApprovalRequested, known: Collection[UserChanged], channels: Channels
) -> None:
    for name, channel in channels.items():
        await store.add_deliveries(work, cause, name, channel.asked(request, known))
