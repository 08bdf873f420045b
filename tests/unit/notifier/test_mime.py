"""Mails as they go over the wire."""

import email
import email.policy
from datetime import UTC, datetime

import pytest

from placet_notifier.channels.mime import AddressUnusableError, compose, envelope_address, sender_of
from placet_notifier.ports import Mail, Parcel

MAIL = Mail("[Placet] people: zażółć", "Łódź\n.\nend\n", "<p>Łódź</p>")
AT = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def message(mail: Mail = MAIL, recipient: str = "bob@corp.example", sender: str = "placet@corp.example") -> bytes:
    return compose(Parcel("<1@corp.example>", recipient, mail, AT), sender)


def test_a_mail_is_text_and_html_in_ascii_lines() -> None:
    wire = message(sender="Płacet <placet@corp.example>")
    assert wire.isascii()
    assert max(map(len, wire.split(b"\r\n"))) < 998
    read = email.message_from_bytes(wire, policy=email.policy.default)
    assert read["Subject"] == MAIL.subject
    assert read["From"] == "Płacet <placet@corp.example>"
    assert read["To"] == "bob@corp.example"
    assert read["Date"].datetime == AT
    assert read["Message-ID"] == "<1@corp.example>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    text, html = (read.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == MAIL.text.splitlines()
    assert html.get_content().strip() == MAIL.html


@pytest.mark.parametrize("subject", ["a\r\nBcc: eve@x", "a\nBcc: eve@x", "a\rBcc: eve@x", "a\u2028Bcc: eve@x", "a\0b"])
def test_a_subject_adds_no_header(subject: str) -> None:
    read = email.message_from_bytes(message(Mail(subject, "t", "h")), policy=email.policy.default)
    assert read["Bcc"] is None
    assert read["Subject"] in ("a Bcc: eve@x", "a b")


@pytest.mark.parametrize(
    "address",
    [
        "a@x,b@y",
        "a@x b@y",
        "bob",
        "@x",
        "bob@",
        "",
        "bob@x>\r\nRCPT TO:<eve@x",
        "Bob <bob@x>",
        "bob@x\0",
        "bob@x\r\nBcc: eve@x",
        '"b ob"@x',
        "böb@x",
        "bob@" + "ü" * 70,
    ],
)
def test_what_is_no_single_address_is_refused(address: str) -> None:
    with pytest.raises(AddressUnusableError):
        message(recipient=address)


def test_a_domain_of_any_script_is_written_for_the_wire() -> None:
    assert envelope_address("bob@bücher.example") == "bob@xn--bcher-kva.example"


def test_a_sender_may_have_a_name() -> None:
    assert sender_of("placet@corp.example") == ("", "placet@corp.example")
    assert sender_of("Placet\r\nX <placet@corp.example>")[1] == "placet@corp.example"
    assert "\n" not in sender_of("Placet\r\nX <placet@corp.example>")[0]
    for sender in ("Placet", "<placet>", "Placet <>"):
        with pytest.raises(AddressUnusableError):
            sender_of(sender)
