"""The rows of the console, in the caller's transaction. Each is signed: one that somebody else wrote is an alarm, and
nobody comes in by it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.alarms import raise_alarm
from placet_shared.work import Work

from .sealing import RowSeals, token_content, user_content
from .tables import tokens, users
from .tokens import TokenRecord
from .users import User, UserDetails


async def lock_users(work: Work) -> None:
    """One change of users at a time: names, addresses and the last admin are judged together."""
    await work.connection.execute(text(f"LOCK TABLE {users.fullname} IN SHARE ROW EXCLUSIVE MODE"))


async def all_users(work: Work, seals: RowSeals) -> list[User]:
    """Every user, by name."""
    return await _users(work, seals, select(users).order_by(users.c.name))


async def page_of_users(work: Work, seals: RowSeals, after: str, limit: int) -> list[User]:
    """Users by name, from the one after the cursor on."""
    return await _users(work, seals, select(users).where(users.c.name > after).order_by(users.c.name).limit(limit))


async def find_user(work: Work, seals: RowSeals, name: str) -> User | None:
    """One user."""
    found = await _users(work, seals, select(users).where(users.c.name == name))
    return found[0] if found else None


async def write_user(
    work: Work, seals: RowSeals, name: str, details: UserDetails, version: int, disabled_at: datetime | None
) -> User:
    """Makes the user, or makes them as they are said to be."""
    said = details.model_dump(include={"email", "roles", "groups"})
    content = user_content(name, version=version, disabled=disabled_at is not None, **said)
    values = {**said, "version": version, "disabled_at": disabled_at, "signature": seals.users.seal(content)}
    row = upsert(users).values(name=name, **values)
    written = await work.connection.execute(
        row.on_conflict_do_update(index_elements=[users.c.name], set_=values).returning(users)
    )
    return _user(written.one(), seals)


async def add_token(
    work: Work, seals: RowSeals, token_id: str, user: str, hashed: str, expires_at: datetime | None
) -> None:
    """Keeps a token's hash."""
    signature = seals.tokens.seal(token_content(token_id, user, hashed, expires_at, revoked=False))
    row = {"id": token_id, "user": user, "hash": hashed, "expires_at": expires_at, "signature": signature}
    await work.connection.execute(insert(tokens).values(row))


async def tokens_of(work: Work, seals: RowSeals, user: str) -> list[TokenRecord]:
    """A user's tokens, newest first; those that were altered are left out."""
    query = select(tokens).where(tokens.c.user == user).order_by(tokens.c.created_at.desc(), tokens.c.id)
    found = [_token(row, seals) for row in await work.connection.execute(query)]
    return [token for token in found if token is not None]


async def token_with_user(work: Work, seals: RowSeals, token_id: str) -> tuple[TokenRecord, User] | None:
    """A token and whose it is, as they are now; None also for what was altered."""
    row = (await work.connection.execute(select(tokens).where(tokens.c.id == token_id))).one_or_none()
    token = None if row is None else _token(row, seals)
    user = None if token is None else await find_user(work, seals, token.user)
    return None if token is None or user is None or user.altered else (token, user)


async def revoke_token(work: Work, seals: RowSeals, user: str, token_id: str) -> bool:
    """False if the user has no such token."""
    own = (tokens.c.id == token_id) & (tokens.c.user == user)
    row = (await work.connection.execute(select(tokens).where(own).with_for_update())).one_or_none()
    if row is None:
        return False
    signature = seals.tokens.seal(token_content(row.id, row.user, row.hash, row.expires_at, revoked=True))
    at = {"revoked_at": text("coalesce(revoked_at, now())"), "signature": signature}
    await work.connection.execute(update(tokens).where(own).values(at))
    return True


async def note_use(work: Work, token_id: str) -> None:
    """Remembers when a token was used last."""
    await work.connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=work.now))


async def sign_again(work: Work, seals: RowSeals) -> None:
    """All that is true, with the key that is the current one now: in time before the former is trusted no more."""
    for row in (await work.connection.execute(select(users))).all():
        if not _user(row, seals).altered:
            signed = {"signature": seals.users.seal(_user_content(row))}
            await work.connection.execute(update(users).where(users.c.name == row.name).values(signed))
    for row in (await work.connection.execute(select(tokens).with_for_update())).all():
        if _token(row, seals) is not None:
            signed = {"signature": seals.tokens.seal(_token_content(row))}
            await work.connection.execute(update(tokens).where(tokens.c.id == row.id).values(signed))


async def _users(work: Work, seals: RowSeals, query: Select[Any]) -> list[User]:
    return [_user(row, seals) for row in await work.connection.execute(query)]


def _user(row: Row[Any], seals: RowSeals) -> User:
    altered = not seals.users.hold(row.signature, _user_content(row))
    if altered:
        raise_alarm("altered", user=row.name, reason="this is not what the console wrote of them")
    fields = {name: value for name, value in row._asdict().items() if name != "signature"}
    return User(**(fields | {"roles": tuple(row.roles), "groups": tuple(row.groups), "altered": altered}))


def _token(row: Row[Any], seals: RowSeals) -> TokenRecord | None:
    if not seals.tokens.hold(row.signature, _token_content(row)):
        raise_alarm("altered", token=row.id, user=row.user, reason="this is no token that the console made")
        return None
    return TokenRecord(**{name: value for name, value in row._asdict().items() if name != "signature"})


def _user_content(row: Row[Any]) -> Any:
    return user_content(row.name, row.email, row.roles, row.groups, row.version, row.disabled_at is not None)


def _token_content(row: Row[Any]) -> Any:
    return token_content(row.id, row.user, row.hash, row.expires_at, row.revoked_at is not None)
