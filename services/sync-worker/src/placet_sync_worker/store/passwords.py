"""Passwords that are kept, sealed, until they are taken; a row stays when its password is erased, and says why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, insert, select, update

from placet_shared.work import Work

from ..changes import PROVEN
from ..tables import changes, passwords, runs, steps

RECEIVED, NOT_PROVEN, EXPIRED = "received", "not proven", "expired"
"""Why a password was erased."""


@dataclass(frozen=True)
class NewPassword:
    """A sealed password of the step that sets it."""

    number: int
    step: int
    sealed: str


async def kept(work: Work, run_id: str, numbers: Sequence[int]) -> Mapping[int, str | None]:
    """Sealed passwords by the numbers of their changes; None: erased."""
    mine = and_(passwords.c.run_id == run_id, passwords.c.number.in_(list(numbers)))
    rows = await work.connection.execute(select(passwords.c.number, passwords.c.sealed).where(mine))
    return {row.number: row.sealed for row in rows}


async def keep(work: Work, run_id: str, new: Sequence[NewPassword], until: datetime) -> None:
    rows = [
        {"run_id": run_id, "number": one.number, "step": one.step, "sealed": one.sealed, "expires_at": until}
        for one in new
    ]
    await work.connection.execute(insert(passwords), rows)


async def listed(work: Work, run_id: str, *, after: int, limit: int, lock: bool = False) -> list[Row[Any]]:
    """Passwords of a run from after a number on, with how their step ended: those that can be taken alone if `lock`."""
    ended = and_(
        steps.c.run_id == passwords.c.run_id, steps.c.number == passwords.c.number, steps.c.step == passwords.c.step
    )
    query = (
        select(passwords, steps.c.result)
        .join(steps, ended)
        .where(passwords.c.run_id == run_id, passwords.c.number > after)
        .order_by(passwords.c.number)
        .limit(limit)
    )
    if lock:
        there = passwords.c.sealed.is_not(None), steps.c.result.in_(PROVEN)
        query = query.where(*there).with_for_update(of=passwords)
    return list(await work.connection.execute(query))


async def changes_of(work: Work, run_id: str, numbers: Sequence[int]) -> list[Row[Any]]:
    """The changes that passwords belong to, in order."""
    mine = and_(changes.c.run_id == run_id, changes.c.number.in_(list(numbers)))
    return list(await work.connection.execute(select(changes).where(mine).order_by(changes.c.number)))


async def note_taken(work: Work, run_id: str, numbers: Sequence[int], user: str) -> None:
    """From now on they are this user's to take, and nobody else's."""
    new = passwords.c.run_id == run_id, passwords.c.number.in_(list(numbers)), passwords.c.taken_by.is_(None)
    await work.connection.execute(update(passwords).where(*new).values(taken_by=user, taken_at=work.now))


async def erase_received(work: Work, run_id: str, user: str) -> int:
    """Erases what a user took; how many these were."""
    return await _erase(work, RECEIVED, passwords.c.run_id == run_id, passwords.c.taken_by == user)


async def erase_unproven(work: Work, run_id: str) -> None:
    """Erases what no step is known to have set, at the end of its run."""
    proven = select(steps.c.step).where(
        steps.c.run_id == passwords.c.run_id, steps.c.number == passwords.c.number,
        steps.c.step == passwords.c.step, steps.c.result.in_(PROVEN),
    )  # fmt: skip
    await _erase(work, NOT_PROVEN, passwords.c.run_id == run_id, ~proven.exists())


async def erase_expired(work: Work) -> None:
    """Erases what nobody took in time; a run that is not over still needs its passwords."""
    over = select(runs.c.run_id).where(runs.c.run_id == passwords.c.run_id, runs.c.state == "finished")
    await _erase(work, EXPIRED, passwords.c.expires_at < work.now, over.exists())


async def _erase(work: Work, why: str, *which: Any) -> int:
    gone = update(passwords).where(passwords.c.sealed.is_not(None), *which)
    return (await work.connection.execute(gone.values(sealed=None, erased=why, erased_at=work.now))).rowcount
