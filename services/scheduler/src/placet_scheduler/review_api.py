"""Looking before saving, over HTTP: a job in words, a provider's connection, a query's first rows."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from placet_shared.clock import utc_now
from placet_shared.errors import InvalidError
from placet_shared.identity import CallerDependency, Identity
from placet_shared.objects import Job
from placet_shared.paging import MOST_PER_PAGE
from placet_shared.seals import Seals
from placet_shared.work import Database

from .catalogue import edit_of
from .catalogue_api import parse_all
from .catalogue_store import Catalogue, documents_of, load_catalogue, load_objects, require_unaltered
from .references import Document, find, references
from .reviewing import Review, Reviewer
from .saving import check_edit


class ReviewBody(BaseModel):
    """Objects that are not saved yet, over those that are."""

    objects: list[dict[str, Any]]


class ProviderTestBody(BaseModel):
    """A saved provider."""

    provider: str


class QueryTestBody(BaseModel):
    """A query at a saved provider; null is the default one."""

    provider: str
    query: str | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = 20


def review_router(database: Database, seals: Seals, reviewer: Reviewer, caller: CallerDependency) -> APIRouter:
    """`reviews`, `jobs/{name}/review`, `provider-tests`, `query-tests`."""
    router = APIRouter(tags=["looking before saving"])
    who = Depends(caller)

    async def catalogue() -> Catalogue:
        async with database.transaction() as work:
            return await load_catalogue(work, seals)

    async def provider(name: str) -> Document:
        async with database.transaction() as work:
            key = ("provider", name)
            return find(await load_objects(work, seals, [key]), key).document

    @router.post("/jobs/{name}/review")
    async def review_saved(name: str, user: Annotated[Identity, who]) -> Review:
        stored, key = await catalogue(), ("job", name)
        require_unaltered(stored, [key])
        saved = documents_of(stored)
        require_unaltered(stored, references(find(saved, key)))
        return await reviewer.review(name, saved, saved, user, utc_now())

    @router.post("/reviews")
    async def review_unsaved(body: ReviewBody, user: Annotated[Identity, who]) -> list[Review]:
        wanted, stored = parse_all(body.objects), await catalogue()
        jobs = [one.name for one in wanted if isinstance(one, Job)]
        if not jobs:
            raise InvalidError("there is no job among these objects; review takes a file with one", "objects")
        saved = documents_of(stored)
        edit = edit_of(saved, wanted)
        check_edit(edit, wanted, stored)
        return [await reviewer.review(name, edit.after, saved, user, utc_now()) for name in jobs]

    @router.post("/provider-tests")
    async def test_provider(body: ProviderTestBody, user: Annotated[Identity, who]) -> dict[str, Any]:
        user.require("editor")
        return await reviewer.worker.post("provider-tests", {"provider": await provider(body.provider)}, user)

    @router.post("/query-tests")
    async def test_query(body: QueryTestBody, user: Annotated[Identity, who]) -> dict[str, Any]:
        user.require("editor")
        asked = {**body.model_dump(), "provider": await provider(body.provider)}
        return await reviewer.worker.post("query-tests", asked, user)

    return router
