"""Background loops of a service: each runs until it is cancelled, and an error costs a pause, never the loop."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

log = structlog.get_logger()


class Loop:
    """Calls a step again and again, `seconds` apart; at once when it returned True or somebody woke the loop."""

    def __init__(self, name: str, step: Callable[[], Awaitable[bool | None]], seconds: float) -> None:
        self.name = name
        self._step = step
        self._seconds = seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """The next step starts now."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            if not await self._turn():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds):  # `wait_for` of Python 3.11 may swallow a cancellation
                        await self._woken.wait()

    async def _turn(self) -> bool:
        try:
            return bool(await self._step())
        except Exception as error:  # one bad turn must not end the loop
            log.exception("loop_interrupted", loop=self.name, error=str(error))
            return False
