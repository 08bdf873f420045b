"""What approvals does about each event, on a real PostgreSQL."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from placet_approvals import tables
from placet_approvals.handlers import SecondPlanError
from placet_approvals.tables import delivery
from placet_shared.chain import link_hash
from placet_shared.clock import utc_now
from placet_shared.errors import ForgedEventError, ReplayedEventError
from placet_shared.events import Counts, UserChanged
from placet_shared.metrics import ALARMS
from placet_shared.objects import Workflow
from tests.support.alarms import alarms
from tests.support.approvals import Approvals, cancelled, finished, state_of
from tests.support.signing import a_plan, a_run_planned, an_order

TWO_EYES = Workflow.model_validate({"name": "two-eyes", "stages": [{"approvers": ["bob", "eve"]}]})


async def test_a_plan_within_the_limits_is_approved_by_policy(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(), counts=Counts(create=3))
    (decision,) = await approvals.decisions(planned)
    assert (decision.approved, decision.decided_by, decision.request_id) == (True, ("policy",), None)
    assert decision.plan == link_hash(planned.plan)
    assert decision.expires_at == approvals.verifier.plan(planned.plan, planned.order).valid_until


async def test_a_preview_is_ignored(approvals: Approvals) -> None:
    order = an_order(preview=True, trigger="preview")
    await approvals.plan(order)
    assert await approvals.published() == []
    assert await state_of(approvals, order.run_id) is None


async def test_the_plain_fields_change_nothing(approvals: Approvals) -> None:
    """A preview that says it is none stays one; a plan is judged by the counts that are signed."""
    preview = a_run_planned(approvals.keys, an_order(preview=True))
    await approvals.handle(preview.model_copy(update={"preview": False}))
    big = a_run_planned(approvals.keys, an_order(), counts=Counts(delete=50))
    await approvals.handle(big.model_copy(update={"counts": Counts(), "preview": True, "digest": "sha256:11"}))
    request = await approvals.the_request()
    assert (request.run_id, request.counts, request.digest) == (big.run_id, Counts(delete=50), "sha256:00")


async def test_a_workflow_opens_a_signed_request(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=TWO_EYES), counts=Counts(delete=50))
    request = await approvals.the_request()
    approvals.verifier.event(request, "approvals")
    assert (request.run_id, request.approvers, request.need) == (planned.run_id, ("bob", "eve"), 1)
    assert len(request.reasons) == 2
    assert await approvals.decisions(planned) == []


@pytest.mark.parametrize(
    ("trigger", "may", "kept_out"), [("manual", False, "ada"), ("manual", True, None), ("event", False, None)]
)
async def test_a_request_names_who_may_not_decide(
    approvals: Approvals, trigger: str, may: bool, kept_out: str | None
) -> None:
    workflow = TWO_EYES.model_copy(update={"requester_may_approve": may})
    await approvals.plan(an_order(workflow=workflow, trigger=trigger))
    assert (await approvals.the_request()).kept_out == kept_out


async def test_a_request_does_not_outlive_its_plan(approvals: Approvals) -> None:
    valid_until = utc_now() + timedelta(hours=1)
    await approvals.plan(an_order(workflow=TWO_EYES), valid_until=valid_until)
    assert (await approvals.the_request()).expires_at == valid_until


async def test_a_plan_that_came_too_late_is_denied_by_the_clock(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=TWO_EYES), valid_until=utc_now() - timedelta(seconds=1))
    (decision,) = await approvals.decisions(planned)
    assert (decision.approved, decision.decided_by) == (False, ("expiry",))


async def test_a_repeated_plan_publishes_nothing_new(approvals: Approvals) -> None:
    event = a_run_planned(approvals.keys, an_order())
    await approvals.handle(event, "same-id")
    async with approvals.database.engine.begin() as connection:
        an_hour_ago = func.now() - timedelta(hours=1)
        await connection.execute(update(delivery.outbox).values(sent_at=an_hour_ago))
    assert not await approvals.handle(event, "same-id")
    assert await approvals.handle(event, "another-id")
    assert len(await approvals.published()) == 1
    async with approvals.database.engine.connect() as connection:
        unsent = await connection.execute(select(delivery.outbox.c.topic).where(delivery.outbox.c.sent_at.is_(None)))
        assert unsent.scalars().all() == ["placet.run-approved"]


async def test_the_same_plan_twice_at_once_is_judged_once(approvals: Approvals) -> None:
    event = a_run_planned(approvals.keys, an_order())
    await asyncio.gather(*(approvals.handle(event) for _ in range(5)))
    assert len(await approvals.decisions(event)) == 1


async def test_a_second_plan_of_a_run_raises_an_alarm(approvals: Approvals) -> None:
    order = an_order(workflow=TWO_EYES)
    await approvals.plan(order)
    before = ALARMS.labels("second_plan")._value.get()
    with pytest.raises(SecondPlanError):
        await approvals.plan(order, digest="sha256:11")
    assert ALARMS.labels("second_plan")._value.get() == before + 1
    assert len(await approvals.published()) == 1


async def test_what_is_not_signed_by_whom_it_should_be_is_forged(approvals: Approvals) -> None:
    keys, order = approvals.keys, an_order()
    true = a_run_planned(keys, order)
    other = a_run_planned(keys, an_order())
    by_worker = keys.signer("sync-worker").sign(order)
    by_scheduler = keys.signer("scheduler").sign(a_plan(order, true.order))
    head, _, tail = true.plan.partition(".")
    forgeries = {
        "the worker's order": {"order": by_worker, "plan": keys.signer("sync-worker").sign(a_plan(order, by_worker))},
        "the scheduler's plan": {"plan": by_scheduler},
        "another order's plan": {"plan": other.plan},
        "another run's event": {"run_id": other.run_id},
        "an altered plan": {"plan": f"{head}.A{tail}"},
        "no order": {"order": ""},
        "the order as plan": {"plan": true.order},
    }
    for what, fields in forgeries.items():
        with pytest.raises(ForgedEventError):
            await approvals.handle(true.model_copy(update=fields), what)
    assert await approvals.published() == []
    assert await approvals.handle(true)
    assert len(await approvals.decisions(true)) == 1


async def test_a_plan_for_another_run_of_the_same_order_is_forged(approvals: Approvals) -> None:
    order = an_order()
    with pytest.raises(ForgedEventError, match="not about"):
        await approvals.handle(a_run_planned(approvals.keys, order, run_id=str(uuid4())))


@pytest.mark.parametrize("epoch", [0, 2])
async def test_an_order_of_another_epoch_is_a_replay(approvals: Approvals, epoch: int) -> None:
    with pytest.raises(ReplayedEventError):
        await approvals.plan(an_order(epoch=epoch))


async def test_another_installation_counts_for_nothing(approvals: Approvals) -> None:
    with pytest.raises(ForgedEventError):
        await approvals.plan(an_order(installation="elsewhere"))


async def test_a_request_is_withdrawn_when_its_run_is_cancelled_or_finished(approvals: Approvals) -> None:
    for end in (cancelled, finished):
        order = an_order(workflow=TWO_EYES)
        await approvals.plan(order)
        with pytest.raises(ForgedEventError):
            await approvals.handle(end(approvals, order.run_id, "notifier"))
        assert await state_of(approvals, order.run_id) == "open"
        await approvals.handle(end(approvals, order.run_id))
        assert await state_of(approvals, order.run_id) == "withdrawn"


async def test_nobody_is_asked_about_a_run_that_is_over(approvals: Approvals) -> None:
    order = an_order(workflow=TWO_EYES)
    await approvals.handle(cancelled(approvals, order.run_id))
    await approvals.plan(order)
    assert await approvals.published() == []


async def test_the_end_of_a_preview_leaves_no_trace(approvals: Approvals) -> None:
    run_id = str(uuid4())
    await approvals.handle(finished(approvals, run_id, preview=True, outcome="previewed", reason=None))
    assert await state_of(approvals, run_id) is None


async def test_a_decision_stays_when_its_run_ends(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order())
    await approvals.handle(cancelled(approvals, planned.run_id))
    await approvals.handle(finished(approvals, planned.run_id))
    assert await state_of(approvals, planned.run_id) == "approved"


async def test_a_forged_user_is_not_remembered(approvals: Approvals) -> None:
    forged = approvals.keys.signer("scheduler").signed(UserChanged, name="bob", version=1)
    with pytest.raises(ForgedEventError):
        await approvals.handle(forged)


async def test_time_that_is_up_denies_once(approvals: Approvals) -> None:
    waits = await approvals.plan(an_order(workflow=TWO_EYES))
    planned = await approvals.plan(an_order(workflow=TWO_EYES), planned_at=utc_now() - timedelta(hours=72))
    await asyncio.gather(*(approvals.expire() for _ in range(4)))
    (decision,) = await approvals.decisions(planned)
    assert (decision.approved, decision.decided_by) == (False, ("expiry",))
    assert decision.request_id == (await approvals.the_request(planned.run_id)).request_id
    assert await approvals.decisions(waits) == []


async def test_who_moves_the_time_in_the_table_moves_nothing(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=TWO_EYES))
    ends_at = (await approvals.the_request()).expires_at
    await approvals.alter("UPDATE approvals.runs SET expires_at = now()")
    before = alarms("altered")
    await asyncio.gather(*(approvals.expire() for _ in range(2)))
    assert (await approvals.decisions(planned), alarms("altered") - before) == ([], 1)
    async with approvals.database.engine.connect() as connection:
        assert (await connection.execute(select(tables.runs.c.expires_at))).scalar_one() == ends_at
