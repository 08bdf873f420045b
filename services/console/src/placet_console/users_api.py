"""The console's own API: users and their tokens."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from placet_shared.errors import ForbiddenError, NotFoundError
from placet_shared.identity import Role
from placet_shared.objects import Name
from placet_shared.objects.base import Duration
from placet_shared.paging import MOST_PER_PAGE, Limit, Page, page_of
from placet_shared.work import Database

from . import store
from .calls import ConsoleRoute
from .gate import Gate
from .managing import Users
from .tokens import TokenRecord
from .users import NewUser, User, UserDetails

TokenId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class UserView(BaseModel):
    """A user."""

    name: str
    email: str | None
    roles: tuple[Role, ...]
    groups: tuple[str, ...]
    disabled: bool
    created_at: datetime


class TokenWish(BaseModel):
    """How long a token is good for; null is for ever."""

    model_config = ConfigDict(extra="forbid")
    expires: Annotated[Duration, Field(gt=timedelta(0))] | None = None


class FreshToken(BaseModel):
    """A new token, which is shown this once."""

    token: str
    id: str
    expires_at: datetime | None


class TokenView(BaseModel):
    """A token without its secret."""

    id: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def users_router(database: Database, users: Users, gate: Gate) -> APIRouter:
    """The routes, bound to what they need."""
    router = APIRouter(prefix="/users", tags=["users"], route_class=ConsoleRoute)
    caller = Depends(gate)

    def admin(user: Annotated[User, caller]) -> User:
        if "admin" not in user.roles:
            raise ForbiddenError(f"{user.name} needs the role admin for this; ask an admin")
        return user

    only_admins = [Depends(admin)]

    @router.get("", dependencies=[caller])
    async def list_users(cursor: Name | None = None, limit: Limit = MOST_PER_PAGE) -> Page[UserView]:
        """By name."""
        async with database.transaction() as work:
            found = await store.page_of_users(work, cursor or "", limit + 1)
        return page_of(found, limit, lambda user: user.name, _view)

    @router.post("", status_code=201, dependencies=only_admins)
    async def add_user(new: NewUser, response: Response) -> UserView:
        async with database.transaction() as work:
            user, made = await users.add(work, new)
        response.status_code = 201 if made else 200
        return _view(user)

    @router.put("/{name}", dependencies=only_admins)
    async def change_user(name: Name, details: UserDetails) -> UserView:
        async with database.transaction() as work:
            return _view(await users.change(work, name, details))

    @router.post("/{name}/disable", dependencies=only_admins)
    async def disable_user(name: Name) -> UserView:
        async with database.transaction() as work:
            return _view(await users.enable(work, name, False))

    @router.post("/{name}/enable", dependencies=only_admins)
    async def enable_user(name: Name) -> UserView:
        async with database.transaction() as work:
            return _view(await users.enable(work, name, True))

    @router.get("/{name}/tokens", dependencies=only_admins)
    async def list_tokens(name: Name) -> list[TokenView]:
        async with database.transaction() as work:
            return [_token_view(token) for token in await store.tokens_of(work, name)]

    @router.post("/{name}/tokens", status_code=201, dependencies=only_admins)
    async def create_token(name: Name, response: Response, wish: TokenWish | None = None) -> FreshToken:
        async with database.transaction() as work:
            fresh = await users.create_token(work, name, wish.expires if wish else None)
        response.headers["Cache-Control"] = "no-store"
        return FreshToken(token=str(fresh.token), id=fresh.token.id, expires_at=fresh.expires_at)

    @router.post("/{name}/tokens/{token_id}/revoke", status_code=204, dependencies=only_admins)
    async def revoke_token(name: Name, token_id: TokenId) -> None:
        async with database.transaction() as work:
            if not await store.revoke_token(work, name, token_id):
                raise NotFoundError(f"{name} has no token {token_id}")

    return router


def _view(user: User) -> UserView:
    return UserView(
        name=user.name,
        email=user.email,
        roles=user.roles,
        groups=user.groups,
        disabled=user.disabled_at is not None,
        created_at=user.created_at,
    )


def _token_view(token: TokenRecord) -> TokenView:
    return TokenView.model_validate(vars(token), extra="ignore")
