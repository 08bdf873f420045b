"""What becomes of a plan before any person looks at it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from placet_approvals.policy import Approved, Held, Outdated, allowed, gate_of, judge, request_ends_at
from placet_shared.approvers import EVERY_APPROVER
from placet_shared.chain import Order, PlanHeader
from placet_shared.events import Counts
from placet_shared.objects import Workflow
from tests.support.signing import a_plan, an_order

NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)


def workflow(name: str = "two-eyes", **stage: Any) -> Workflow:
    requester = stage.pop("requester_may_approve", False)
    return Workflow.model_validate(
        {"name": name, "stages": [{"approvers": ["bob"], **stage}], "requester_may_approve": requester}
    )


def plan(order: Order, **fields: Any) -> PlanHeader:
    return a_plan(order, "order", **({"planned_at": NOW, "valid_until": NOW + timedelta(days=7)} | fields))


def test_a_job_without_a_workflow_is_approved_within_the_limits() -> None:
    order = an_order()
    assert isinstance(judge(order, plan(order, counts=Counts(create=1000, delete=5)), NOW), Approved)


@pytest.mark.parametrize("named", ["two-eyes", None])
def test_an_empty_plan_is_approved_whatever_the_workflow(named: str | None) -> None:
    order = an_order(workflow=workflow() if named else None, default_workflow=workflow("default"))
    verdict = judge(order, plan(order, counts=Counts(unchanged=7, rejected=3), safety="read_back"), NOW)
    assert isinstance(verdict, Approved)


@pytest.mark.parametrize(
    ("limit", "within", "passes"),
    [("5%", 100, 5), ("5%", 101, 6), ("5%", 0, 0), ("0.1%", 1, 1), ("7%", 100, 7), (3, 9, 3)],
)
def test_a_percentage_is_of_the_entries_within_the_query_rounded_up(limit: str | int, within: int, passes: int) -> None:
    assert allowed(limit, within) == passes


def test_a_percentage_is_exact_where_floats_are_not() -> None:
    assert allowed("14%", 50) == 7
    assert allowed("0.7%", 1000) == 7


def test_above_a_limit_any_approver_but_the_requester_decides() -> None:
    order = an_order()
    verdict = judge(order, plan(order, counts=Counts(delete=6)), NOW)
    assert isinstance(verdict, Held)
    assert verdict.gate.approvers == (EVERY_APPROVER,)
    assert (verdict.gate.need, verdict.gate.expires_after, verdict.gate.requester) == (1, timedelta(hours=72), "ada")
    assert verdict.reasons == ("delete: 6 planned, the limit is 5% of 100 entries (5)",)


@pytest.mark.parametrize("operation", ["create", "update", "move", "disable", "delete"])
def test_each_operation_has_its_own_limit(operation: str) -> None:
    order = an_order(job={"limits": {operation: 2}})
    assert isinstance(judge(order, plan(order, counts=Counts(**{operation: 2})), NOW), Approved)
    assert isinstance(judge(order, plan(order, counts=Counts(**{operation: 3})), NOW), Held)


def test_no_limit_is_no_limit() -> None:
    order = an_order(job={"limits": {"delete": None}})
    assert isinstance(judge(order, plan(order, counts=Counts(delete=100)), NOW), Approved)


def test_above_a_limit_the_workflow_named_default_decides() -> None:
    order = an_order(job={"workflow": "none"}, default_workflow=workflow("default", approvers=["bob", "eve"], need=2))
    verdict = judge(order, plan(order, counts=Counts(delete=6)), NOW)
    assert isinstance(verdict, Held)
    assert (verdict.gate.approvers, verdict.gate.need) == (("bob", "eve"), 2)


def test_workflow_none_is_by_policy_within_the_limits_even_if_there_is_a_default() -> None:
    order = an_order(job={"workflow": "none"}, default_workflow=workflow("default"))
    assert isinstance(judge(order, plan(order), NOW), Approved)


def test_an_absent_workflow_is_the_default_one() -> None:
    order = an_order(default_workflow=workflow("default"))
    verdict = judge(order, plan(order), NOW)
    assert isinstance(verdict, Held)
    assert verdict.reasons == ("the workflow default decides about every plan",)


def test_a_workflow_says_which_limits_are_exceeded_too() -> None:
    order = an_order(workflow=workflow())
    verdict = judge(order, plan(order, counts=Counts(delete=6, disable=9)), NOW)
    assert isinstance(verdict, Held)
    assert [reason.split(":")[0] for reason in verdict.reasons[1:]] == ["disable", "delete"]


def test_a_named_workflow_that_the_order_lacks_never_opens_the_gate() -> None:
    order = an_order(job={"workflow": "four-eyes"})
    verdict = judge(order, plan(order), NOW)
    assert isinstance(verdict, Held)
    assert verdict.reasons == ("the workflow four-eyes is missing from the order",)


def test_read_back_needs_a_person_and_value_does_not() -> None:
    order = an_order()
    assert isinstance(judge(order, plan(order, safety="value"), NOW), Approved)
    assert isinstance(judge(order, plan(order, safety="read_back"), NOW), Held)


def test_nobody_is_asked_about_a_plan_that_is_no_longer_valid() -> None:
    order = an_order(workflow=workflow())
    assert isinstance(judge(order, plan(order, valid_until=NOW), NOW), Outdated)


@pytest.mark.parametrize(("trigger", "kept_out"), [("manual", "ada"), ("schedule", None), ("event", None)])
def test_a_schedule_or_an_event_is_nobody(trigger: str, kept_out: str | None) -> None:
    assert gate_of(an_order(trigger=trigger, workflow=workflow())).requester == kept_out


def test_a_workflow_may_let_the_requester_approve() -> None:
    assert gate_of(an_order(workflow=workflow(requester_may_approve=True))).requester is None


def test_people_have_time_from_the_plan_on_and_no_longer_than_it_is_valid() -> None:
    order = an_order(workflow=workflow(expires_after="48h"))
    assert request_ends_at(order, plan(order)) == NOW + timedelta(hours=48)
    assert request_ends_at(order, plan(order, valid_until=NOW + timedelta(hours=1))) == NOW + timedelta(hours=1)
    assert request_ends_at(an_order(), plan(order)) == NOW + timedelta(hours=72)
