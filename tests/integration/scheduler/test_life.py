"""The life of a run, from its order to its end, on a real PostgreSQL."""

import pytest

from placet_scheduler.errors import PlanNotYetError, UnknownRunError
from placet_shared.errors import ForgedEventError
from placet_shared.events import Counts, Results, RunCancelled, RunPlanned, RunRequested
from tests.support.scheduler import TWO_EYES, Scheduler, people
from tests.support.signing import CORP


async def test_a_run_goes_its_way(scheduler: Scheduler) -> None:
    await scheduler.apply_people(workflow="two-eyes")
    run = await scheduler.ask()
    assert (run["state"], run["outcome"], run["trigger"], run["requested_by"]) == ("planning", None, "manual", "ada")
    assert (run["plan"], run["request"], run["reason"], run["finished_at"]) == (None, None, None, None)

    planned = await scheduler.planned(run["id"], counts=Counts(create=3, unchanged=7), warnings=("one folded match",))
    await scheduler.handle(planned)
    plan = (await scheduler.run(run["id"]))["plan"]
    assert (plan["create"], plan["unchanged"], plan["delete"], plan["warnings"]) == (3, 7, 0, ["one folded match"])
    assert (plan["digest"], plan["safety"]) == ("sha256:00", "assertion")

    await scheduler.handle(scheduler.request(run["id"]))
    waiting = await scheduler.run(run["id"])
    assert (waiting["state"], waiting["request"]) == ("awaiting_approval", "request-1")

    await scheduler.handle(scheduler.decided(planned))
    assert (await scheduler.run(run["id"]))["state"] == "approved"

    await scheduler.handle(scheduler.applied(run["id"], applied=2))
    await scheduler.handle(scheduler.applied(run["id"], applied=1, conflict=1))
    applying = await scheduler.run(run["id"])
    assert (applying["state"], applying["results"]["applied"], applying["results"]["conflict"]) == ("applying", 3, 1)

    await scheduler.end(run["id"], "succeeded_with_errors", results=Results(applied=2, conflict=2), reason=None)
    over = await scheduler.run(run["id"])
    assert (over["state"], over["outcome"]) == ("finished", "succeeded_with_errors")
    assert (over["results"]["applied"], over["results"]["conflict"]) == (2, 2)
    assert over["finished_at"] is not None


async def test_the_order_holds_the_job_as_it_is(scheduler: Scheduler) -> None:
    await scheduler.apply_people(workflow="two-eyes", schedule="nightly")
    default = TWO_EYES | {"name": "default"}
    await scheduler.apply(default)
    run = await scheduler.ask()
    (event,) = await scheduler.published(RunRequested)
    order = scheduler.keys.verifier().order(event.order)
    assert (order.run_id, event.run_id, order.requested_by, order.epoch) == (run["id"], run["id"], "ada", 1)
    shot = order.snapshot
    assert (shot.job.name, shot.source.name, shot.destination.name) == ("people", "hr", "corp")
    assert shot.workflow is not None
    assert shot.default_workflow is not None
    assert (shot.workflow.name, shot.default_workflow.name) == ("two-eyes", "default")


@pytest.mark.parametrize(("named", "own"), [(None, None), ("none", None), ("two-eyes", "two-eyes")])
async def test_the_workflow_of_an_order(scheduler: Scheduler, named: str | None, own: str | None) -> None:
    await scheduler.apply_people(**({"workflow": named} if named else {}))
    await scheduler.ask()
    (event,) = await scheduler.published(RunRequested)
    shot = scheduler.keys.verifier().order(event.order).snapshot
    assert (shot.workflow.name if shot.workflow else None, shot.default_workflow) == (own, None)


async def test_a_job_that_is_made_again_is_another_job(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    first = await scheduler.ask()
    await scheduler.end(first["id"])
    await scheduler.call("DELETE", "/jobs/people")
    await scheduler.apply(people())
    second = await scheduler.ask()
    orders = [scheduler.keys.verifier().order(event.order) for event in await scheduler.published(RunRequested)]
    assert orders[0].snapshot.job_id != orders[1].snapshot.job_id
    assert [run["id"] for run in await scheduler.runs("?job=people")] == [second["id"], first["id"]]


async def test_the_end_brings_the_plan_where_its_news_come_later(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask(preview=True)
    planned = await scheduler.planned(run["id"], counts=Counts(create=3))
    await scheduler.end(run["id"], "previewed", preview=True, plan=planned.plan)
    over = await scheduler.run(run["id"])
    assert (over["outcome"], over["plan"]["create"], over["plan"]["digest"]) == ("previewed", 3, "sha256:00")
    await scheduler.handle(planned)
    assert await scheduler.run(run["id"]) == over


async def test_a_plan_that_was_altered_keeps_no_run_from_its_end(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    planned = await scheduler.planned(run["id"])
    await scheduler.end(run["id"], "failed", plan=planned.plan + "x")
    over = await scheduler.run(run["id"])
    assert (over["state"], over["outcome"], over["plan"]) == ("finished", "failed", None)


async def test_a_no_is_not_the_end(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    planned = await scheduler.planned(run["id"])
    await scheduler.handle(planned)
    await scheduler.handle(scheduler.request(run["id"]))
    await scheduler.handle(scheduler.decided(planned, approved=False))
    assert (await scheduler.run(run["id"]))["state"] == "awaiting_approval"
    await scheduler.end(run["id"], "denied", reason="denied by bob: not on a Friday")
    over = await scheduler.run(run["id"])
    assert (over["state"], over["outcome"], over["reason"]) == ("finished", "denied", "denied by bob: not on a Friday")


async def test_news_that_come_late_complete_the_picture(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask(preview=True)
    planned = await scheduler.planned(run["id"])
    await scheduler.end(run["id"], "previewed", preview=True)
    await scheduler.handle(planned)
    await scheduler.handle(scheduler.request(run["id"]))
    over = await scheduler.run(run["id"])
    assert (over["state"], over["outcome"], over["plan"]["create"]) == ("finished", "previewed", 3)
    await scheduler.end(run["id"], "failed", reason="too late")
    assert await scheduler.run(run["id"]) == over


async def test_a_decision_waits_for_its_plan(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    planned = await scheduler.planned(run["id"])
    with pytest.raises(PlanNotYetError):
        await scheduler.handle(scheduler.decided(planned))
    await scheduler.handle(planned)
    await scheduler.handle(scheduler.decided(planned))
    await scheduler.handle(scheduler.request(run["id"]))
    late = await scheduler.run(run["id"])
    assert (late["state"], late["request"]) == ("approved", "request-1")


# ---- cancelling ------------------------------------------------------------------------------------------------------


async def test_a_run_is_cancelled_once_and_ends_by_the_worker_alone(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    for _ in range(2):
        answer = await scheduler.call("POST", f"/runs/{run['id']}/cancel", user="olga", roles=("operator",))
        assert (answer.status_code, answer.json()["state"]) == (200, "planning")
    (event,) = await scheduler.published(RunCancelled)
    scheduler.keys.verifier().event(event, "scheduler")
    assert (event.run_id, event.cancelled_by) == (run["id"], "olga")
    await scheduler.end(run["id"], "cancelled", reason="cancelled by olga")
    assert (await scheduler.call("POST", f"/runs/{run['id']}/cancel")).json()["outcome"] == "cancelled"
    assert len(await scheduler.published(RunCancelled)) == 1


async def test_who_may_cancel(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    refused = await scheduler.call("POST", f"/runs/{run['id']}/cancel", user="vera", roles=("viewer", "editor"))
    assert (refused.status_code, "operator" in refused.json()["detail"]) == (403, True)
    assert (await scheduler.call("POST", "/runs/nothing/cancel")).status_code == 404


# ---- strangers -------------------------------------------------------------------------------------------------------


async def test_forged_news_change_nothing(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    await scheduler.apply(CORP | {"name": "other"}, people(name="others", destination={"provider": "other"}))
    other = await scheduler.ask("others")
    planned, foreign = await scheduler.planned(run["id"]), await scheduler.planned(other["id"])
    forged = [
        planned.model_copy(update={"plan": planned.plan[:-2]}),
        planned.model_copy(update={"plan": foreign.plan}),
        planned.model_copy(update={"order": foreign.order, "plan": foreign.plan}),
        RunPlanned(**planned.model_dump() | {"order": scheduler.keys.signer("console").sign_bytes("Order", b"{}")}),
        scheduler.request(run["id"], signer="console"),
        scheduler.request(other["id"]).model_copy(update={"run_id": run["id"]}),
        scheduler.finished(run["id"], signer="approvals"),
        scheduler.finished(run["id"], "failed").model_copy(update={"outcome": "succeeded"}),
        scheduler.finished(other["id"]).model_copy(update={"run_id": run["id"]}),
    ]
    before = await scheduler.run(run["id"])
    for event in forged:
        with pytest.raises(ForgedEventError):
            await scheduler.handle(event)
    assert await scheduler.run(run["id"]) == before


async def test_forged_decisions_change_nothing(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    planned = await scheduler.planned(run["id"])
    await scheduler.handle(planned)
    no = scheduler.decided(planned, approved=False)
    forged = [
        scheduler.decided(planned, signer="scheduler"),
        scheduler.decided(planned, plan="sha256:00"),
        scheduler.decided(planned, run_id="another"),
        scheduler.decided(planned).model_copy(update={"decision": no.decision}),
    ]
    for event in forged:
        with pytest.raises(ForgedEventError):
            await scheduler.handle(event)
    assert (await scheduler.run(run["id"]))["state"] == "planning"


async def test_the_first_plan_counts(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    await scheduler.handle(await scheduler.planned(run["id"]))
    with pytest.raises(ForgedEventError, match="another plan"):
        await scheduler.handle(await scheduler.planned(run["id"], digest="sha256:11"))
    assert (await scheduler.run(run["id"]))["plan"]["digest"] == "sha256:00"


async def test_progress_without_an_approval_is_not_believed(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    await scheduler.handle(scheduler.applied(run["id"], applied=5))
    shown = await scheduler.run(run["id"])
    assert (shown["state"], shown["results"]["applied"]) == ("planning", 0)


async def test_runs_that_nobody_ordered(scheduler: Scheduler) -> None:
    for event in (scheduler.finished("nobody"), scheduler.request("nobody"), scheduler.applied("nobody")):
        with pytest.raises(UnknownRunError):
            await scheduler.handle(event)
