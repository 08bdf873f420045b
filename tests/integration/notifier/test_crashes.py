"""No mail twice and none lost, wherever a notifier dies, sleeps or loses its database. The mail server is the judge."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from placet_notifier.app import build
from placet_notifier.settings import NotifierSettings
from placet_shared.failpoints import EXIT_CODE
from placet_shared.migrating import migrate
from tests.support.delivery import until
from tests.support.notifier import OPS, FakeChannel, Notifier, a_run_finished
from tests.support.postgres import Postgres
from tests.support.signing import SigningKeys
from tests.support.smtp import SmtpServer

SECONDS = 60


@contextmanager
def process(settings: NotifierSettings, failpoint: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A notifier that sends; it is killed at the end, if it has not died by itself."""
    names = ("database_url", "kafka", "key", "public_keys", "installation", "http_port", "secrets")
    environment = {f"PLACET_{name.upper()}": str(getattr(settings, name)) for name in names}
    environment |= {"PLACET_FAILPOINT": f"{failpoint}:exit"} if failpoint else {}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PLACET_")}
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.support.notifier_process"], env=inherited | environment, stdin=subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize(
    ("failpoint", "left", "arrived_before", "state", "arrived"),
    [
        ("delivery_claimed", "sending", 0, "sent", 1),
        ("data_begun", "sending", 0, "uncertain", 0),
        ("data_answered", "sending", 1, "uncertain", 1),
    ],
)
async def test_a_notifier_that_dies_leaves_no_mail_twice(
    notifier: Notifier,
    settings: NotifierSettings,
    smtp: SmtpServer,
    failpoint: str,
    left: str,
    arrived_before: int,
    state: str,
    arrived: int,
) -> None:
    await notifier.configure("corp", smtp.settings())
    await notifier.handle(a_run_finished())
    with process(settings, failpoint) as dying:
        assert await asyncio.to_thread(dying.wait, SECONDS) == EXIT_CODE
    assert await notifier.states() == {OPS: left}
    assert len(smtp.caught) == arrived_before
    await notifier.send_all()
    assert len(smtp.caught) == arrived_before
    await notifier.recover()
    with process(settings):
        await until(lambda: is_settled(notifier))
    assert await notifier.states() == {OPS: state}
    assert len(smtp.caught) == arrived


async def test_a_notifier_that_is_killed_with_the_mail_on_the_wire_leaves_it_uncertain(
    notifier: Notifier, settings: NotifierSettings, smtp: SmtpServer
) -> None:
    await notifier.configure("corp", smtp.settings())
    await notifier.handle(a_run_finished())
    smtp.manners.after_data = "hang"
    with process(settings) as dying:
        await until(lambda: arrived(smtp))
        dying.kill()
        dying.wait()
    smtp.manners.after_data = "answer"
    await notifier.recover()
    await notifier.send_all()
    assert await notifier.states() == {OPS: "uncertain"}
    assert len(smtp.caught) == 1


async def test_many_replicas_send_each_mail_once(
    notifier: Notifier, settings: NotifierSettings, smtp: SmtpServer
) -> None:
    await notifier.configure("corp", smtp.settings())
    everybody = [f"p{number}@corp.example" for number in range(60)]
    await notifier.handle(a_run_finished(notify={"to": everybody}))
    with process(settings), process(settings):
        await until(lambda: is_settled(notifier))
    assert Counter(mail.recipient for mail in smtp.caught) == Counter(everybody)
    assert {row.attempts for row in await notifier.deliveries()} == {1}
    assert len({mail.message["Message-ID"] for mail in smtp.caught}) == len(everybody)


async def test_replicas_that_die_all_the_time_send_no_mail_twice(
    notifier: Notifier, settings: NotifierSettings, smtp: SmtpServer
) -> None:
    await notifier.configure("corp", smtp.settings())
    everybody = [f"p{number}@corp.example" for number in range(12)]
    await notifier.handle(a_run_finished(notify={"to": everybody}))
    for failpoint in ("delivery_claimed", "data_answered", "data_begun"):
        with process(settings, failpoint) as dying:
            await asyncio.to_thread(dying.wait, SECONDS)
        await notifier.recover()
    await notifier.send_all()
    counts = Counter(mail.recipient for mail in smtp.caught)
    assert max(counts.values()) == 1
    for recipient, state in (await notifier.states()).items():
        assert state in ("sent", "uncertain")
        assert counts[recipient] == 1 or state == "uncertain"


async def test_a_sender_that_slept_before_the_hand_over_sends_nothing(notifier: Notifier) -> None:
    asleep, woken = asyncio.Event(), asyncio.Event()

    async def sleep() -> None:
        asleep.set()
        await woken.wait()

    sleeper, channel = FakeChannel(before=sleep), FakeChannel()
    await notifier.handle(a_run_finished())
    sleeping = asyncio.create_task(notifier.another_sender(sleeper).step())
    await asleep.wait()
    await notifier.recover()
    assert await notifier.another_sender(channel).step()
    woken.set()
    await sleeping
    assert (len(sleeper.arrived), len(channel.arrived)) == (0, 1)
    assert await notifier.states() == {OPS: "sent"}
    assert len(await notifier.told()) == 1


async def test_a_lease_that_is_over_is_over_also_when_nobody_has_taken_it(notifier: Notifier) -> None:
    async def expire() -> None:
        await notifier.alter("UPDATE notifier.deliveries SET lease_until = now() - interval '1 second'")

    channel = FakeChannel(before=expire)
    await notifier.handle(a_run_finished())
    await notifier.another_sender(channel).step()
    assert channel.arrived == []
    assert await notifier.states() == {OPS: "queued"}


async def test_a_sender_that_slept_after_the_hand_over_changes_nothing_any_more(notifier: Notifier) -> None:
    asleep, woken = asyncio.Event(), asyncio.Event()

    async def sleep() -> None:
        asleep.set()
        await woken.wait()

    sleeper, channel = FakeChannel(between=sleep), FakeChannel()
    await notifier.handle(a_run_finished())
    sleeping = asyncio.create_task(notifier.another_sender(sleeper).step())
    await asleep.wait()
    await notifier.recover()
    assert not await notifier.another_sender(channel).step()
    woken.set()
    await sleeping
    assert (len(sleeper.arrived), len(channel.arrived)) == (1, 0)
    assert await notifier.states() == {OPS: "uncertain"}


async def test_a_stopping_notifier_lets_the_mail_on_the_wire_finish(notifier: Notifier) -> None:
    handed_over, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        handed_over.set()
        await go_on.wait()

    await notifier.handle(a_run_finished())
    step = asyncio.create_task(notifier.another_sender(FakeChannel(between=wait)).step())
    await handed_over.wait()
    step.cancel()
    asyncio.get_running_loop().call_later(0.1, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await step
    assert await notifier.states() == {OPS: "sent"}


async def test_what_broke_off_unforeseen_is_judged_by_where_it_broke_off(notifier: Notifier) -> None:
    async def break_off() -> None:
        raise RuntimeError("unforeseen")

    await notifier.handle(a_run_finished())
    await notifier.another_sender(FakeChannel(before=break_off)).step()
    assert await notifier.states() == {OPS: "queued"}
    await notifier.hurry()
    await notifier.another_sender(FakeChannel(between=break_off)).step()
    assert await notifier.states() == {OPS: "uncertain"}


@pytest.fixture
async def fragile(settings: NotifierSettings, keys: SigningKeys) -> AsyncIterator[tuple[Notifier, Postgres]]:
    """A notifier whose PostgreSQL may be stopped."""
    with TemporaryDirectory(prefix="placet-postgres-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder))
        server.start()
        service = build(settings.model_copy(update={"database_url": server.create_database()}))
        async with service.database.engine.begin() as connection:
            await connection.run_sync(migrate, service.migrations, service.metadata)
        yield Notifier(service, keys), server
        await service.database.engine.dispose()
        server.stop("immediate")


async def send_through_an_outage(notifier: Notifier, server: Postgres, channel: FakeChannel) -> None:
    """One attempt of a channel that stops the database; it comes back when the attempt is over."""
    over = asyncio.Event()

    def note(place: str) -> None:
        if place == "data_answered":
            over.set()

    step = asyncio.create_task(notifier.another_sender(channel, note).step())
    await asyncio.wait_for(over.wait(), 60)
    await asyncio.to_thread(server.start)
    await step


async def test_a_mail_that_was_taken_while_the_database_was_away_is_sent(fragile: tuple[Notifier, Postgres]) -> None:
    notifier, server = fragile
    await notifier.handle(a_run_finished())
    channel = FakeChannel(between=partial(asyncio.to_thread, server.stop, "immediate"))
    await send_through_an_outage(notifier, server, channel)
    assert len(channel.arrived) == 1
    assert await notifier.states() == {OPS: "sent"}


async def test_nothing_is_handed_over_while_the_database_is_away(fragile: tuple[Notifier, Postgres]) -> None:
    notifier, server = fragile
    await notifier.handle(a_run_finished())
    channel = FakeChannel(before=partial(asyncio.to_thread, server.stop, "immediate"))
    await send_through_an_outage(notifier, server, channel)
    assert channel.arrived == []
    assert await notifier.states() == {OPS: "queued"}


async def is_settled(notifier: Notifier) -> bool:
    return {"queued", "sending"}.isdisjoint((await notifier.states()).values())


async def arrived(smtp: SmtpServer) -> int:
    return len(smtp.caught)
