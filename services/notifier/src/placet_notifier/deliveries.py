"""The life of a delivery: pure. Nothing here ever sends by itself what may have reached its recipient.

queued ─claim─▶ sending ─▶ sent | failed | uncertain, or back to queued; held waits until settings are mended.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from placet_shared.backoff import backoff

from .errors import NotResendableError

State = Literal["queued", "held", "sending", "sent", "failed", "uncertain"]

SESSION_LIMIT = timedelta(seconds=45)
"""From connecting to the hand-over."""
DATA_LIMIT = timedelta(minutes=5)
"""From the hand-over to the answer: servers may scan a mail before they take it (RFC 5321, 4.5.3.2)."""
MARGIN = timedelta(seconds=15)
"""What a lease has left when a limit is over."""

FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=48)
HELD_PAUSE = timedelta(minutes=5)
"""How often a held delivery looks for mended settings that nobody announced, such as a secret's file."""
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Accepted:
    """The other side has it."""

    words: str


@dataclass(frozen=True)
class Later:
    """Nothing was handed over, and it may work later. `everywhere`: the server is at fault, not this delivery."""

    reason: str
    everywhere: bool = True


@dataclass(frozen=True)
class Refused:
    """The other side will never take this mail."""

    reason: str


@dataclass(frozen=True)
class Unusable:
    """The settings do not work: no mail can go this way until a person mends them."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """It may have arrived."""

    reason: str


Outcome = Accepted | Later | Refused | Unusable | Unknown


@dataclass(frozen=True)
class Step:
    """What becomes of a delivery. `next_at` is when it is looked at again, for states that wait."""

    state: State
    reason: str | None
    next_at: datetime | None = None


def after(outcome: Outcome, attempts: int, queued_at: datetime, now: datetime, chance: float) -> Step:
    """The step that an attempt leads to. `chance`, 0 to 1, is the jitter of the pause."""
    match outcome:
        case Accepted(words):
            return Step("sent", words)
        case Later(reason):
            if now >= queued_at + GIVE_UP_AFTER:
                return Step("failed", f"given up after {attempts} attempts: {reason}")
            return Step("queued", reason, now + backoff(attempts, FIRST_PAUSE, LONGEST_PAUSE, chance))
        case Refused(reason):
            return Step("failed", reason)
        case Unusable(reason):
            return held(reason, now)
        case Unknown(reason):
            return Step("uncertain", f"{reason}; it may have arrived: ask, then `placet notification resend`")


def held(reason: str, now: datetime) -> Step:
    """It waits for settings."""
    return Step("held", reason, now + HELD_PAUSE)


def recovered(data_begun: bool, now: datetime) -> Step:
    """What becomes of a delivery whose process is gone: sent again only if it surely was not handed over."""
    if data_begun:
        return after(Unknown("the notifier stopped while it was handing the mail over"), 0, now, now, 0)
    return Step("queued", "the notifier stopped before it handed the mail over", now)


def moot(over: bool, expires_at: datetime | None, now: datetime) -> Step | None:
    """Whether nobody needs the mail any more: a request that is over, or was not decided in time."""
    if over:
        return Step("failed", "not sent: the run was over before")
    if expires_at is not None and now >= expires_at:
        return Step("failed", "not sent: the request expired before")
    return None


def require_resendable(state: str, force: bool) -> None:
    """Passes if a person may have it sent (again). Raises NotResendableError."""
    if state in ("uncertain", "failed", "held") or (state == "sent" and force):
        return
    if state == "sent":
        raise NotResendableError("the notification was sent; to send it a second time, say so with force")
    raise NotResendableError(f"the notification is {state}: it is on its way already")


def delivery_id(cause: str, channel: str, recipient: str) -> str:
    """One id for one mail, however often and in whatever case the recipient is named."""
    return str(uuid5(_NAMESPACE, "\n".join((cause, channel, recipient.casefold()))))


_NAMESPACE = UUID("7b0b9d6c-6d0f-4d3e-9a53-0f6f1d2c4e21")


def distinct(recipients: Iterable[str]) -> tuple[str, ...]:
    """Each address once, in the first of its spellings."""
    spellings: dict[str, str] = {}
    for address in recipients:
        spellings.setdefault(address.casefold(), address)
    return tuple(spellings.values())
