"""How the console takes calls and passes them on: a body has a limit and a time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from .errors import NoSuchPathError, too_large, too_slow
from .forwarding import Forwarder, passed_back
from .routing import route
from .users import User

LARGEST_OWN = 64 * 1024
LARGEST_FORWARDED = 16 * 1024 * 1024
"""Bytes of a body: of the console's own calls, and of what goes on to a service (the whole catalogue, say)."""

BODY_SECONDS = 30
"""How long a caller may take to send a body."""

ANY_PATH = "{path:path}"


class ConsoleRoute(APIRoute):
    """A route whose body has a limit and a time."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        most = LARGEST_FORWARDED if ANY_PATH in self.path else LARGEST_OWN

        async def limited(request: Request) -> Response:
            return await handle(Request(request.scope, _limited(request.receive, most)))

        return limited


def _limited(receive: Receive, most: int) -> Receive:
    """Raises a 413 or 408 as soon as a body is too large or too slow; the rest of it is never read."""
    until = asyncio.get_running_loop().time() + BODY_SECONDS
    seen, whole = 0, False

    async def limited() -> Message:
        nonlocal seen, whole
        try:
            async with asyncio.timeout_at(None if whole else until):
                message = await receive()
        except TimeoutError as error:
            raise too_slow(BODY_SECONDS) from error
        seen += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if seen > most:
            raise too_large(most)
        return message

    return limited


async def forward(forwarder: Forwarder, request: Request, user: User) -> Response:
    """The answer of the service that the path belongs to. Raises NoSuchPathError where it belongs to none."""
    to = route(request.scope["raw_path"], request.scope["query_string"])
    if to is None:
        raise NoSuchPathError
    return passed_back(await forwarder.call(user, request.method, to, await request.body(), request.headers))
