"""From a delivery to the mail, on a real PostgreSQL and a real SMTP server."""

import asyncio
from datetime import timedelta
from pathlib import Path

from placet_notifier.app import build
from placet_notifier.channels.email import EmailChannel
from placet_notifier.deliveries import Later, Unusable
from placet_notifier.sender import erase_old
from placet_notifier.settings import NotifierSettings
from placet_shared.clock import utc_now
from placet_shared.events import Results
from tests.support.delivery import until
from tests.support.notifier import OPS, FakeChannel, Notifier, a_request, a_run_finished, a_user
from tests.support.signing import SigningKeys
from tests.support.smtp import SmtpServer, silent_port, smtp_server

BOB = "bob@corp.example"


async def test_results_are_mailed_by_the_destinations_server(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.configure("corp", smtp.settings())
    event = a_run_finished(
        results=Results(applied=300, failed=2), applied={"create": 300}, outcome="succeeded_with_errors",
        problems=("10017: failed",),
    )  # fmt: skip
    await notifier.handle(event)
    await notifier.send_all()
    (mail,) = smtp.caught
    assert (mail.sender, mail.recipient) == ("placet@corp.example", OPS)
    assert mail.message["Subject"] == "[Placet] people: 300 created, 2 failed"
    assert mail.text.startswith("Job people is done, with errors: 300 created, 2 failed")
    assert f"placet run changes {event.run_id} --result failed" in mail.text
    row = await notifier.the_delivery()
    assert (row.state, row.attempts, row.reason) == ("sent", 1, "250 OK, kept")
    assert mail.message["Message-ID"] == row.message_id == f"<{row.id}@corp.example>"
    (told,) = await notifier.told()
    assert (told.run_id, told.delivery_id, told.recipient) == (event.run_id, row.id, OPS)
    assert (told.channel, told.state) == ("email", "sent")


async def test_approvers_are_mailed_the_command_that_decides(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.configure("hr", smtp.settings())
    await notifier.handle(a_user("bob"))
    request = a_request()
    await notifier.handle(request)
    await notifier.send_all()
    (mail,) = smtp.caught
    assert mail.recipient == BOB
    assert mail.message["Subject"] == "[Placet] people: approval needed, 3 to create, 1 to delete"
    assert f"placet request approve {request.request_id}" in mail.text
    assert f"placet run changes {request.run_id}" in mail.html


async def test_a_mail_waits_as_held_until_there_are_settings(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.handle(a_run_finished())
    await notifier.send_all()
    row = await notifier.the_delivery()
    assert (row.state, row.attempts) == ("held", 0)
    assert row.reason.startswith("no mail settings yet: `placet notification configure corp --host")
    await notifier.configure("elsewhere", smtp.settings())
    await notifier.send_all()
    assert await notifier.states() == {OPS: "held"}
    await notifier.configure("hr", smtp.settings())
    await notifier.send_all()
    assert await notifier.states() == {OPS: "sent"}
    assert len(smtp.caught) == 1


async def test_a_missing_secret_holds_the_mail_until_it_is_there(
    notifier: Notifier, settings: NotifierSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "auth"
    folder.mkdir()
    with smtp_server(folder, users={"placet": "s3cret"}) as server:
        await notifier.configure("corp", server.settings(username="placet", password={"file": "smtp"}))
        await notifier.handle(a_run_finished())
        await notifier.send_all()
        row = await notifier.the_delivery()
        assert (row.state, row.attempts) == ("held", 0)
        assert row.reason.startswith("notifications of corp: file smtp in the secrets folder cannot be read")
        (settings.secrets / "smtp").write_text("s3cret\n")
        await notifier.hurry()
        await notifier.send_all()
        assert [mail.user for mail in server.caught] == ["placet"]


async def test_a_refused_login_holds_the_mail(notifier: Notifier, settings: NotifierSettings, tmp_path: Path) -> None:
    (settings.secrets / "smtp").write_text("wrong")
    folder = tmp_path / "auth"
    folder.mkdir()
    with smtp_server(folder, users={"placet": "s3cret"}) as server:
        await notifier.configure("corp", server.settings(username="placet", password={"file": "smtp"}))
        await notifier.handle(a_run_finished(notify={"to": [OPS, BOB]}))
        await notifier.send_all()
        assert await notifier.states() == {OPS: "held", BOB: "held"}
        assert server.connections == 1
        (settings.secrets / "smtp").write_text("s3cret")
        await notifier.hurry()
        await notifier.send_all()
        assert sorted(mail.recipient for mail in server.caught) == [BOB, OPS]


async def test_the_notifiers_own_server_serves_stores_without_one(
    settings: NotifierSettings, keys: SigningKeys, smtp: SmtpServer, notifier: Notifier
) -> None:
    own = {"smtp_host": "localhost", "smtp_port": smtp.port, "smtp_security": "none", "smtp_sender": "own@x.example"}
    service = build(settings.model_copy(update=own))
    await notifier.handle(a_run_finished())
    sending = next(loop for loop in service.loops if loop.name.startswith("sending"))
    assert await sending._step()
    assert [mail.sender for mail in smtp.caught] == ["own@x.example"]
    await service.database.engine.dispose()


async def test_a_mail_server_that_is_away_is_tried_again(notifier: Notifier, tmp_path: Path) -> None:
    server = SmtpServer(tmp_path)
    server.start()
    gone = server.settings()
    server.stop()
    await notifier.configure("corp", gone)
    await notifier.handle(a_run_finished())
    await notifier.send_all()
    row = await notifier.the_delivery()
    assert (row.state, row.attempts) == ("queued", 1)
    assert row.next_at > utc_now()
    assert "Connect call failed" in row.reason
    again = SmtpServer(tmp_path)
    again.port = server.port
    again.start()
    fresh = notifier.another_sender(notifier.channel)
    await notifier.hurry()
    assert await fresh.step()
    assert (await notifier.the_delivery()).attempts == 2
    assert len(again.caught) == 1
    again.stop()


async def test_a_greylisting_server_gets_the_mail_later_and_nobody_else_waits(
    notifier: Notifier, smtp: SmtpServer
) -> None:
    await notifier.configure("corp", smtp.settings())
    smtp.manners.recipients[OPS] = "451 4.7.1 come back later"
    await notifier.handle(a_run_finished(notify={"to": [OPS, BOB]}))
    await notifier.send_all()
    assert await notifier.states() == {OPS: "queued", BOB: "sent"}
    smtp.manners.recipients.clear()
    await notifier.hurry()
    await notifier.send_all()
    assert [mail.recipient for mail in smtp.caught] == [BOB, OPS]
    assert len(await notifier.told()) == 2


async def test_a_recipient_that_is_refused_fails_with_the_servers_words(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.configure("corp", smtp.settings())
    smtp.manners.recipients[OPS] = "550 5.1.1 no such user here"
    await notifier.handle(a_run_finished(notify={"to": [OPS, BOB]}))
    await notifier.send_all()
    assert await notifier.states() == {OPS: "failed", BOB: "sent"}
    reasons = {row.recipient: row.reason for row in await notifier.deliveries()}
    assert reasons[OPS] == "550 5.1.1 no such user here"


async def test_a_mail_that_was_taken_without_an_answer_is_uncertain_and_stays_so(
    notifier: Notifier, smtp: SmtpServer
) -> None:
    await notifier.configure("corp", smtp.settings())
    smtp.manners.after_data = "die"
    await notifier.handle(a_run_finished())
    await notifier.send_all()
    smtp.manners.after_data = "answer"
    await notifier.hurry()
    await notifier.recover()
    await notifier.configure("corp", smtp.settings(), version=2)
    await notifier.send_all()
    row = await notifier.the_delivery()
    assert row.state == "uncertain"
    assert "did not answer after the mail was handed over" in row.reason
    assert len(smtp.caught) == 1
    assert await notifier.told() == []


async def test_a_server_that_hangs_holds_up_its_own_mails_alone(notifier: Notifier, smtp: SmtpServer) -> None:
    with silent_port() as port:
        await notifier.configure("corp", smtp.settings(port=port))
        await notifier.configure("hr", smtp.settings())
        await notifier.handle(a_run_finished(stores=("corp",)))
        impatient = notifier.another_sender(EmailChannel(None, Path("unused"), {}, session_seconds=2))
        hanging = asyncio.create_task(impatient.step())
        await until(lambda: has_state(notifier, OPS, "sending"))
        await notifier.handle(a_run_finished(stores=("hr",), notify={"to": [BOB]}))
        assert await notifier.sender.step()
        assert await notifier.states() == {OPS: "sending", BOB: "sent"}
        assert await hanging
        assert await notifier.states() == {OPS: "queued", BOB: "sent"}


async def has_state(notifier: Notifier, recipient: str, state: str) -> bool:
    return (await notifier.states()).get(recipient) == state


async def test_one_failure_of_a_server_speaks_for_all_that_wait_for_it(notifier: Notifier) -> None:
    channel = FakeChannel(answers=[Later("connection refused")], refuses_early=True)
    sender = notifier.another_sender(channel)
    await notifier.handle(a_run_finished(notify={"to": [OPS, BOB, "eve@corp.example"]}))
    while await sender.step():
        pass
    rows = await notifier.deliveries()
    assert [(row.state, row.reason, row.attempts) for row in rows] == [("queued", "connection refused", 1)] * 3
    assert len(channel.tried) == 1


async def test_settings_that_do_not_work_hold_all_that_go_by_them(notifier: Notifier) -> None:
    sender = notifier.another_sender(FakeChannel(answers=[Unusable("no STARTTLS")], refuses_early=True))
    await notifier.handle(a_run_finished(notify={"to": [OPS, BOB]}))
    while await sender.step():
        pass
    assert await notifier.states() == {OPS: "held", BOB: "held"}


async def test_nobody_is_asked_to_approve_what_is_over(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.handle(a_user("bob"))
    over, expired = a_request(), a_request(expires_at=utc_now() - timedelta(seconds=1))
    await notifier.handle(over)
    await notifier.handle(expired)
    await notifier.send_all()  # held: there are no settings yet
    await notifier.handle(a_run_finished(run_id=over.run_id, outcome="cancelled", notify=None))
    await notifier.configure("corp", smtp.settings())
    await notifier.send_all()
    reasons = sorted(row.reason for row in await notifier.deliveries() if row.state == "failed")
    assert reasons == ["not sent: the request expired before", "not sent: the run was over before"]
    assert smtp.caught == []


async def test_a_mail_that_cannot_be_made_fails_and_blocks_nobody(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.configure("corp", smtp.settings())
    await notifier.handle(a_run_finished())
    await notifier.alter("UPDATE notifier.causes SET event = event - 'outcome'")
    await notifier.handle(a_run_finished(notify={"to": [BOB]}))
    await notifier.send_all()
    assert await notifier.states() == {OPS: "failed", BOB: "sent"}


async def test_old_deliveries_are_forgotten(notifier: Notifier, smtp: SmtpServer) -> None:
    await notifier.configure("corp", smtp.settings())
    await notifier.handle(a_run_finished())
    await notifier.handle(a_run_finished(notify=None))
    await notifier.send_all()
    for table in ("deliveries", "causes"):
        await notifier.alter(f"UPDATE notifier.{table} SET created_at = now() - interval '91 days'")
    await notifier.handle(a_run_finished(notify={"to": [BOB]}))
    await erase_old(notifier.database)
    assert await notifier.states() == {BOB: "queued"}
    async with notifier.database.engine.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM notifier.causes")).scalar_one() == 1
