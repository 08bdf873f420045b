"""Routes that only the scheduler calls: trying providers, queries and jobs before they are used.

The scheduler owns the catalogue: it sends the documents, signed for that very call.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from placet_shared.chain import Verifier
from placet_shared.identity import caller_of
from placet_shared.objects import Job, Provider

from .connections import Connections
from .mapping.script import ScriptEngine
from .planning.check import CheckedJob, check_job
from .planning.preview import preview_rows


class ProviderTest(BaseModel):
    """A provider to connect to."""

    provider: Provider


class QueryTest(BaseModel):
    """A query to preview; null is the default one."""

    provider: Provider
    query: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 20


class JobCheck(BaseModel):
    """A job with what it refers to."""

    job: Job
    source: Provider
    destination: Provider


def build_checks(connections: Connections, verifier: Verifier, scripts: Callable[[], ScriptEngine]) -> APIRouter:
    """The three routes; each runs in a thread, since providers block. `scripts` makes an engine for one check."""
    router = APIRouter()
    signed = [Depends(caller_of(verifier, issuer="scheduler"))]

    @router.post("/provider-tests", dependencies=signed)
    async def try_provider(asked: ProviderTest) -> dict[str, Any]:
        return await asyncio.to_thread(connections.test, asked.provider)

    @router.post("/query-tests", dependencies=signed)
    async def try_query(asked: QueryTest) -> dict[str, Any]:
        return await asyncio.to_thread(preview_rows, connections, asked.provider, asked.query, asked.limit)

    @router.post("/job-checks", dependencies=signed)
    async def check(asked: JobCheck) -> CheckedJob:
        return await asyncio.to_thread(checked, asked)

    def checked(asked: JobCheck) -> CheckedJob:
        with closing(scripts()) as engine:
            return check_job(connections, asked.job, asked.source, asked.destination, engine)

    return router
