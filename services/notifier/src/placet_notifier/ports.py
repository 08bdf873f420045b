"""A way to reach people, as handlers and the sender see it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from placet_shared.events import ApprovalRequested, UserChanged
from placet_shared.objects import Notify

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

    def told(self, rule: Notify) -> Collection[str]:
        """Whom it reaches of those that a job's rule names, each once."""
        ...

    def asked(self, request: ApprovalRequested, users: Collection[UserChanged]) -> Collection[str]:
        """Whom it reaches of those who may decide, each once."""
        ...

    def route(self, stores: Sequence[str], settings: Mapping[str, Any]) -> RouteT:
        """The route for these stores by what their `notifications` say; the first that has any wins. Raises
        NoRouteError, also for settings that it cannot read."""
        ...

    async def deliver(self, parcel: Parcel, route: RouteT, hand_over: HandOver) -> Outcome:
        """Sends, and says what became of it. Ends within `deliveries.SESSION_LIMIT` and then, from the hand-over on,
        `deliveries.DATA_LIMIT`. Raises what `hand_over` raised, and nothing else that it can foresee."""
        ...


Channels = Mapping[str, Channel[Any]]
"""Every way to reach people, by its name."""
