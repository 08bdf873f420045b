"""What the sender may rely on in every channel: the fake that other tests use, and e-mail to a real server."""

import ssl
from collections.abc import Iterator
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
