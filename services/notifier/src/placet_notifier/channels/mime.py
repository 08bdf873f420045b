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
    message["From"] = _mailbox(*sender_of(sender))
    message["To"] = _mailbox("", envelope_address(parcel.recipient))
    message["Subject"] = " ".join(_CONTROLS.sub(" ", parcel.mail.subject).split())
    message["Date"] = format_datetime(parcel.at)
    message["Message-ID"] = parcel.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: vacation notices do not answer
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    message.set_content(parcel.mail.text, cte="quoted-printable")
    message.add_alternative(parcel.mail.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def envelope_address(address: str) -> str:
    """An address as the wire wants it, its domain in ASCII (IDNA). Raises AddressUnusableError."""
    local, at, domain = address.rpartition("@")
    try:
        wire = local.encode("ascii").decode() + at + domain.encode("idna").decode()
    except UnicodeError as error:
        raise AddressUnusableError(f"{address!r} is not an address that every mail server takes") from error
    if not (local and domain) or _FORBIDDEN.search(wire):
        raise AddressUnusableError(f"{address!r} is not an e-mail address")
    return wire


def sender_of(mailbox: str) -> tuple[str, str]:
    """Name and address of a sender, written `a@b` or `Name <a@b>`. Raises AddressUnusableError."""
    name, address = parseaddr(mailbox) if mailbox.endswith(">") else ("", mailbox)
    return " ".join(_CONTROLS.sub(" ", name).split()), envelope_address(address)


def _mailbox(name: str, address: str) -> Address:
    try:
        return Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise AddressUnusableError(f"{address!r} is not an e-mail address") from error


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>\"(),:;\\\[\]]")
