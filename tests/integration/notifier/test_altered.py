"""Who can write to the notifier's tables makes no mail, moves none and has no secret sent anywhere: what was altered
fails with an alarm."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from placet_notifier.deliveries import delivery_id
from placet_shared.migrating import migrate
from tests.support.alarms import alarms
from tests.support.notifier import OPS, Notifier, a_request, a_run_finished, a_user
from tests.support.smtp import SmtpServer, smtp_server

EVIL = "victim@evil.example"


@pytest.fixture
async def ready(notifier: Notifier, smtp: SmtpServer) -> Notifier:
    """A notifier whose store `corp` sends by `smtp`."""
    await notifier.configure("corp", smtp.settings())
    return notifier


async def ended(notifier: Notifier, *words: str) -> None:
    """Sends all, and the one delivery fails in these words and with an alarm."""
    before = alarms("altered")
    await notifier.send_all()
    row = await notifier.the_delivery()
    assert (row.state, row.reason.startswith("not sent: ")) == ("failed", True), row.reason
    assert all(word in row.reason for word in words), row.reason
    assert alarms("altered") > before


@pytest.mark.parametrize(
    "change",
    [
        """event = event || '{"reason": "call +1 555 0100", "outcome": "failed"}'""",
        """event = event || '{"signature": ""}'""",
        """event = event || '{"outcome": "odd"}'""",
        """event = event - 'run_id'""",
        "run_id = 'another'",
        "kind = 'approval-requested'",
        "kind = 'odd'",
    ],
)
async def test_an_altered_cause_makes_no_mail(ready: Notifier, smtp: SmtpServer, change: str) -> None:
    await ready.handle(a_run_finished())
    await ready.alter(f"UPDATE notifier.causes SET {change}")
    await ended(ready)
    assert smtp.caught == []


async def test_a_cause_of_another_run_makes_no_mail(ready: Notifier, smtp: SmtpServer) -> None:
    """Signed, but about something else."""
    await ready.handle(a_run_finished(notify=None, reason="another"))
    await ready.handle(a_run_finished())
    await ready.alter(
        "UPDATE notifier.causes SET event = (SELECT event FROM notifier.causes WHERE event ->> 'reason' = 'another')"
    )
    await ended(ready, "tells of something else")
    assert smtp.caught == []


async def test_altered_settings_send_no_secret_to_another_host(
    ready: Notifier, smtp: SmtpServer, tmp_path: Path
) -> None:
    """With the secret of another host, to a server that takes any password."""
    (tmp_path / "elsewhere").mkdir()
    with smtp_server(tmp_path / "elsewhere", users={"x": "s3cret"}) as strangers:
        settings = json.dumps(strangers.settings(username="x", password={"file": "directory"}))
        await ready.handle(a_run_finished())
        await ready.alter(
            "UPDATE notifier.stores SET event = jsonb_set(event, '{object,notifications}', CAST(:settings AS jsonb))",
            settings=settings,
        )
        await ended(ready, "mail settings of corp were altered")
        assert (strangers.connections, smtp.caught) == (0, [])


@pytest.mark.parametrize("change", ["version = 2000", "name = 'hr'"])
async def test_settings_of_another_store_or_version_are_not_used(
    ready: Notifier, smtp: SmtpServer, change: str
) -> None:
    await ready.handle(a_run_finished())
    await ready.alter(f"UPDATE notifier.stores SET {change}")
    await ended(ready, "are of something else")
    assert smtp.caught == []


async def test_altered_settings_are_mended_by_the_next_news_of_them(ready: Notifier, smtp: SmtpServer) -> None:
    await ready.handle(a_run_finished())
    await ready.alter("UPDATE notifier.stores SET version = 2000, event = event || '{\"version\": 2000}'")
    await ready.configure("corp", smtp.settings())  # the scheduler tells it again every hour
    await ready.send_all()
    assert (await ready.the_delivery()).state == "sent"


@pytest.mark.parametrize("own_id", [True, False])
async def test_who_is_not_named_gets_nothing(ready: Notifier, smtp: SmtpServer, own_id: bool) -> None:
    finished = a_run_finished(notify=None)
    await ready.handle(finished)
    cause = f"run-finished/{finished.run_id}"
    await insert(ready, cause, EVIL, delivery_id(cause, "email", EVIL) if own_id else str(uuid4()))
    await ended(ready)
    assert smtp.caught == []


async def test_nobody_gets_it_twice_under_another_id(ready: Notifier, smtp: SmtpServer) -> None:
    finished = a_run_finished()
    await ready.handle(finished)
    await insert(ready, f"run-finished/{finished.run_id}", OPS.upper(), str(uuid4()))
    await ready.send_all()
    assert await ready.states() == {OPS: "sent", OPS.upper(): "failed"}
    assert len(smtp.caught) == 1


async def test_who_is_not_asked_gets_nothing(ready: Notifier, smtp: SmtpServer) -> None:
    await ready.handle(a_user("bob"))
    request = a_request()
    await ready.handle(request)
    cause = f"approval-requested/{request.request_id}"
    await insert(ready, cause, EVIL, delivery_id(cause, "email", EVIL))
    await ready.send_all()
    assert await ready.states() == {"bob@corp.example": "sent", EVIL: "failed"}
    assert [mail.recipient for mail in smtp.caught] == ["bob@corp.example"]


async def test_an_altered_address_of_a_user_is_not_used(ready: Notifier, smtp: SmtpServer) -> None:
    await ready.handle(a_user("bob"))
    await ready.alter(
        "UPDATE notifier.users SET event = event || CAST(:event AS jsonb)", event=json.dumps({"email": EVIL})
    )
    before = alarms("altered")
    await ready.handle(a_request())
    await ready.send_all()
    assert (await ready.deliveries(), smtp.caught, alarms("altered") > before) == ([], [], True)


async def test_a_mail_that_waits_goes_to_where_its_recipient_is_now(ready: Notifier, smtp: SmtpServer) -> None:
    await ready.handle(a_user("bob"))
    await ready.handle(a_request())
    await ready.handle(a_user("bob", email="bob@new.example", version=2))
    await ready.send_all()
    assert [mail.recipient for mail in smtp.caught] == ["bob@new.example"]
    assert (await ready.states())["bob@corp.example"] == "failed"


async def test_stores_of_before_the_upgrade_wait_until_they_are_told_again(ready: Notifier, smtp: SmtpServer) -> None:
    """Another server would send in another name."""
    await ready.alter("ALTER TABLE notifier.stores DROP COLUMN event, ADD COLUMN notifications jsonb")
    await ready.alter('UPDATE notifier.stores SET notifications = \'{"host": "old"}\'')
    await ready.alter("UPDATE notifier.alembic_version SET version_num = '0001'")
    service: Any = ready.service
    async with ready.database.engine.begin() as connection:
        await connection.run_sync(migrate, service.migrations, service.metadata)
    await ready.handle(a_run_finished())
    await ready.send_all()
    row = await ready.the_delivery()
    assert (row.state, "told again within the hour" in row.reason) == ("held", True)
    await ready.configure("corp", smtp.settings())
    await ready.send_all()
    assert (await ready.the_delivery()).state == "sent"


async def insert(notifier: Notifier, cause: str, recipient: str, row_id: str) -> None:
    await notifier.alter(
        "INSERT INTO notifier.deliveries (id, cause_id, recipient, channel) VALUES (:id, :cause, :recipient, 'email')",
        id=row_id, cause=cause, recipient=recipient,
    )  # fmt: skip
