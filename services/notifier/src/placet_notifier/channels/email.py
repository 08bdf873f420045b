"""E-mail, by SMTP submission on aiosmtplib.

The dialogue is driven step by step, because only the place where it broke off says whether the mail may have arrived:
whatever happens before DATA can be repeated, and after it only the server's own refusal can.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from placet_shared.approvers import who_can_approve
from placet_shared.events import ApprovalRequested, UserChanged
from placet_shared.objects import Notify

from ..deliveries import DATA_LIMIT, SESSION_LIMIT, Accepted, Later, Outcome, Refused, Unknown, Unusable, distinct
from ..ports import HandOver, Parcel
from .mail_servers import MailServer, server_for
from .mime import AddressUnusableError, compose, envelope_address, sender_of

STEP_SECONDS = 20.0
QUIT_SECONDS = 2.0


class EmailChannel:
    """Sends to one recipient per connection. Certificates are checked against the system's authorities."""

    def __init__(
        self,
        own: MailServer | None,
        secrets: Path,
        environment: Mapping[str, str],
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        session_seconds: float = SESSION_LIMIT.total_seconds(),
        data_seconds: float = DATA_LIMIT.total_seconds(),
    ) -> None:
        self._own = own
        self._secrets = secrets
        self._environment = environment
        self._tls = tls
        self._session_seconds = session_seconds
        self._data_seconds = data_seconds

    def told(self, rule: Notify) -> Collection[str]:
        """As `Channel.told`: all of them."""
        return distinct(rule.to)

    def asked(self, request: ApprovalRequested, users: Collection[UserChanged]) -> Collection[str]:
        """As `Channel.asked`: their addresses. One that no user has is taken as it is."""
        known = {user.email.lower() for user in users if user.email}
        strangers = [each for each in request.approvers if "@" in each and each.lower() not in known]
        members = [user.email for user in who_can_approve(users, request.approvers, request.kept_out) if user.email]
        return distinct((*strangers, *members))

    def route(self, stores: Sequence[str], settings: Mapping[str, Any]) -> MailServer:
        """As `Channel.route`."""
        return server_for(stores, settings, self._own, self._secrets, self._environment)

    async def deliver(self, parcel: Parcel, route: MailServer, hand_over: HandOver) -> Outcome:
        """As `Channel.deliver`."""
        try:
            message = compose(parcel, route.sender)
            sender, recipient = sender_of(route.sender)[1], envelope_address(parcel.recipient)
        except AddressUnusableError as error:
            return Refused(str(error))
        client = self._client(route)
        try:
            if broken_off := await self._address(client, route, sender, recipient):
                return broken_off
            await hand_over()
            return await self._hand_over(client, route, message)
        finally:
            await _leave(client)

    def _client(self, route: MailServer) -> SMTP:
        return SMTP(
            hostname=route.host,
            port=route.port,
            use_tls=route.security == "tls",
            start_tls=route.security == "starttls",
            tls_context=None if route.security == "none" else self._tls(),
            timeout=min(STEP_SECONDS, self._session_seconds),
            local_hostname=socket.gethostname() or "localhost",
        )

    async def _address(self, client: SMTP, route: MailServer, sender: str, recipient: str) -> Outcome | None:
        """The dialogue up to DATA; an outcome if it broke off."""
        try:
            async with asyncio.timeout(self._session_seconds):
                await client.connect()
                if route.username is not None:
                    await client.login(route.username, route.password or "")
                await client.mail(sender)
                await client.rcpt(recipient)
        except Exception as error:
            if isinstance(error, TimeoutError):
                client.close()  # a server that hangs need not be told goodbye
            return outcome_before_data(error, route)
        return None

    async def _hand_over(self, client: SMTP, route: MailServer, message: bytes) -> Outcome:
        try:
            async with asyncio.timeout(self._data_seconds):
                answer = await client.data(message, timeout=None)
        except SMTPDataError as error:
            if error.code < 400:
                client.close()  # whatever is said now could be taken for the mail
            return outcome_of_data(error.code, _words(error))
        except Exception as error:
            client.close()
            return Unknown(f"{route.name} did not answer after the mail was handed over ({_words(error)})")
        return Accepted(f"{answer.code} {answer.message}")


def outcome_before_data(error: Exception, route: MailServer) -> Outcome:
    """What an error means while nothing was handed over. What the server says of this recipient is about the delivery;
    everything else is about the server or its settings."""
    at = f"{route.name} ({route.origin})"
    match error:
        case SMTPRecipientRefused(code=code) if 400 <= code < 500:
            return Later(f"{at}: {_words(error)}", everywhere=False)
        case SMTPRecipientRefused():
            return Refused(_words(error))
        case SMTPResponseException(code=code) if 400 <= code < 500:
            return Later(f"{at}: {_words(error)}")
        case SMTPResponseException():
            return Unusable(f"{at} refuses: {_words(error)}")
        case SMTPConnectError(__cause__=ssl.SSLError() as cause):
            return Unusable(f"{at}: TLS failed: {_words(cause)}")
        case ssl.SSLError():
            return Unusable(f"{at}: TLS failed: {_words(error)}")
        case SMTPServerDisconnected() | SMTPTimeoutError() | SMTPConnectError() | TimeoutError() | OSError():
            return Later(f"{at}: {_words(error)}")
        case SMTPException():  # no STARTTLS or no AUTH where it is wanted
            return Unusable(f"{at}: {_words(error)}")
        case _:
            return Later(f"{at}: {error!r}", everywhere=False)


def outcome_of_data(code: int, words: str) -> Outcome:
    """What the server's last word means, if it did not ask for the mail (354) and take it (250; RFC 5321, 4.3.2). A 250
    here came instead of a 354: the mail was not sent. Other such words may have come before the mail or after it."""
    if code == 250:
        return Later(f"the server did not ask for the mail: {words}", everywhere=False)
    if 400 <= code < 500:
        return Later(words, everywhere=False)
    if 500 <= code < 600:
        return Refused(words)
    return Unknown(f"the server's answer to the mail has no meaning: {words}")


def _words(error: BaseException) -> str:
    """The server's own words, with their code."""
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


async def _leave(client: SMTP) -> None:
    """Says goodbye, whatever the server thinks of it: nothing depends on it any more."""
    with suppress(Exception):
        async with asyncio.timeout(QUIT_SECONDS):
            if client.is_connected:
                await client.quit()
    client.close()
