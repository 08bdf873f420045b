"""Requests and the decisions about them, over HTTP and on a real PostgreSQL."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from placet_approvals.app import build
from placet_shared.clock import utc_now
from placet_shared.events import Counts, UserChanged
from placet_shared.objects import Workflow
from tests.support.approvals import Approvals, cancelled, state_of
from tests.support.signing import an_identity, an_order, identity_header

LONG_AGO = utc_now() - timedelta(hours=73)
"""So long ago that nobody may decide any more."""


def workflow(**stage: Any) -> Workflow:
    approvers = {"approvers": ["bob", "eve", "group:identity", "ada"]}
    return Workflow.model_validate({"name": "two-eyes", "stages": [approvers | stage]})


async def test_an_approver_approves(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow()), safety="value", warnings=("two folded matches",))
    answer = await approvals.vote("bob", "approve", "looks right")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["state"], shown["decided_by"], shown["comment"]) == ("approved", "bob", "looks right")
    assert (shown["safety"], shown["warnings"], shown["by_attribute"]) == ("value", ["two folded matches"], {"sn": 3})
    assert [(vote["user"], vote["decision"], vote["comment"]) for vote in shown["votes"]] == [
        ("bob", "approve", "looks right")
    ]
    (decision,) = await approvals.decisions(planned)
    assert (decision.approved, decision.decided_by, decision.request_id) == (True, ("bob",), shown["id"])


async def test_a_denial_ends_it_at_once(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow(need=2)))
    await approvals.vote("bob", "approve")
    refused = await approvals.vote("eve", "deny")
    assert (refused.status_code, refused.json()["field"]) == (422, "comment")
    assert (await approvals.vote("eve", "deny", "not on a Friday")).json()["state"] == "denied"
    (decision,) = await approvals.decisions(planned)
    assert (decision.approved, decision.decided_by, decision.reason) == (False, ("eve",), "not on a Friday")


async def test_several_are_needed(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow(need=2)))
    assert (await approvals.vote("bob", "approve")).json()["state"] == "open"
    again = await approvals.vote("bob", "approve")
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "bob has already approved this request, and one person has one vote",
    )
    assert await approvals.decisions(planned) == []
    assert (await approvals.vote("kim", "approve", groups=("identity",))).json()["state"] == "approved"
    (decision,) = await approvals.decisions(planned)
    assert decision.decided_by == ("bob", "kim")


async def test_who_can_approve_is_said_while_somebody_can(approvals: Approvals) -> None:
    await approvals.plan(an_order(workflow=workflow(need=2)))
    request_id = (await approvals.the_request()).request_id

    async def can() -> list[str]:
        one = (await approvals.get(f"/api/v1/requests/{request_id}")).json()["can_approve"]
        (listed,) = (await approvals.get("/api/v1/requests")).json()["items"]
        assert listed["can_approve"] == one
        return list(one)

    assert await can() == []
    known: dict[str, dict[str, Any]] = {"eve": {"disabled": True}, "kim": {"groups": ("identity",)}}
    for name in ("ada", "bob", "eve", "kim", "zoe"):
        more = {"name": name, "version": 1, "roles": ("approver",)} | known.get(name, {})
        await approvals.handle(approvals.keys.signer("console").signed(UserChanged, **more))
    assert await can() == ["bob", "kim"]
    await approvals.vote("bob", "approve")
    assert await can() == ["kim"]
    await approvals.vote("kim", "deny", "no", groups=("identity",))
    assert await can() == []


async def test_everybody_is_needed(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow(need="all")))
    early = await approvals.vote("bob", "approve")
    assert (early.status_code, early.json()["title"]) == (503, "Try again")
    await _know(approvals, "bob", "eve", "ada", kim=("identity",))
    await approvals.handle(  # older than what is known, so kim still counts
        approvals.keys.signer("console").signed(UserChanged, name="kim", version=1, disabled=True)
    )
    assert (await approvals.vote("bob", "approve")).json()["state"] == "open"
    assert (await approvals.vote("kim", "approve", groups=("identity",))).json()["state"] == "open"
    assert (await approvals.vote("eve", "approve")).json()["state"] == "approved"
    assert len(await approvals.decisions(planned)) == 1


@pytest.mark.parametrize("gone", ["DELETE FROM approvals.users", "UPDATE approvals.users SET event = event || :event"])
async def test_who_is_taken_out_of_the_table_is_needed_all_the_same(approvals: Approvals, gone: str) -> None:
    both = Workflow.model_validate(
        {"name": "both", "stages": [{"approvers": ["bob", "dan@corp.example"], "need": "all"}]}
    )
    planned = await approvals.plan(an_order(workflow=both))
    await _know(approvals, "bob", dan=())
    event = {"event": '{"disabled": true}'} if ":event" in gone else {}
    await approvals.alter(gone.replace(":event", "CAST(:event AS jsonb)") + " WHERE name = 'dan'", **event)
    assert (await approvals.vote("bob", "approve")).json()["state"] == "open"
    await _know(approvals, dan=())  # the console says it again every hour
    assert (await approvals.vote("dan", "approve")).json()["state"] == "approved"
    assert len(await approvals.decisions(planned)) == 1


async def _know(approvals: Approvals, *names: str, **groups: tuple[str, ...]) -> None:
    """The console tells of approvers, with their groups."""
    signer = approvals.keys.signer("console")
    for name in (*names, *groups):
        of = {"email": f"{name}@corp.example", "groups": groups.get(name, ())}
        await approvals.handle(signer.signed(UserChanged, name=name, version=2, roles=("approver",), **of))


@pytest.mark.parametrize(
    ("user", "who", "status", "sentence"),
    [
        ("bob", {"roles": ("viewer", "operator")}, 403, "bob needs the role approver for this; ask an admin"),
        ("ada", {}, 403, "ada asked for this run, so somebody else must decide about it"),
        ("zoe", {}, 403, "zoe is not among the approvers of this request: bob, eve, group:identity, ada"),
        ("root", {"roles": ("admin",)}, 403, "root is not among the approvers of this request"),
    ],
)
async def test_who_may_not_decide_is_told_why(
    approvals: Approvals, user: str, who: dict[str, Any], status: int, sentence: str
) -> None:
    planned = await approvals.plan(an_order(workflow=workflow()))
    for decision in ("approve", "deny"):
        answer = await approvals.vote(user, decision, "because", **who)
        assert answer.status_code == status
        assert answer.json()["detail"].startswith(sentence)
    assert await approvals.decisions(planned) == []


async def test_what_is_decided_stays_decided(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow()))
    await approvals.vote("bob", "approve")
    answer = await approvals.vote("eve", "deny", "too late")
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("the request was already approved by bob at 20")
    assert len(await approvals.decisions(planned)) == 1


async def test_the_same_call_sent_twice_is_one_vote(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow()))
    for _ in range(2):
        answer = await approvals.vote("bob", "approve", key="7f2a")
        assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    assert (await approvals.vote("eve", "approve", key="7f2a")).status_code == 409
    assert len(await approvals.decisions(planned)) == 1


async def test_a_key_used_again_for_another_word_is_another_call(approvals: Approvals) -> None:
    await approvals.plan(an_order(workflow=workflow(need=2)))
    await approvals.vote("bob", "approve", key="7f2a")
    assert (await approvals.vote("bob", "deny", "I was wrong", key="7f2a")).json()["state"] == "denied"


async def test_a_body_that_others_could_not_read_is_no_proof(approvals: Approvals) -> None:
    await approvals.plan(an_order(workflow=workflow()))
    target = f"/api/v1/requests/{(await approvals.the_request()).request_id}/decisions"
    body = '{"decision": "approve"}'.encode("utf-16")
    headers = identity_header(approvals.keys, an_identity("bob", "POST", target, body))
    async with approvals.client() as client:
        answer = await client.post(target, content=body, headers=headers | {"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert (await approvals.vote("bob", "approve")).json()["state"] == "approved"


async def test_a_vote_whose_proof_was_lost_can_be_cast_again(approvals: Approvals) -> None:
    await approvals.plan(an_order(workflow=workflow(need=2)))
    await approvals.vote("bob", "approve")
    approvals.keys.rotate("console")
    assert (await approvals.vote("eve", "approve")).json()["state"] == "open"
    assert (await approvals.vote("bob", "approve")).json()["state"] == "approved"


async def test_no_request_is_found_by_another_name(approvals: Approvals) -> None:
    for name in ("nope", "x' OR '1'='1", "%00"):
        answer = await approvals.vote("bob", "approve", request_id=name)
        assert answer.status_code in (403, 404), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_calls_that_did_not_come_through_the_console_are_refused(approvals: Approvals) -> None:
    await approvals.plan(an_order(workflow=workflow()))
    request_id = (await approvals.the_request()).request_id
    target, body = f"/api/v1/requests/{request_id}/decisions", b'{"decision": "approve"}'
    good = an_identity("bob", "POST", target, body)
    signed = approvals.keys.signer
    tokens = {
        "none": "",
        "garbage": "a.b.c",
        "by another service": signed("scheduler").sign(good),
        "for another path": signed("console").sign(an_identity("bob", "POST", "/api/v1/requests/x/decisions", body)),
        "for another query": signed("console").sign(an_identity("bob", "POST", f"{target}?x=1", body)),
        "for another method": signed("console").sign(an_identity("bob", "GET", target, body)),
        "for another body": signed("console").sign(an_identity("bob", "POST", target, body + b" ")),
        "of long ago": signed("console").sign(good.model_copy(update={"issued_at": utc_now() - timedelta(minutes=2)})),
        "of the future": signed("console").sign(
            good.model_copy(update={"issued_at": utc_now() + timedelta(minutes=2)})
        ),
        "for another purpose": signed("console").sign_bytes("UserChanged", good.model_dump_json().encode()),
    }
    async with approvals.client() as client:
        for what, token in tokens.items():
            headers = {"Placet-Identity": token, "Content-Type": "application/json"}
            answer = await client.post(target, content=body, headers=headers)
            assert answer.status_code == 403, what
    assert (await approvals.vote("bob", "approve")).json()["state"] == "approved"


async def test_two_votes_at_once_make_one_decision(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow(need=2)))
    voters = ("bob", "eve", "kim", "lee")
    answers = await asyncio.gather(*(approvals.vote(user, "approve", groups=("identity",)) for user in voters))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409]
    (decision,) = await approvals.decisions(planned)
    assert len(decision.decided_by) == 2


async def test_yes_and_no_at_once_make_one_decision(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow()))
    answers = await asyncio.gather(approvals.vote("bob", "approve"), approvals.vote("eve", "deny", "no"))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await approvals.decisions(planned)) == 1


async def test_a_vote_and_the_clock_make_one_decision(approvals: Approvals) -> None:
    """The sweeper leaves a request alone that somebody is deciding about; that vote comes too late."""
    planned = await approvals.plan(an_order(workflow=workflow()), planned_at=LONG_AGO)
    request_id = (await approvals.the_request()).request_id
    async with approvals.database.engine.begin() as connection:
        await connection.exec_driver_sql("SELECT 1 FROM approvals.runs FOR UPDATE")
        vote = asyncio.create_task(approvals.vote("bob", "approve", request_id=request_id))
        await _until_waiting(approvals)
        await approvals.expire()
        assert await approvals.decisions(planned) == []
    answer = await vote
    assert (answer.status_code, "expired at" in answer.text) == (409, True)
    await approvals.expire()
    (decision,) = await approvals.decisions(planned)
    assert decision.decided_by == ("expiry",)


async def test_the_clock_leaves_alone_what_is_being_decided(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow()), planned_at=LONG_AGO)
    async with approvals.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE approvals.runs SET state = 'withdrawn'")
        await asyncio.wait_for(approvals.expire(), 20)
    await approvals.expire()
    assert await approvals.decisions(planned) == []


async def test_a_vote_and_a_cancellation_agree(approvals: Approvals) -> None:
    order = an_order(workflow=workflow())
    planned = await approvals.plan(order)
    vote, _ = await asyncio.gather(
        approvals.vote("bob", "approve"), approvals.handle(cancelled(approvals, order.run_id))
    )
    decided = len(await approvals.decisions(planned))
    assert (vote.status_code, decided, await state_of(approvals, order.run_id)) in (
        (200, 1, "approved"),
        (409, 0, "withdrawn"),
    )


async def test_a_withdrawn_request_says_so(approvals: Approvals) -> None:
    order = an_order(workflow=workflow())
    await approvals.plan(order)
    await approvals.handle(cancelled(approvals, order.run_id))
    answer = await approvals.vote("bob", "approve")
    assert answer.json()["detail"].startswith("the request was already withdrawn by olga at ")


async def test_requests_are_listed_newest_first_page_by_page(approvals: Approvals) -> None:
    orders = [an_order(workflow=workflow()) for _ in range(5)]
    for order in orders:
        await approvals.plan(order)
    await approvals.handle(cancelled(approvals, orders[0].run_id))
    await approvals.plan(an_order())
    seen, target = [], "/api/v1/requests?limit=2"
    while target:
        page = (await approvals.get(target)).json()
        seen += [item["run_id"] for item in page["items"]]
        target = f"/api/v1/requests?limit=2&cursor={page['next']}" if page["next"] else ""
    assert seen == [order.run_id for order in reversed(orders)]
    assert len((await approvals.get("/api/v1/requests?state=open")).json()["items"]) == 4
    for query in ("cursor=1'--", "cursor=99999999999999999999", "limit=0", "limit=501", "state=maybe", "cursor=٣"):
        refused = await approvals.get(f"/api/v1/requests?{query}")
        assert refused.status_code in (403, 422), query


async def test_an_altered_plan_is_neither_shown_nor_decided(approvals: Approvals) -> None:
    small = await approvals.plan(an_order(workflow=workflow(), run_id="small"), counts=Counts(update=1))
    request_id = (await approvals.the_request()).request_id
    big = await approvals.plan(an_order(workflow=workflow(), run_id="big"), counts=Counts(delete=99))
    plan = {"order": big.order, "plan": big.plan}
    await approvals.alter(
        "UPDATE approvals.runs SET order_token = :order, plan_token = :plan WHERE run_id = 'small'", **plan
    )
    answer = await approvals.vote("bob", "approve", request_id=request_id)
    assert (answer.status_code, "altered" in answer.text) == (409, True)
    assert (await approvals.get(f"/api/v1/requests/{request_id}")).status_code == 409
    assert [item["run_id"] for item in (await approvals.get("/api/v1/requests")).json()["items"]] == ["big"]
    assert await approvals.decisions(small) == await approvals.decisions(big) == []
    await approvals.alter("UPDATE approvals.runs SET run_id = 'gone', expires_at = now() WHERE run_id = 'small'")
    await approvals.expire()
    assert await state_of(approvals, "gone") == "withdrawn"


async def test_a_vote_that_was_put_into_the_table_counts_for_nothing(approvals: Approvals) -> None:
    planned = await approvals.plan(an_order(workflow=workflow(need=2)))
    other = await approvals.plan(an_order(workflow=workflow()))
    request_id, other_id = [(await approvals.the_request(event.run_id)).request_id for event in (planned, other)]
    assert (await approvals.vote("eve", "approve", request_id=other_id)).status_code == 200
    await approvals.alter(
        "INSERT INTO approvals.votes SELECT :id, voter, approve, voted_at, identity, body FROM approvals.votes",
        id=request_id,
    )
    assert (await approvals.vote("bob", "approve", request_id=request_id)).json()["state"] == "open"
    assert await approvals.decisions(planned) == []


async def test_a_run_from_before_a_restore_is_not_decided(approvals: Approvals) -> None:
    await approvals.plan(an_order(workflow=workflow()))
    restored = Approvals(build(approvals.service.settings.model_copy(update={"epoch": 2})), approvals.keys)
    answer = await restored.vote("bob", "approve", request_id=(await approvals.the_request()).request_id)
    assert (answer.status_code, "epoch" in answer.text) == (400, True)
    await restored.database.engine.dispose()


async def test_the_audit_passes_over_rotated_keys(approvals: Approvals) -> None:
    await approvals.plan(an_order())
    await approvals.plan(an_order(workflow=workflow()))
    await approvals.vote("bob", "approve")
    for service in ("scheduler", "sync-worker", "approvals", "console"):
        approvals.keys.rotate(service)
    assert (await approvals.get("/api/v1/audit")).json() == {"ok": True, "runs": 2, "problems": []}
    assert (await approvals.get("/api/v1/requests")).json()["items"][0]["state"] == "approved"


@pytest.mark.parametrize(
    ("tampering", "sentence"),
    [
        ("UPDATE approvals.runs SET decision_token = NULL", "the decision is missing"),
        ("UPDATE approvals.runs SET state = 'denied'", "the signed decision says otherwise"),
        ("UPDATE approvals.runs SET plan_token = plan_token || 'x'", "PlanHeader"),
        ("UPDATE approvals.runs SET run_id = 'other'", "not about other"),
        ("DELETE FROM approvals.votes", "a vote that the decision names is missing"),
        ("UPDATE approvals.votes SET body = body || ' '", "a vote that the decision names is missing"),
        ("UPDATE approvals.votes SET voter = 'eve'", "a vote that the decision names is missing"),
    ],
)
async def test_the_audit_finds_what_was_altered(approvals: Approvals, tampering: str, sentence: str) -> None:
    await approvals.plan(an_order(workflow=workflow()))
    await approvals.vote("bob", "approve")
    await approvals.alter(tampering)
    found = (await approvals.get("/api/v1/audit")).json()
    assert (found["ok"], found["runs"], len(found["problems"])) == (False, 1, 1)
    assert sentence in found["problems"][0]


async def _until_waiting(approvals: Approvals) -> None:
    """Until some transaction waits for a lock."""
    while True:
        async with approvals.database.engine.connect() as connection:
            waiting = await connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if waiting.scalar_one():
                return
