"""Which mail server a delivery goes by."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from placet_notifier.channels.mail_servers import MailServer, server_for
from placet_notifier.errors import NoRouteError

OWN = MailServer("own.example", 25, "none", "own@own.example", "PLACET_SMTP_*")
NOWHERE = Path("nowhere")


def store(host: str, **fields: Any) -> dict[str, Any]:
    """Mail settings as events bring them."""
    return {"host": host, "sender": f"placet@{host}"} | fields


def chosen(settings: dict[str, Any], own: MailServer | None = OWN, **environment: str) -> MailServer:
    return server_for(("corp", "hr"), settings, own, NOWHERE, environment)


def test_the_destination_goes_before_the_source_and_both_before_the_notifier() -> None:
    corp, hr = store("corp.example"), store("hr.example")
    assert chosen({"hr": hr, "corp": corp}).host == "corp.example"
    assert chosen({"hr": hr, "other": corp}).host == "hr.example"
    assert chosen({"other": corp}).host == "own.example"


def test_without_any_settings_it_says_how_to_give_some() -> None:
    with pytest.raises(NoRouteError, match="placet notification configure corp --host"):
        chosen({}, own=None)


def test_a_secret_is_resolved_when_it_is_needed() -> None:
    settings = store("corp.example", username="placet", password={"env": "PLACET_SECRET_SMTP"})
    server = chosen({"corp": settings}, PLACET_SECRET_SMTP="s3cret")
    assert server.password == "s3cret"
    assert "s3cret" not in repr(server)


def test_a_missing_secret_waits_and_takes_no_other_server() -> None:
    settings = store("corp.example", username="placet", password={"env": "PLACET_SECRET_SMTP"})
    with pytest.raises(NoRouteError, match="notifications of corp: the environment variable PLACET_SECRET_SMTP is not"):
        chosen({"corp": settings, "hr": store("hr.example")})


def test_a_password_never_goes_in_clear_but_to_this_machine() -> None:
    secret: dict[str, Any] = {"username": "placet", "password": {"env": "PLACET_SECRET_SMTP"}, "security": "none"}
    with pytest.raises(NoRouteError, match=r"corp\.example in clear; set security to starttls or tls"):
        chosen({"corp": store("corp.example", **secret)}, PLACET_SECRET_SMTP="x")
    local = store("127.0.0.1", **secret | {"sender": "placet@corp.example"})
    assert chosen({"corp": local}, PLACET_SECRET_SMTP="x").username == "placet"
    assert chosen({"corp": store("corp.example", security="none")}).username is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"username": "placet"}, "notifications of corp: the user placet has no password"),
        ({"sender": "Placet"}, "notifications of corp: sender: 'Placet' is not an address, or Name <name@"),
    ],
)
def test_settings_that_cannot_work_wait_for_better_ones(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(NoRouteError, match=reason):
        chosen({"corp": store("corp.example", **fields)})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"username": "placet"}, "the user placet has no password"),
        ({"username": "placet", "password": "x"}, r"own\.example:25 in clear"),
        ({"sender": "Placet"}, "sender: 'Placet' is not an e-mail address"),
    ],
)
def test_the_notifiers_own_server_is_held_to_the_same(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(NoRouteError, match=reason):
        chosen({}, own=replace(OWN, **fields))


def test_message_ids_end_with_the_senders_domain() -> None:
    assert chosen({"corp": store("smtp.corp.example", sender="Placet <placet@corp.example>")}).domain == "corp.example"
