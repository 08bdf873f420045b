"""What the sender may rely on in every channel: the fake that other tests use, and e-mail to a real server."""

import socketserver
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from placet_notifier.channels.email import EmailChannel
from placet_notifier.deliveries import Accepted, Later, Outcome, Refused, Unknown, Unusable
from placet_notifier.errors import LeaseLostError, NoRouteError
from placet_notifier.ports import Channel, Mail, Parcel
from placet_shared.clock import utc_now
from placet_shared.objects import MailSettings
from tests.support.notifier import FakeChannel
from tests.support.smtp import SmtpServer, smtp_server

BOB = "bob@corp.example"


class World(Protocol):
    """A channel, and the other side of it, which can be told how to behave."""

    @property
    def channel(self) -> Channel[Any]: ...
    def route(self) -> Any: ...
    def without_settings(self) -> Any: ...
    def arrived(self) -> list[str]: ...
    def refuse_recipient(self) -> None: ...
    def be_busy(self) -> None: ...
    def go_away(self) -> None: ...
    def refuse_mail(self) -> None: ...
    def die_after_data(self) -> None: ...
    def hang_after_data(self) -> None: ...


@dataclass
class Fake:
    channel: FakeChannel

    def route(self) -> Any:
        return self.channel.route((), {})

    def without_settings(self) -> Any:
        self.channel.no_route = "no settings"
        return self.channel.route((), {})

    def arrived(self) -> list[str]:
        return [parcel.message_id for parcel in self.channel.arrived]

    def _early(self, outcome: Outcome) -> None:
        self.channel.refuses_early = True
        self.channel.answers = [outcome]

    def refuse_recipient(self) -> None:
        self._early(Refused("550 no such user"))

    def be_busy(self) -> None:
        self._early(Later("451 later", everywhere=False))

    def go_away(self) -> None:
        self._early(Later("connection refused"))

    def refuse_mail(self) -> None:
        self.channel.answers = [Refused("554 no")]

    def die_after_data(self) -> None:
        self.channel.answers = [Unknown("connection lost")]

    hang_after_data = die_after_data


@dataclass
class Smtp:
    server: SmtpServer
    channel: EmailChannel

    def route(self) -> Any:
        settings = self.server.settings(username="placet", password={"file": "smtp"})
        return self.channel.route(("corp",), {"corp": MailSettings.model_validate(settings)})

    def without_settings(self) -> Any:
        return self.channel.route(("corp",), {})

    def arrived(self) -> list[str]:
        return [mail.message["Message-ID"] for mail in self.server.caught]

    def refuse_recipient(self) -> None:
        self.server.manners.recipients[BOB] = "550 5.1.1 no such user"

    def be_busy(self) -> None:
        self.server.manners.recipients[BOB] = "451 4.7.1 later"

    def go_away(self) -> None:
        self.server.stop()

    def refuse_mail(self) -> None:
        self.server.manners.data_answer = "554 5.7.1 no"

    def die_after_data(self) -> None:
        self.server.manners.after_data = "die"

    def hang_after_data(self) -> None:
        self.server.manners.after_data = "hang"


@pytest.fixture(params=["fake", "none", "starttls", "tls"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "fake":
        yield Fake(FakeChannel())
        return
    (tmp_path / "smtp").write_text("s3cret\n")
    with smtp_server(tmp_path, security=request.param, users={"placet": "s3cret"}) as server:
        yield Smtp(server, channel_to(server, tmp_path))


def channel_to(server: SmtpServer, secrets: Path, data_seconds: float = 1) -> EmailChannel:
    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(server.certificate))

    return EmailChannel(None, secrets, {}, trusting, session_seconds=10, data_seconds=data_seconds)


def a_parcel(recipient: str = BOB) -> Parcel:
    return Parcel("<1@corp.example>", recipient, Mail("Łódź", "text\n", "<p>html</p>"), utc_now())


class HandOver:
    """Counts hand-overs; may refuse them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self._error = error

    async def __call__(self) -> None:
        self.count += 1
        if self._error is not None:
            raise self._error


async def deliver(world: World, hand_over: HandOver | None = None) -> Outcome:
    return await world.channel.deliver(a_parcel(), world.route(), hand_over or HandOver())


async def test_a_mail_is_handed_over_once_and_accepted(world: World) -> None:
    hand_over = HandOver()
    assert isinstance(await deliver(world, hand_over), Accepted)
    assert hand_over.count == 1
    assert world.arrived() == ["<1@corp.example>"]


async def test_what_is_not_handed_over_does_not_arrive(world: World) -> None:
    hand_over = HandOver(LeaseLostError())
    with pytest.raises(LeaseLostError):
        await deliver(world, hand_over)
    assert world.arrived() == []


async def test_a_refused_recipient_is_refused_for_good_before_the_hand_over(world: World) -> None:
    world.refuse_recipient()
    hand_over = HandOver()
    outcome = await deliver(world, hand_over)
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("550")
    assert (hand_over.count, world.arrived()) == (0, [])


async def test_a_busy_server_is_tried_later_by_this_delivery_alone(world: World) -> None:
    world.be_busy()
    hand_over = HandOver()
    outcome = await deliver(world, hand_over)
    assert isinstance(outcome, Later)
    assert "451" in outcome.reason
    assert (outcome.everywhere, hand_over.count) == (False, 0)


async def test_a_server_that_is_away_is_tried_later_by_everybody(world: World) -> None:
    world.go_away()
    hand_over = HandOver()
    outcome = await deliver(world, hand_over)
    assert isinstance(outcome, Later)
    assert (outcome.everywhere, hand_over.count) == (True, 0)


async def test_a_refusal_of_the_mail_itself_is_certain(world: World) -> None:
    world.refuse_mail()
    outcome = await deliver(world)
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("554")


async def test_no_answer_to_a_mail_means_that_nobody_knows(world: World) -> None:
    world.die_after_data()
    assert isinstance(await deliver(world), Unknown)


async def test_a_server_that_hangs_with_the_mail_in_its_hands_means_that_nobody_knows(world: World) -> None:
    world.hang_after_data()
    assert isinstance(await deliver(world), Unknown)


async def test_without_settings_there_is_no_route(world: World) -> None:
    with pytest.raises(NoRouteError):
        world.without_settings()


async def test_equal_settings_share_their_fate(world: World) -> None:
    assert world.route() == world.route()
    assert hash(world.route()) == hash(world.route())
    assert world.route().domain == "corp.example"


@pytest.mark.parametrize(
    ("offered", "wanted", "trusted", "reason"),
    [
        ("none", "starttls", True, "STARTTLS extension not supported"),
        ("starttls", "starttls", False, "certificate verify failed"),
        ("tls", "tls", False, "certificate verify failed"),
        ("starttls", "none", True, "refuses: 530"),
    ],
)
async def test_a_channel_that_is_not_safe_as_configured_waits_and_sends_nothing(
    tmp_path: Path, offered: str, wanted: str, trusted: bool, reason: str
) -> None:
    with smtp_server(tmp_path, security=offered) as server:
        channel = channel_to(server, tmp_path) if trusted else EmailChannel(None, tmp_path, {})
        route = channel.route(("corp",), {"corp": MailSettings.model_validate(server.settings(security=wanted))})
        outcome = await channel.deliver(a_parcel(), route, HandOver())
        assert isinstance(outcome, Unusable)
        assert reason in outcome.reason
        assert server.caught == []


async def test_a_wrong_password_waits_for_a_right_one(tmp_path: Path) -> None:
    with smtp_server(tmp_path, security="starttls", users={"placet": "s3cret"}) as server:
        (tmp_path / "smtp").write_text("wrong")
        outcome = await deliver(Smtp(server, channel_to(server, tmp_path)))
        assert isinstance(outcome, Unusable)
        assert "notifications of corp) refuses: 535" in outcome.reason
        assert "wrong" not in outcome.reason


# ---- servers that get out of step ------------------------------------------------------------------------------------

ODD: list[tuple[dict[str, list[str]], type[Outcome], bool]] = [
    ({"DATA": ["250 ok"]}, Later, False),
    ({"DATA": ["220 hello"]}, Unknown, False),
    ({".": ["251 fine"]}, Unknown, True),
    ({".": ["354 more"]}, Unknown, True),
    ({}, Accepted, True),
]
"""What a server answers to a command, what that makes of the delivery, and whether it had the mail."""


@contextmanager
def odd_server(answers: Mapping[str, list[str]]) -> Iterator[tuple[int, list[bytes]]]:
    """A server of a few words: its port, and the mails that it was sent to their end."""
    usual = {"DATA": ["354 go"], ".": ["250 kept"], "QUIT": ["221 bye"]}
    mails: list[bytes] = []

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 hello")
            while line := self.rfile.readline():
                verb = line.decode().split()[0].upper()
                self.say(*(answers.get(verb) or usual.get(verb) or ["250 ok"]))
                if verb == "DATA" and "DATA" not in answers:
                    self.take_mail()

        def take_mail(self) -> None:
            mail = b""
            while not mail.endswith(b"\r\n.\r\n"):
                if not (line := self.rfile.readline()):
                    return
                mail += line
            mails.append(mail)
            self.say(*(answers.get(".") or usual["."]))

        def say(self, *words: str) -> None:
            for each in words:
                self.wfile.write(each.encode() + b"\r\n")
                self.wfile.flush()
                time.sleep(0.05)  # so that two answers are two

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, _request: Any, _address: Any) -> None:
            """The other side may hang up at any time."""

    with Server(("127.0.0.1", 0), Session) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], mails
        server.shutdown()


@pytest.mark.parametrize(("answers", "expected", "had_it"), ODD, ids=str)
async def test_a_mail_was_sent_where_the_server_asked_for_it_and_took_it(
    tmp_path: Path, answers: dict[str, list[str]], expected: type[Outcome], had_it: bool
) -> None:
    with odd_server(answers) as (port, mails):
        outcome = await deliver_to(port, tmp_path)
        assert (type(outcome), bool(mails)) == (expected, had_it)


async def test_a_server_that_answers_twice_has_the_mail_where_it_counts_as_sent(tmp_path: Path) -> None:
    """Whichever of its answers is heard as which."""
    with odd_server({"RCPT": ["250 ok", "250 ok again"]}) as (port, mails):
        outcome = await deliver_to(port, tmp_path)
        assert isinstance(outcome, Accepted if mails else Later)


async def deliver_to(port: int, folder: Path) -> Outcome:
    settings = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "placet@corp.example"}
    channel = EmailChannel(None, folder, {}, session_seconds=10, data_seconds=5)
    route = channel.route(("corp",), {"corp": MailSettings.model_validate(settings)})
    return await channel.deliver(a_parcel(), route, HandOver())
