"""The dead letters of all services as one list, newest first."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from placet_shared.dead_letters_api import DeadLetter, WholeDeadLetter, cursor_of
from placet_shared.paging import Limit, Page

from .calls import ConsoleRoute, forward
from .forwarding import Forwarder, passed_back
from .gate import Gate
from .routing import DEAD_LETTER_OWNERS, Route
from .users import User


def dead_letters_router(forwarder: Forwarder, gate: Gate) -> APIRouter:
    """The list, and what concerns one letter of one service."""
    router = APIRouter(prefix="/dead-letters", tags=["dead letters"], route_class=ConsoleRoute)
    caller = Depends(gate)

    @router.get("", response_model=Page[DeadLetter])
    async def list_dead_letters(user: Annotated[User, caller], cursor: str | None = None, limit: Limit = 100) -> Any:
        query = urlencode({"limit": limit} | ({"cursor": cursor} if cursor is not None else {}))
        asked = [Route(service, f"/api/v1/dead-letters?{query}") for service in DEAD_LETTER_OWNERS]
        answers = await asyncio.gather(*(forwarder.call(user, "GET", to) for to in asked))
        refused = next((answer for answer in answers if answer.status_code != 200), None)
        if refused is not None:
            return passed_back(refused)
        return merge([Page[DeadLetter].model_validate_json(answer.content) for answer in answers], limit)

    @router.get("/{service}/{letter_id}", response_model=WholeDeadLetter)
    async def show_dead_letter(
        request: Request, user: Annotated[User, caller], service: str, letter_id: str
    ) -> Response:
        return await forward(forwarder, request, user)

    @router.post("/{service}/{letter_id}/replay", status_code=202, response_model=dict[str, str])
    async def replay_dead_letter(
        request: Request, user: Annotated[User, caller], service: str, letter_id: str
    ) -> Response:
        return await forward(forwarder, request, user)

    return router


def merge(pages: Sequence[Page[DeadLetter]], limit: int) -> Page[DeadLetter]:
    """The newest of all pages, each of which is sorted; the cursor means the same to every service."""
    letters = [letter for page in pages for letter in page.items]
    letters.sort(key=lambda letter: (letter.dead_at, letter.id), reverse=True)
    more = len(letters) > limit or any(page.next for page in pages)
    return Page(items=letters[:limit], next=cursor_of(letters[limit - 1]) if more else None)
