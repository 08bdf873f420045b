"""Strangers who can write to Kafka and to the tables: they start nothing, and change no directory."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from placet_shared.chain import Decision, Order, PlanHeader, Verifier, link_hash
from placet_shared.clock import utc_now
from placet_shared.events import Counts, Event, RunApproved, RunCancelled, RunPlanned, RunRequested
from placet_shared.keys import KeyRing
from tests.support.desk import Desk
from tests.support.proxy import running_proxy
from tests.support.signing import SigningKeys
from tests.support.slapd import running_slapd
from tests.support.stack import Stack, until

ANN, BO, CY = ("1", "Ann", "Berg", "Engineer"), ("2", "Bo", "Neil", "Clerk"), ("3", "Cy", "Smith", "Head")


@pytest.fixture
def stranger(tmp_path: Path) -> SigningKeys:
    """Somebody with keys of their own, who calls them by the services' names."""
    return SigningKeys(tmp_path)


@pytest.fixture
def waiting(desk: Desk) -> dict[str, Any]:
    """A run of the desk that waits for bob."""
    desk.two_eyes()
    desk.people(ANN, BO)
    desk.apply()
    run: dict[str, Any] = desk.request()
    return run


# ---- messages --------------------------------------------------------------------------------------------------------


def test_a_forged_order_starts_nothing(desk: Desk, stranger: SigningKeys) -> None:
    desk.people(ANN, BO)
    desk.apply()
    token = _one(desk.stack, "SELECT order_token FROM scheduler.runs WHERE run_id = %s", desk.run(0, "--preview")["id"])
    order = _verifier(desk.stack).order(token).model_copy(update={"run_id": str(uuid4()), "preview": False})
    tokens = [
        "", _unsigned(order), stranger.signer("scheduler").sign(order), desk.stack.signer("approvals").sign(order),
        _with_content(token, order),
    ]  # fmt: skip
    _refused(desk.stack, ["sync-worker"], [_requested(order, token) for token in (*tokens, token)])
    assert desk.writes() == []
    assert _one(desk.stack, "SELECT count(*) FROM sync.runs WHERE run_id = %s", order.run_id) == 0

    assert desk.run()["outcome"] == "succeeded"
    assert [one.op for one in desk.writes()] == ["add"] * 2


def test_a_forged_plan_is_not_judged(desk: Desk, waiting: dict[str, Any], stranger: SigningKeys) -> None:
    order, plan = _tokens(desk.stack, waiting["id"])
    empty = _verifier(desk.stack).plan(plan, order).model_copy(update={"counts": Counts(), "digest": "sha256:0"})
    tokens = [
        "", _unsigned(empty), stranger.signer("sync-worker").sign(empty), desk.stack.signer("scheduler").sign(empty),
        _with_content(plan, empty),
    ]  # fmt: skip
    events = [_planned(waiting, order, token) for token in tokens]
    forged_order = stranger.signer("scheduler").sign(_verifier(desk.stack).order(order))
    _refused(desk.stack, ["approvals", "scheduler"], [*events, _planned(waiting, forged_order, plan)])
    assert desk.bob.ask("request", "show", waiting["request"])["state"] == "open"
    _goes_on(desk, waiting)


def test_a_forged_approval_writes_nothing(desk: Desk, waiting: dict[str, Any], stranger: SigningKeys) -> None:
    _, plan = _tokens(desk.stack, waiting["id"])
    yes = _a_decision(waiting, plan)
    approvals = desk.stack.signer("approvals")
    tokens = [
        "", _unsigned(yes), stranger.signer("approvals").sign(yes), desk.stack.signer("scheduler").sign(yes),
        approvals.sign(yes.model_copy(update={"approved": False})),
        approvals.sign(yes.model_copy(update={"plan": link_hash(plan + "x")})),
        approvals.sign(yes.model_copy(update={"run_id": str(uuid4())})),
        _with_content(approvals.sign(yes.model_copy(update={"approved": False})), yes),
    ]  # fmt: skip
    _refused(desk.stack, ["sync-worker", "scheduler"], [_approved(waiting["id"], token) for token in tokens])
    _goes_on(desk, waiting)


def test_a_forged_cancellation_ends_nothing(desk: Desk, waiting: dict[str, Any], stranger: SigningKeys) -> None:
    fields = {"run_id": waiting["id"], "cancelled_by": "eve", "reason": "because"}
    scheduler = desk.stack.signer("scheduler")
    events = [
        RunCancelled(**fields, signature=""),
        stranger.signer("scheduler").signed(RunCancelled, **fields),
        desk.stack.signer("approvals").signed(RunCancelled, **fields),
        scheduler.signed(RunCancelled, **{**fields, "run_id": str(uuid4())}).model_copy(update=fields),
        scheduler.signed(RunCancelled, **fields).model_copy(update={"reason": "another"}),
    ]
    _refused(desk.stack, ["sync-worker", "approvals"], events)
    _goes_on(desk, waiting)


def test_an_old_approval_played_again_writes_nothing(desk: Desk, waiting: dict[str, Any]) -> None:
    _goes_on(desk, waiting)
    written = len(desk.writes())
    decision = _one(desk.stack, "SELECT decision_token FROM approvals.runs WHERE run_id = %s", waiting["id"])
    _refused(desk.stack, ["sync-worker"], [_approved(waiting["id"], decision)], "replayed")

    desk.people(ANN)
    second = desk.request()
    _refused(desk.stack, ["sync-worker", "scheduler"], [_approved(second["id"], decision)])
    assert len(desk.writes()) == written
    assert desk.approve(second)["results"]["applied"] == 1


# ---- tables ----------------------------------------------------------------------------------------------------------

CHANGE, BATCH, RUN = (f"UPDATE sync.{table} SET " for table in ("changes", "batches", "runs"))
THIS = " WHERE run_id = %(run)s"

ALTERATIONS: Mapping[str, tuple[int, Sequence[str]]] = {
    "a value": (3, [CHANGE + "document = jsonb_set(document, '{attributes,0,after,0}', '\"7\"')" + THIS]),
    "no document": (3, [CHANGE + "document = NULL" + THIS + " AND number = 1"]),
    "dropped changes": (3, ["DELETE FROM sync.steps" + THIS, "DELETE FROM sync.changes" + THIS]),
    "items in another order": (3, [BATCH + "items = jsonb_build_array(items->2, items->1, items->0)" + THIS]),
    "every batch dropped": (3, ["DELETE FROM sync.batches" + THIS]),
    "one batch dropped": (250, ["DELETE FROM sync.batches" + THIS + " AND ordinal = 1"]),
    "one batch called done": (250, [BATCH + "state = 'done'" + THIS + " AND ordinal = 1"]),
    "batches in another order": (
        250, [BATCH + f"ordinal = {new}" + THIS + f" AND ordinal = {old}" for old, new in ((0, 7), (1, 0), (7, 1))]
    ),
    "the plan's signature": (3, [RUN + "plan_token = plan_token || 'x'" + THIS]),
    "the order's signature": (3, [RUN + "order_token = order_token || 'x'" + THIS]),
}  # fmt: skip
"""People in the CSV, and what is done to the tables; the tests of the worker have more of these."""


@pytest.mark.parametrize("what", ALTERATIONS)
def test_altered_tables_end_the_run_and_write_nothing(desk: Desk, what: str) -> None:
    count, statements = ALTERATIONS[what]
    desk.two_eyes()
    desk.people(*((str(n), f"First{n}", f"Last{n}", "Clerk") for n in range(count)))
    desk.apply()
    run = desk.request()
    before = desk.stack.alarms("sync-worker", "altered")
    with desk.stack.database() as database:
        for statement in statements:
            database.execute(statement.encode(), {"run": run["id"]})
    ended = desk.approve(run, code=4)
    assert (ended["outcome"], ended["results"]["applied"]) == ("failed", 0)
    assert "run the job again" in ended["reason"]
    assert desk.stack.alarms("sync-worker", "altered") > before
    assert desk.writes() == []


# ---- another destination ---------------------------------------------------------------------------------------------


def test_another_directory_behind_the_same_address_is_not_written(desk: Desk) -> None:
    desk.two_eyes()
    desk.people(ANN)
    with running_slapd() as other, running_proxy(desk.slapd.port) as proxy:
        with other.hand() as hand:
            hand.add(desk.unit, "organizationalUnit")
        desk.directory["url"] = f"ldap://127.0.0.1:{proxy.port}"
        desk.apply()
        run = desk.request()
        before = desk.stack.alarms("sync-worker", "altered")
        proxy.lead_to(other.port)
        ended = desk.approve(run, code=4)
        assert "how safely it can be written to, is not what the plan was approved for" in ended["reason"]
        assert desk.stack.alarms("sync-worker", "altered") == before + 1
        assert desk.writes() == []
        assert len(other.audited()) == 1


def test_another_address_in_the_tables_is_not_followed(desk: Desk, waiting: dict[str, Any]) -> None:
    """What counts is the signed order: the provider's address as it was."""
    with running_slapd() as other, desk.stack.database() as database:
        database.execute(
            "UPDATE scheduler.objects SET document = jsonb_set(document, '{url}', to_jsonb(%s::text)) WHERE name = %s",
            [other.url, desk.directory["name"]],
        )
        _goes_on(desk, waiting)
        assert other.audited() == []


def test_an_edit_of_the_address_ends_the_run_that_was_planned_for_the_old_one(
    desk: Desk, waiting: dict[str, Any]
) -> None:
    with running_slapd() as other:
        desk.directory["url"] = other.url
        desk.apply()
        assert desk.wait_for(waiting["id"], "finished")["outcome"] == "cancelled"
        desk.bob.complaint("request", "approve", waiting["request"])
        assert (desk.writes(), other.audited()) == ([], [])


# ---- people ----------------------------------------------------------------------------------------------------------


def test_who_may_not_decide_is_refused_and_the_request_stays_open(desk: Desk, waiting: dict[str, Any]) -> None:
    request, before = waiting["request"], desk.stack.alarms("approvals", "not_allowed")
    assert "needs the role approver" in desk.ada.complaint("request", "approve", request)
    assert "needs the role approver" in desk.cleo.complaint("request", "approve", request)
    assert "not among the approvers" in desk.admin.complaint("request", "approve", request)
    assert desk.stack.alarms("approvals", "not_allowed") == before + 3
    with desk.stack.database() as database:
        database.execute(
            "INSERT INTO approvals.votes (request_id, voter, approve, identity, body)"
            " VALUES (%s, 'bob', true, 'x', '{}')",
            [request],
        )
    assert desk.bob.ask("request", "show", request)["votes"] == []
    assert desk.stack.alarms("approvals", "altered_vote") > 0
    assert desk.writes() == []
    with desk.stack.database() as database:
        database.execute("DELETE FROM approvals.votes WHERE request_id = %s", [request])
    _goes_on(desk, waiting)


def test_nobody_approves_a_run_that_they_asked_for(desk: Desk) -> None:
    desk.two_eyes(approver="admin")
    desk.people(ANN)
    desk.apply()
    run = desk.wait_for(desk.admin.ask("job", "run", desk.name)["id"], "awaiting_approval")
    before = desk.stack.alarms("approvals", "not_allowed")
    assert "asked for this run" in desk.admin.complaint("request", "approve", run["request"])
    assert desk.stack.alarms("approvals", "not_allowed") == before + 1
    assert desk.writes() == []
    desk.ada.ask("run", "cancel", run["id"])


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _refused(stack: Stack, services: Sequence[str], events: Sequence[Event], kind: str = "forged") -> None:
    """Publishes events; returns when each of the services has counted an alarm for each of them."""
    before = {service: stack.alarms(service, kind) for service in services}
    for event in events:
        stack.publish(event, str(uuid4()))
    for service in services:
        until(partial(_counted, stack, service, kind, before[service] + len(events)), f"{service} raises alarms")
        assert stack.alarms(service, kind) == before[service] + len(events)


def _counted(stack: Stack, service: str, kind: str, least: float) -> bool:
    return stack.alarms(service, kind) >= least


def _goes_on(desk: Desk, run: Mapping[str, Any]) -> None:
    """The true run waits as before; approved, it writes each change once."""
    assert desk.writes() == []
    assert desk.ada.ask("run", "show", run["id"])["state"] == "awaiting_approval"
    assert desk.approve(run)["results"]["applied"] == 2
    assert [one.op for one in desk.writes()] == ["add"] * 2


def _requested(order: Order, token: str) -> RunRequested:
    job = order.snapshot.job.name
    return RunRequested(
        run_id=order.run_id, job=job, trigger="manual", requested_by="eve", preview=False, order=token
    )  # fmt: skip


def _planned(run: Mapping[str, Any], order: str, plan: str) -> RunPlanned:
    return RunPlanned(
        run_id=run["id"], job=run["job"], preview=False, digest="sha256:0", counts=Counts(), order=order, plan=plan
    )


def _approved(run_id: str, decision: str) -> RunApproved:
    return RunApproved(run_id=run_id, request_id=None, decided_by="eve", decision=decision)


def _a_decision(run: Mapping[str, Any], plan: str) -> Decision:
    return Decision(
        run_id=run["id"], plan=link_hash(plan), request_id=run["request"], approved=True, decided_by=("eve",),
        reason="", decided_at=utc_now(), expires_at=utc_now() + timedelta(days=1),
    )  # fmt: skip


def _verifier(stack: Stack) -> Verifier:
    return Verifier(KeyRing(stack.home / "keys" / "public"), stack.installation)


def _unsigned(link: Order | PlanHeader | Decision) -> str:
    """A token that says that it needs no signature."""
    header = {"alg": "none", "kid": "none", "iss": "scheduler", "typ": type(link).__name__}
    return ".".join([_encoded(json.dumps(header)), _encoded(link.model_dump_json()), ""])


def _with_content(token: str, link: Order | PlanHeader | Decision) -> str:
    """A true token with another content below its signature."""
    header, _, signature = token.split(".")
    return ".".join([header, _encoded(link.model_dump_json()), signature])


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _tokens(stack: Stack, run_id: str) -> tuple[str, str]:
    """The true order and plan of a run."""
    with stack.database() as database:
        query = "SELECT order_token, plan_token FROM sync.runs WHERE run_id = %s"
        found = database.execute(query, [run_id]).fetchone()
    assert found is not None
    return str(found[0]), str(found[1])


def _one(stack: Stack, query: str, *values: str) -> Any:
    with stack.database() as database:
        found = database.execute(query.encode(), values).fetchone()
    assert found is not None
    return found[0]
