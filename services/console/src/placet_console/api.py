"""The one origin: the console's own routes, and everything else that goes on to the services."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from placet_shared.work import Database

from .calls import ANY_PATH, ConsoleRoute, forward
from .dead_letters import dead_letters_router
from .forwarding import Forwarder
from .gate import Gate
from .managing import Users
from .openapi import merge
from .users import User
from .users_api import users_router

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def build_router(database: Database, users: Users, gate: Gate, forwarder: Forwarder, services: list[str]) -> APIRouter:
    """All routes, below `/api/v1`; the last one takes what the others left."""
    router = APIRouter(prefix="/api/v1", route_class=ConsoleRoute)
    caller = Depends(gate)

    @router.get("/openapi.json", include_in_schema=False, dependencies=[caller])
    async def openapi(request: Request) -> dict[str, Any]:
        answers = await asyncio.gather(*(forwarder.fetch(service, "/openapi.json") for service in services))
        documents = {service: answer.json() for service, answer in zip(services, answers, strict=True)}
        return merge(request.app.openapi(), documents)

    router.include_router(users_router(database, users, gate))
    router.include_router(dead_letters_router(forwarder, gate))

    @router.api_route("", methods=METHODS, include_in_schema=False)
    @router.api_route(f"/{ANY_PATH}", methods=METHODS, include_in_schema=False)
    async def pass_on(request: Request, user: Annotated[User, caller]) -> Response:
        return await forward(forwarder, request, user)

    return router
