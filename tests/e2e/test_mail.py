"""Mails of jobs whose directory has no mail settings yet."""

from typing import Any

from tests.support.desk import Desk
from tests.support.stack import until


def test_mails_wait_as_held_until_notifications_are_configured(desk: Desk) -> None:
    del desk.directory["notifications"]
    desk.job["notify"] = {"to": ["ops@example.org", "boss@example.org"], "when": "records_updated"}
    desk.people(("1", "Ann", "Berg", "Engineer"))
    done = desk.admin.run("apply", "-f", desk.write())
    command = f"placet notification configure {desk.directory['name']}"
    assert (done.code, command in done.err) == (0, True), done.err

    run = desk.run()
    until(lambda: len(_in_state(desk, run, "held")) == 2, "the mails are held")
    held = _in_state(desk, run, "held")
    assert {one["recipient"] for one in held} == {"ops@example.org", "boss@example.org"}
    assert all(command in one["reason"] for one in held)

    mail = desk.stack.mail_settings
    desk.admin.ask(
        "notification", "configure", desk.directory["name"], "--host", mail["host"], "--port", str(mail["port"]),
        "--security", "none", "--sender", "directory@example.org",
    )  # fmt: skip
    until(lambda: len(_in_state(desk, run, "sent")) == 2, "the mails are sent")
    mails = desk.stack.mails(desk.name)
    assert sorted(one["to"] for one in mails) == ["boss@example.org", "ops@example.org"]
    assert {one["from"] for one in mails} == {"directory@example.org"}
    assert {one["subject"] for one in mails} == {f"[Placet] {desk.name}: 1 created"}


def _in_state(desk: Desk, run: dict[str, Any], state: str) -> list[Any]:
    items = desk.ada.ask("notification", "list", "--run", run["id"])["items"]
    return [one for one in items if one["state"] == state]
