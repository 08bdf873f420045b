"""A real SMTP server on aiosmtpd, in a thread, which records every mail and misbehaves when told to."""

import asyncio
import email
import email.policy
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.support.certificates import self_signed

HOST = "localhost"
OK = "250 OK, kept"


@dataclass(frozen=True)
class Caught:
    """A mail whose last byte the server has, whatever it answered then."""

    sender: str
    recipient: str
    message: EmailMessage
    tls: bool
    user: str | None
    accepted: bool

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        text: str = body.get_content()
        return text


@dataclass
class Manners:
    """How the server behaves from now on; a test may change it at any time.

    `after_data`: what it does when it has a mail: `answer` it, `die` (the connection, without a word) or `hang`.
    """

    recipients: dict[str, str] = field(default_factory=dict)
    """Answers to RCPT, by recipient, such as `550 5.1.1 no such user`."""
    senders: dict[str, str] = field(default_factory=dict)
    after_data: Literal["answer", "die", "hang"] = "answer"
    data_answer: str = OK


class SmtpServer:
    """One server on a free port. `security` as in mail settings; with `users` it demands a login."""

    def __init__(
        self, folder: Path, security: str = "none", users: Mapping[str, str] | None = None, offers_tls: bool = True
    ) -> None:
        self.security = security
        self.manners = Manners()
        self.caught: list[Caught] = []
        self.connections = 0
        self.certificate, key = self_signed(folder, HOST)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self._implicit = context if security == "tls" else None
        self._explicit = context if security == "starttls" and offers_tls else None
        self._users = users
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def start(self) -> None:
        """On the port that it had before, if it had one."""
        listening = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop, listening), daemon=True)
        self._thread.start()
        assert listening.wait(30)

    def stop(self) -> None:
        """At once, in the middle of whatever it does."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._thread = None

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Mail settings that lead here."""
        usual = {"host": HOST, "port": self.port, "security": self.security, "sender": "placet@corp.example"}
        return usual | changes

    def mails_to(self, recipient: str) -> list[Caught]:
        return [mail for mail in self.caught if mail.recipient == recipient]

    def _run(self, loop: asyncio.AbstractEventLoop, listening: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=self._implicit))
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    def _protocol(self) -> SMTP:
        self.connections += 1
        return _Protocol(
            self,
            hostname=HOST,
            loop=self._loop,
            tls_context=self._explicit,
            require_starttls=self._explicit is not None,
            authenticator=self._authenticate,
            auth_required=self._users is not None,
            auth_require_tls=False,
            auth_exclude_mechanism=() if self._users is not None else ("PLAIN", "LOGIN"),
        )

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        name, password = data.login.decode(), data.password.decode()
        right = self._users is not None and self._users.get(name) == password
        return AuthResult(success=right, handled=False, auth_data=name)

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.manners.senders.get(address, OK)

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.manners.recipients.get(address, OK)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        manners = self.manners
        accepted = manners.after_data == "answer" and manners.data_answer.startswith("2")
        transport: Any = server.transport
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        tls = transport.get_extra_info("sslcontext") is not None
        for recipient in envelope.rcpt_tos:
            user = str(session.auth_data) if session.authenticated else None
            self.caught.append(Caught(str(envelope.mail_from), recipient, message, tls, user, accepted))
        if manners.after_data == "die":
            transport.abort()
        if manners.after_data in ("die", "hang"):
            await asyncio.Event().wait()
        return manners.data_answer


class _Protocol(SMTP):
    """aiosmtpd warns of what tests want: logins without TLS, on loopback."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            super().__init__(*arguments, **named)


@contextmanager
def smtp_server(folder: Path, **how: Any) -> Iterator[SmtpServer]:
    """A running server; `how` as for SmtpServer."""
    server = SmtpServer(folder, **how)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]
