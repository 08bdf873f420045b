"""What events lead to, in the tables."""

from datetime import timedelta
from typing import Any

import pytest

from placet_shared.clock import utc_now
from placet_shared.errors import ForgedEventError, ReplayedEventError
from placet_shared.events import Event, ObjectChanged, Results
from tests.support.notifier import OPS, Notifier, a_request, a_run_finished, a_user
from tests.support.smtp import SmtpServer

EVE = "eve@corp.example"


async def test_each_recipient_of_a_rule_gets_one_delivery(notifier: Notifier) -> None:
    await notifier.handle(a_run_finished(notify={"to": [OPS, EVE, "OPS@corp.example"]}))
    assert await notifier.states() == {OPS: "queued", EVE: "queued"}


async def test_a_rule_that_does_not_match_tells_nobody(notifier: Notifier) -> None:
    await notifier.handle(a_run_finished(notify={"to": [OPS], "when": "failed"}))
    assert await notifier.states() == {}


async def test_the_same_run_is_told_of_once_however_often_it_ends(notifier: Notifier) -> None:
    event = a_run_finished()
    assert await notifier.handle(event, event_id="1")
    assert not await notifier.handle(event, event_id="1")
    assert await notifier.handle(event, event_id="2")
    later = event.model_copy(update={"outcome": "failed", "notify": {"to": [EVE]}})
    assert await notifier.handle(later, event_id="3")
    assert await notifier.states() == {OPS: "queued"}


@pytest.mark.parametrize(
    ("event", "issuers"),
    [
        (a_run_finished(), ("scheduler", "approvals", "console", "notifier")),
        (a_request(), ("scheduler", "sync-worker", "console", "notifier")),
        (a_user("bob"), ("scheduler", "approvals", "sync-worker", "notifier")),
        (
            ObjectChanged(kind="provider", name="corp", version=1, object=None, signature=""),
            ("console", "approvals", "sync-worker", "notifier"),
        ),
    ],
)
async def test_an_event_counts_from_its_publisher_alone(
    notifier: Notifier, event: Event, issuers: tuple[str, ...]
) -> None:
    for issuer in issuers:
        with pytest.raises(ForgedEventError):
            await notifier.handle(event, issuer=issuer)
    assert await notifier.states() == {}


async def test_a_run_that_ended_before_memory_begins_is_not_told_of_again(notifier: Notifier) -> None:
    with pytest.raises(ReplayedEventError):
        await notifier.handle(a_run_finished(finished_at=utc_now() - timedelta(days=91)))
    with pytest.raises(ReplayedEventError):
        await notifier.handle(a_request(expires_at=utc_now() - timedelta(days=91)))


async def test_approvers_are_asked_where_the_console_says_they_are(notifier: Notifier) -> None:
    await notifier.handle(a_user("bob"))
    await notifier.handle(a_user("eve", groups=("identity",)))
    await notifier.handle(a_user("ada", groups=("identity",)))
    await notifier.handle(a_request(approvers=("bob", "group:identity"), kept_out="ada"))
    assert await notifier.states() == {"bob@corp.example": "queued", EVE: "queued"}


async def test_an_approver_who_becomes_known_later_is_asked_then(notifier: Notifier) -> None:
    request = a_request(approvers=("bob", "group:identity"))
    await notifier.handle(request)
    assert await notifier.states() == {}
    await notifier.handle(a_user("bob"))
    await notifier.handle(a_user("eve"))
    assert await notifier.states() == {"bob@corp.example": "queued"}
    await notifier.handle(a_user("eve", groups=("identity",), version=2))
    await notifier.handle(a_user("bob", version=2))
    assert await notifier.states() == {"bob@corp.example": "queued", EVE: "queued"}


@pytest.mark.parametrize("finished_first", [True, False])
async def test_nobody_new_is_asked_about_a_run_that_is_over(notifier: Notifier, finished_first: bool) -> None:
    request = a_request()
    events: list[Event] = [request, a_run_finished(run_id=request.run_id, notify=None)]
    for event in reversed(events) if finished_first else events:
        await notifier.handle(event)
    await notifier.handle(a_user("bob"))
    assert await notifier.states() == {}


async def test_nobody_new_is_asked_about_a_request_that_expired(notifier: Notifier) -> None:
    await notifier.handle(a_request(expires_at=utc_now() - timedelta(seconds=1)))
    await notifier.handle(a_user("bob"))
    assert await notifier.states() == {}


async def test_users_never_go_backwards(notifier: Notifier) -> None:
    await notifier.handle(a_user("bob", version=3, email="new@corp.example"))
    await notifier.handle(a_user("bob", version=2, email="old@corp.example"))
    await notifier.handle(a_user("bob", version=3, email="other@corp.example"))
    await notifier.handle(a_request())
    assert list(await notifier.states()) == ["new@corp.example"]


async def test_a_user_who_left_does_not_come_back(notifier: Notifier) -> None:
    await notifier.handle(a_user("bob", version=2, deleted=True))
    await notifier.handle(a_user("bob", version=1))
    await notifier.handle(a_request())
    assert await notifier.states() == {}


async def test_settings_never_go_backwards(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.configure("corp", smtp.settings(sender="new@corp.example"), version=5)
    await notifier.configure("corp", smtp.settings(sender="old@corp.example"), version=4)
    await notifier.configure("corp", None, version=3, deleted=True)
    await notifier.handle(a_run_finished())
    await notifier.send_all()
    assert [mail.sender for mail in smtp.caught] == ["new@corp.example"]


@pytest.mark.parametrize("gone", [{"deleted": True}, {}])
async def test_settings_that_are_gone_are_not_used(notifier: Notifier, smtp: SmtpServer, gone: dict[str, Any]) -> None:
    await notifier.configure("corp", smtp.settings(), version=1)
    await notifier.configure("corp", None, version=2, **gone)
    await notifier.handle(a_run_finished())
    await notifier.send_all()
    assert await notifier.states() == {OPS: "held"}


async def test_other_kinds_of_objects_are_none_of_its_business(notifier: Notifier) -> None:
    await notifier.configure("corp", {"host": 1}, kind="job")


@pytest.mark.parametrize(
    ("future", "wrong"), [({"pigeon": True}, "pigeon: is an unknown field"), ({"port": "coo"}, "port: should be")]
)
async def test_what_would_go_by_settings_of_the_future_waits_for_an_upgrade(
    notifier: Notifier, smtp: SmtpServer, future: dict[str, Any], wrong: str
) -> None:
    await notifier.configure("corp", smtp.settings(**future))
    await notifier.handle(a_run_finished())
    await notifier.send_all()
    row = await notifier.the_delivery()
    assert (row.state, row.reason.startswith(f"notifications of corp: {wrong}")) == ("held", True)
    assert row.reason.endswith("; apply them again, or upgrade the notifier")


async def test_a_run_that_failed_halfway_is_told_of_with_both_halves(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.configure("corp", smtp.settings())
    halves = {"results": Results(applied=1, failed=2), "applied": {"update": 1}, "problems": ("17: failed",)}
    rule = {"to": [OPS], "when": "failed"}
    await notifier.handle(a_run_finished(outcome="failed", reason="gave up", notify=rule, **halves))
    await notifier.send_all()
    (mail,) = smtp.caught
    assert mail.message["Subject"] == "[Placet] people: failed; 1 updated, 2 failed"
    assert "Reason: gave up" in mail.text
    assert "17: failed" in mail.text
