"""A way to reach people, as the sender sees it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from placet_shared.objects import MailSettings

from .deliveries import Outcome


@dataclass(frozen=True)
class Mail:
    """What is said, in both forms."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Parcel:
    """A mail on its way to one recipient. `message_id` (with its angle brackets) is the same at each attempt."""

    message_id: str
    recipient: str
    mail: Mail
    at: datetime


class Route(Protocol):
    """Where and how a channel sends. Equal routes share their fate when a server is away; `domain` is the sender's."""

    @property
    def domain(self) -> str: ...

    def __hash__(self) -> int: ...


RouteT = TypeVar("RouteT", bound=Route)

HandOver = Callable[[], Awaitable[None]]
"""Awaited right before the point of no return; when it raises, nothing was handed over."""


class Channel(Protocol[RouteT]):
    """One way to reach people."""

    def route(self, stores: Sequence[str], settings: Mapping[str, MailSettings]) -> RouteT:
        """The route for these stores, the first with settings of its own wins. Raises NoRouteError."""
        ...

    async def deliver(self, parcel: Parcel, route: RouteT, hand_over: HandOver) -> Outcome:
        """Sends, and says what became of it. Ends within `deliveries.SESSION_LIMIT` and then, from the hand-over on,
        `deliveries.DATA_LIMIT`. Raises what `hand_over` raised, and nothing else that it can foresee."""
        ...
