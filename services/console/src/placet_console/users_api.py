"""The console's own API: users."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from placet_shared.errors import ForbiddenError
from placet_shared.identity import Role
from placet_shared.objects import Name
from placet_shared.paging import MOST_PER_PAGE, Limit, Page, page_of
from placet_shared.work import Database

from . import store
from .calls import ConsoleRoute
from .gate import Gate
from .managing import Users
from .tokens_api import tokens_router
from .users import NewUser, User, UserDetails


class UserView(BaseModel):
    """A user. `altered`: not as the console wrote them; they cannot sign in until an admin says anew who they are."""

    name: str
    email: str | None
    roles: tuple[Role, ...]
    groups: tuple[str, ...]
    disabled: bool
    altered: bool
    created_at: datetime


def users_router(database: Database, users: Users, gate: Gate) -> APIRouter:
    """The routes, bound to what they need."""
    router = APIRouter(prefix="/users", tags=["users"], route_class=ConsoleRoute)
    only_admins = [Depends(admin_by(gate))]

    @router.get("", dependencies=[Depends(gate)])
    async def list_users(cursor: Name | None = None, limit: Limit = MOST_PER_PAGE) -> Page[UserView]:
        """By name."""
        async with database.transaction() as work:
            found = await store.page_of_users(work, users.seals, cursor or "", limit + 1)
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

    router.include_router(tokens_router(database, users, only_admins))
    return router


def admin_by(gate: Gate) -> Callable[..., Any]:
    """A dependency that lets admins through, and nobody else."""

    def admin(user: Annotated[User, Depends(gate)]) -> User:
        if "admin" not in user.roles:
            raise ForbiddenError(f"{user.name} needs the role admin for this; ask an admin")
        return user

    return admin


def _view(user: User) -> UserView:
    return UserView(
        name=user.name,
        email=user.email,
        roles=user.roles,
        groups=user.groups,
        disabled=user.disabled_at is not None,
        altered=user.altered,
        created_at=user.created_at,
    )
