"""The rows of the console, in the caller's transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.work import Work

from .tables import tokens, users
from .tokens import TokenRecord
from .users import User, UserDetails


async def lock_users(work: Work) -> None:
    """One change of users at a time: names, addresses and the last admin are judged together."""
    await work.connection.execute(text(f"LOCK TABLE {users.fullname} IN SHARE ROW EXCLUSIVE MODE"))


async def all_users(work: Work) -> list[User]:
    """Every user, by name."""
    return [_user(row) for row in await work.connection.execute(select(users).order_by(users.c.name))]


async def page_of_users(work: Work, after: str, limit: int) -> list[User]:
    """Users by name, from the one after the cursor on."""
    query = select(users).where(users.c.name > after).order_by(users.c.name).limit(limit)
    return [_user(row) for row in await work.connection.execute(query)]


async def find_user(work: Work, name: str) -> User | None:
    """One user."""
    row = (await work.connection.execute(select(users).where(users.c.name == name))).one_or_none()
    return None if row is None else _user(row)


async def write_user(work: Work, name: str, details: UserDetails, version: int, disabled_at: datetime | None) -> User:
    """Makes the user, or makes them as they are said to be."""
    values = {
        **details.model_dump(include={"email", "roles", "groups"}),
        "version": version,
        "disabled_at": disabled_at,
    }
    row = upsert(users).values(name=name, **values)
    written = await work.connection.execute(
        row.on_conflict_do_update(index_elements=[users.c.name], set_=values).returning(users)
    )
    return _user(written.one())


async def add_token(work: Work, token_id: str, user: str, hashed: str, expires_at: datetime | None) -> None:
    """Keeps a token's hash."""
    await work.connection.execute(insert(tokens).values(id=token_id, user=user, hash=hashed, expires_at=expires_at))


async def tokens_of(work: Work, user: str) -> list[TokenRecord]:
    """A user's tokens, newest first."""
    query = select(tokens).where(tokens.c.user == user).order_by(tokens.c.created_at.desc(), tokens.c.id)
    return [_token(row) for row in await work.connection.execute(query)]


async def token_with_user(work: Work, token_id: str) -> tuple[TokenRecord, User] | None:
    """A token and whose it is, as they are now."""
    token = (await work.connection.execute(select(tokens).where(tokens.c.id == token_id))).one_or_none()
    user = None if token is None else await find_user(work, token.user)
    return None if token is None or user is None else (_token(token), user)


async def revoke_token(work: Work, user: str, token_id: str) -> bool:
    """False if the user has no such token."""
    own = (tokens.c.id == token_id) & (tokens.c.user == user)
    at = {"revoked_at": text("coalesce(revoked_at, now())")}
    return bool((await work.connection.execute(update(tokens).where(own).values(at))).rowcount)


async def note_use(work: Work, token_id: str) -> None:
    """Remembers when a token was used last."""
    await work.connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=work.now))


def _user(row: Row[Any]) -> User:
    fields = row._asdict()
    return User(**(fields | {"roles": tuple(row.roles), "groups": tuple(row.groups)}))


def _token(row: Row[Any]) -> TokenRecord:
    return TokenRecord(**row._asdict())
