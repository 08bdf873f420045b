"""A mail as it goes over the wire."""

import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from ..errors import NotifierError
from ..ports import Parcel


class AddressUnusableError(NotifierError):
    """The address is not one that mail can be sent to."""


def compose(parcel: Parcel, sender: str) -> bytes:
    """The message, in ASCII. No text can add a header: control characters in a subject become spaces, and an address
    that has any is refused. Raises AddressUnusableError."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _mailbox(sender)
    message["To"] = _mailbox(parcel.recipient)
    message["Subject"] = " ".join(_CONTROLS.sub(" ", parcel.mail.subject).split())
    message["Date"] = format_datetime(parcel.at)
    message["Message-ID"] = parcel.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: vacation notices do not answer
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    message.set_content(parcel.mail.text, cte="quoted-printable")
    message.add_alternative(parcel.mail.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def envelope_address(mailbox: str) -> str:
    """The bare address, its domain as the wire wants it (IDNA). Raises AddressUnusableError."""
    local, at, domain = (parseaddr(mailbox)[1] if "<" in mailbox else mailbox).rpartition("@")
    try:
        address = local.encode("ascii").decode() + at + domain.encode("idna").decode()
    except UnicodeError as error:
        raise AddressUnusableError(f"{mailbox} is not an address that every mail server takes") from error
    if not (local and domain) or _FORBIDDEN.search(address):
        raise AddressUnusableError(f"{mailbox} is not an e-mail address")
    return address


def _mailbox(text: str) -> Address:
    try:
        return Address(parseaddr(text)[0] if "<" in text else "", addr_spec=envelope_address(text))
    except (ValueError, IndexError, MessageError) as error:
        raise AddressUnusableError(f"{text!r} is not an e-mail address") from error


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>\"(),:;\\\[\]]")
