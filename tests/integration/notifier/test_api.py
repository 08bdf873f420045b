"""Deliveries as people see them, and sending them again."""

from typing import Any

import pytest

from placet_notifier.deliveries import Refused, Unknown
from tests.support.notifier import OPS, FakeChannel, Notifier, a_request, a_run_finished, a_user
from tests.support.smtp import SmtpServer

BOB = "bob@corp.example"


async def listed(notifier: Notifier, query: str = "") -> list[dict[str, Any]]:
    answer = await notifier.call("GET", f"/api/v1/notifications{query}", roles=("viewer",))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_delivery_is_shown_as_the_interface_has_it(notifier: Notifier) -> None:
    event = a_run_finished()
    await notifier.handle(event)
    await notifier.send_all()
    (item,) = await listed(notifier)
    row = await notifier.the_delivery()
    assert item.pop("created_at").endswith("Z")
    assert item.pop("reason").startswith("no mail settings yet")
    assert item == {
        "id": row.id,
        "run_id": event.run_id,
        "job": "people",
        "cause": "run-finished",
        "recipient": OPS,
        "channel": "email",
        "state": "held",
        "attempts": 0,
        "sent_at": None,
    }


async def test_deliveries_are_found_by_run_and_state_and_paged(notifier: Notifier) -> None:
    await notifier.handle(a_user("bob"))
    request = a_request()
    await notifier.handle(request)
    await notifier.another_sender(FakeChannel()).step()
    await notifier.handle(a_run_finished(notify={"to": [f"p{number}@corp.example" for number in range(5)]}))
    assert [item["recipient"] for item in await listed(notifier, f"?run={request.run_id}")] == [BOB]
    assert [item["cause"] for item in await listed(notifier, "?state=sent")] == ["approval-requested"]
    assert await listed(notifier, "?run=nope&state=queued") == []
    seen, query = [], "?limit=4"
    while True:
        page = (await notifier.call("GET", f"/api/v1/notifications{query}")).json()
        seen += [item["recipient"] for item in page["items"]]
        if page["next"] is None:
            break
        query = f"?limit=4&cursor={page['next']}"
    assert seen == [*(f"p{number}@corp.example" for number in reversed(range(5))), BOB]


@pytest.mark.parametrize(
    "query", ["?cursor=x", "?state=lost", "?limit=0", "?limit=501", "?cursor=99999999999999999999"]
)
async def test_a_wrong_question_is_said_to_be_one(notifier: Notifier, query: str) -> None:
    answer = await notifier.call("GET", f"/api/v1/notifications{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("outcome", [Unknown("lost"), Refused("550 no")])
async def test_an_operator_sends_again_what_may_not_have_arrived(notifier: Notifier, outcome: Any) -> None:
    channel = FakeChannel(answers=[outcome])
    sender = notifier.another_sender(channel)
    await notifier.handle(a_run_finished())
    await sender.step()
    row = await notifier.the_delivery()
    answer = await notifier.call("POST", f"/api/v1/notifications/{row.id}/resend")
    assert (answer.status_code, answer.json()["state"]) == (200, "queued")
    assert answer.json()["reason"] == f"olga asked to send it again; it was {row.state}"
    await sender.step()
    assert (await notifier.the_delivery()).state == "sent"
    first, second = channel.arrived
    assert first.message_id == second.message_id


async def test_a_sent_mail_is_sent_again_by_force_alone(notifier: Notifier) -> None:
    channel = FakeChannel()
    sender = notifier.another_sender(channel)
    await notifier.handle(a_run_finished())
    await sender.step()
    target = f"/api/v1/notifications/{(await notifier.the_delivery()).id}/resend"
    for body in (None, {}, {"force": False}):
        answer = await notifier.call("POST", target, body)
        assert answer.status_code == 409
        assert answer.json()["detail"] == "the notification was sent; to send it a second time, say so with force"
    assert (await notifier.call("POST", target, {"force": True})).status_code == 200
    assert (
        (await notifier.call("POST", target, {"force": True})).json()["detail"].startswith("the notification is queue")
    )
    await sender.step()
    assert len(channel.arrived) == 2
    assert len(await notifier.told()) == 2


async def test_a_held_mail_looks_for_settings_when_asked(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.handle(a_run_finished())
    await notifier.send_all()
    target = f"/api/v1/notifications/{(await notifier.the_delivery()).id}/resend"
    assert (await notifier.call("POST", target)).status_code == 200
    await notifier.send_all()
    assert (await notifier.the_delivery()).state == "held"


@pytest.mark.parametrize(
    ("who", "status"), [(("viewer",), 403), (("editor", "approver"), 403), (("operator",), 404), (("admin",), 404)]
)
async def test_sending_again_is_for_operators(notifier: Notifier, who: tuple[str, ...], status: int) -> None:
    for name in ("nope", "%00", "..%2F"):
        answer = await notifier.call("POST", f"/api/v1/notifications/{name}/resend", roles=who)
        assert answer.status_code in (status, 403, 404)


async def test_nobody_comes_in_but_through_the_console(notifier: Notifier) -> None:
    async with notifier._client() as client:
        assert (await client.get("/api/v1/notifications")).status_code == 403
        assert (await client.post("/api/v1/notifications/x/resend")).status_code == 403


async def test_dead_letters_are_shown_where_they_died(notifier: Notifier) -> None:
    assert (await notifier.call("GET", "/api/v1/dead-letters")).json() == {"items": [], "next": None}


async def test_an_unknown_field_is_refused(notifier: Notifier) -> None:
    answer = await notifier.call("POST", "/api/v1/notifications/x/resend", {"farce": True})
    assert (answer.status_code, answer.json()["field"]) == (422, "farce")
