"""Loops: a step again and again, an error costs a pause, a wake-up none. And the clocks."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from time import monotonic

import pytest

from placet_shared.clock import boot_seconds, utc_now
from placet_shared.loops import Loop

AN_AGE = 3600.0


class Steps:
    """A step that says what it is told to, turn by turn, and nothing to do after that."""

    def __init__(self, *turns: bool | Exception | None) -> None:
        self.turns = list(turns)
        self.taken = 0
        self.idle = asyncio.Event()
        """Set when the step is asked for the last time."""

    async def __call__(self) -> bool | None:
        self.taken += 1
        turn = self.turns.pop(0) if self.turns else None
        if not self.turns:
            self.idle.set()
        if isinstance(turn, Exception):
            raise turn
        return turn


@asynccontextmanager
async def running(step: Callable[[], Awaitable[bool | None]], seconds: float) -> AsyncIterator[Loop]:
    loop = Loop("test", step, seconds)
    task = asyncio.create_task(loop.run())
    try:
        async with asyncio.timeout(5):
            yield loop
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def settled() -> None:
    """All that can go on without time has."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_there_is_more_to_do_until_a_step_says_no() -> None:
    steps = Steps(True, True, True, False)
    async with running(steps, AN_AGE):
        await steps.idle.wait()
        await settled()
        assert steps.taken == 4


@pytest.mark.parametrize("nothing", [False, None])
async def test_a_loop_rests_until_its_time_comes(nothing: bool | None) -> None:
    steps = Steps(nothing, nothing, nothing)
    async with running(steps, 0.01):
        await steps.idle.wait()
        assert steps.taken == 3


async def test_a_loop_that_is_woken_goes_on_at_once() -> None:
    steps = Steps(False)
    async with running(steps, AN_AGE) as loop:
        await steps.idle.wait()
        await settled()
        for taken in (2, 3):
            loop.wake()
            loop.wake()
            await settled()
            assert steps.taken == taken


async def test_a_loop_that_is_woken_while_it_works_works_once_more() -> None:
    """What came after the step had looked is not missed."""
    working, go_on = asyncio.Event(), asyncio.Event()
    taken = 0

    async def step() -> None:
        nonlocal taken
        taken += 1
        working.set()
        await go_on.wait()

    async with running(step, AN_AGE) as loop:
        await working.wait()
        loop.wake()
        go_on.set()
        await settled()
        assert taken == 2


async def test_an_error_costs_a_pause_never_the_loop() -> None:
    steps = Steps(ValueError("bad turn"), OSError("and again"), True, False)
    async with running(steps, 0.01):
        await steps.idle.wait()
        assert steps.taken == 4


async def test_an_error_does_not_come_again_without_a_pause() -> None:
    steps = Steps(ValueError("bad turn"))
    async with running(steps, AN_AGE):
        await steps.idle.wait()
        await settled()
        assert steps.taken == 1


def test_the_wall_clock_has_its_zone() -> None:
    assert utc_now().tzinfo is UTC


def test_the_clock_of_leases_never_goes_back() -> None:
    """It counts what the process slept, so it is never behind the monotonic one, which does not."""
    first, second = boot_seconds(), boot_seconds()
    assert monotonic() - 1 <= first <= second


def test_the_clock_of_leases_counts_what_the_machine_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.clock_gettime", {time.CLOCK_BOOTTIME: 70.0, time.CLOCK_MONOTONIC: 7.0}.__getitem__)
    assert boot_seconds() == 70.0


async def test_a_loop_that_is_woken_while_it_is_cancelled_ends() -> None:
    steps = Steps()
    loop = Loop("steps", steps, AN_AGE)
    running = asyncio.create_task(loop.run())
    await steps.idle.wait()
    for _ in range(5):  # until it waits
        await asyncio.sleep(0)
    loop.wake()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(running), 5)
