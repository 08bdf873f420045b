"""What approvals does about each event."""

from placet_shared.alarms import raise_alarm
from placet_shared.chain import Signer, Verifier
from placet_shared.errors import PermanentError
from placet_shared.events import RunCancelled, RunFinished, RunPlanned, UserChanged
from placet_shared.work import Work

from . import store
from .deciding import ask_people, decide
from .evidence import Planned, read_planned, require_epoch
from .policy import Approved, Held, Outdated, judge
from .tables import users
from .voting import Ruling


class SecondPlanError(PermanentError):
    """The run has another plan already; the first one counts."""


async def run_planned(event: RunPlanned, work: Work, *, verifier: Verifier, signer: Signer, epoch: int) -> None:
    """Judges a plan, once."""
    planned = read_planned(verifier, event.run_id, event.order, event.plan)
    require_epoch(planned.order, epoch)
    if planned.order.preview or not await _first_sight(planned, work):
        return
    verdict = judge(planned.order, planned.plan, work.now)
    match verdict:
        case Approved(reason):
            await decide(planned, None, Ruling(True, ("policy",), reason), work, signer)
        case Outdated(reason):
            await decide(planned, None, Ruling(False, ("expiry",), reason), work, signer)
        case Held():
            await ask_people(planned, verdict, work, signer)


async def run_cancelled(event: RunCancelled, work: Work, *, verifier: Verifier) -> None:
    """Nobody needs to decide any more."""
    verifier.event(event, "scheduler")
    await _withdraw(event.run_id, event.cancelled_by, event.reason, work)


async def run_finished(event: RunFinished, work: Work, *, verifier: Verifier) -> None:
    """Nobody needs to decide any more. Previews never come here."""
    verifier.event(event, "sync-worker")
    if not event.preview:
        await _withdraw(event.run_id, "the end of the run", event.reason or event.outcome, work)


async def user_changed(event: UserChanged, work: Work, *, verifier: Verifier) -> None:
    """Remembers who there is, for requests that need everybody."""
    verifier.event(event, "console")
    await users.keep(work, event, verifier)


async def _first_sight(planned: Planned, work: Work) -> bool:
    """False if the run was judged before, or was over before its plan came."""
    tokens = {"order_token": planned.order_token, "plan_token": planned.plan_token}
    if await store.add_run(work, planned.run_id, "open", **tokens):
        return True
    known = await store.lock_run(work, planned.run_id)
    if known is not None and known.plan_token not in (None, planned.plan_token):
        raise_alarm("second_plan", run_id=planned.run_id)
        raise SecondPlanError(f"run {planned.run_id} has another plan already; the first one counts")
    return False


async def _withdraw(run_id: str, by: str, because: str, work: Work) -> None:
    """Ends an open request; a run that is not known yet is remembered as over, since its plan may come later."""
    closed = {"closed_at": work.now, "closed_by": by, "closed_because": because}
    if await store.add_run(work, run_id, "withdrawn", **closed):
        return
    run = await store.lock_run(work, run_id)
    if run is not None and run.state == "open":
        await store.close(work, run_id, "withdrawn", by, because)
