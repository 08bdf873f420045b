"""The console's own API: users' tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from placet_shared.errors import NotFoundError
from placet_shared.objects import Name
from placet_shared.objects.base import Duration
from placet_shared.work import Database

from . import store
from .calls import ConsoleRoute
from .managing import Users
from .tokens import TokenRecord

TokenId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


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


def tokens_router(database: Database, users: Users, only_admins: Sequence[Any]) -> APIRouter:
    """Routes below `/users/{name}/tokens`."""
    router = APIRouter(prefix="/{name}/tokens", route_class=ConsoleRoute, dependencies=only_admins)

    @router.get("")
    async def list_tokens(name: Name) -> list[TokenView]:
        async with database.transaction() as work:
            return [_view(token) for token in await store.tokens_of(work, users.seals, name)]

    @router.post("", status_code=201)
    async def create_token(name: Name, response: Response, wish: TokenWish | None = None) -> FreshToken:
        async with database.transaction() as work:
            fresh = await users.create_token(work, name, wish.expires if wish else None)
        response.headers["Cache-Control"] = "no-store"
        return FreshToken(token=str(fresh.token), id=fresh.token.id, expires_at=fresh.expires_at)

    @router.post("/{token_id}/revoke", status_code=204)
    async def revoke_token(name: Name, token_id: TokenId) -> None:
        async with database.transaction() as work:
            if not await store.revoke_token(work, users.seals, name, token_id):
                raise NotFoundError(f"{name} has no token {token_id}")

    return router


def _view(token: TokenRecord) -> TokenView:
    return TokenView.model_validate(vars(token), extra="ignore")
