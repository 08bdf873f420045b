"""A delivery belongs to who took it last, also while that one has not handed it over yet."""

import asyncio

from tests.support.notifier import FakeChannel, Notifier, a_run_finished


async def test_a_sender_that_wakes_up_while_another_has_its_mail_does_not_hand_it_over(notifier: Notifier) -> None:
    await notifier.handle(a_run_finished())
    sleepers = []
    for _ in range(2):
        await notifier.recover()
        asleep, woken = asyncio.Event(), asyncio.Event()

        async def sleep(asleep: asyncio.Event = asleep, woken: asyncio.Event = woken) -> None:
            asleep.set()
            await woken.wait()

        channel = FakeChannel(before=sleep)
        step = asyncio.create_task(notifier.another_sender(channel).step())
        await asleep.wait()
        sleepers.append((channel, woken, step))
    for _, woken, step in sleepers:
        woken.set()
        await step
    assert [len(channel.arrived) for channel, _, _ in sleepers] == [0, 1]
    assert len(await notifier.told()) == 1
