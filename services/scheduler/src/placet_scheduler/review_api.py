"""Looking before saving: a job in words, a provider's connection, a query's first rows."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from placet_shared.clock import utc_now
from placet_shared.errors import InvalidError, PlacetError
from placet_shared.identity import CallerDependency, Identity
from placet_shared.objects import Job, Schedule, parse_object
from placet_shared.work import Database

from . import store
from .catalogue import Key, check_references
from .catalogue_api import parse_named
from .errors import UnknownObjectError
from .review import approval_words, words
from .times import next_times
from .trying import Worker
from .warnings import warnings_of

Documents = Mapping[Key, Mapping[str, Any]]


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
    limit: int = 20


def review_router(
    database: Database, worker: Worker, caller: CallerDependency, *, notifier_has_mail: bool
) -> APIRouter:
    """`reviews`, `jobs/{name}/review`, `provider-tests`, `query-tests`."""
    router = APIRouter(tags=["looking before saving"])
    who = Depends(caller)

    async def documents() -> dict[Key, Mapping[str, Any]]:
        async with database.transaction() as work:
            return {key: one.document for key, one in (await store.load_catalogue(work)).items()}

    async def review(name: str, among: Documents, user: Identity) -> dict[str, Any]:
        return await _review(name, among, worker, user, notifier_has_mail=notifier_has_mail)

    @router.post("/jobs/{name}/review")
    async def review_saved(name: str, user: Annotated[Identity, who]) -> dict[str, Any]:
        return await review(name, await documents(), user)

    @router.post("/reviews")
    async def review_unsaved(body: ReviewBody, user: Annotated[Identity, who]) -> list[dict[str, Any]]:
        parsed = [parse_named(document) for document in body.objects]
        jobs = [one.name for one in parsed if isinstance(one, Job)]
        if not jobs:
            raise InvalidError("there is no job among these objects; review takes a file with one")
        among = await documents() | {(d["kind"], d["name"]): d for d in body.objects}
        check_references(among)
        return [await review(name, among, user) for name in jobs]

    @router.post("/provider-tests")
    async def test_provider(body: ProviderTestBody, user: Annotated[Identity, who]) -> dict[str, Any]:
        document = _found(await documents(), ("provider", body.provider))
        return await worker.post("provider-tests", {"provider": document}, user)

    @router.post("/query-tests")
    async def test_query(body: QueryTestBody, user: Annotated[Identity, who]) -> dict[str, Any]:
        document = _found(await documents(), ("provider", body.provider))
        return await worker.post("query-tests", {**body.model_dump(), "provider": document}, user)

    return router


async def _review(
    name: str, among: Documents, worker: Worker, user: Identity, *, notifier_has_mail: bool
) -> dict[str, Any]:
    document = _found(among, ("job", name))
    job = parse_object(document)
    assert isinstance(job, Job)
    checked = await _checked(job, among, worker, user)
    following = _next_times(job, among)
    warnings = [*checked["warnings"], *warnings_of(job, among, notifier_has_mail=notifier_has_mail)]
    text = words(job, checked["queries"], approval_words(job, among), following)
    return {
        "text": text + "".join(f"\n\n  warning: {warning}" for warning in warnings),
        "job": document,
        "queries": checked["queries"],
        "next": [at.isoformat() for at in following],
        "warnings": warnings,
        "errors": checked.get("errors", []),
    }


async def _checked(job: Job, among: Documents, worker: Worker, user: Identity) -> dict[str, Any]:
    """What the worker says of tables, columns, schema and secrets; a warning where it cannot say."""
    asked = {
        "job": job.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"kind": "job"},
        "source": among["provider", job.source.provider],
        "destination": among["provider", job.destination.provider],
    }
    try:
        return await worker.post("job-checks", asked, user)
    except PlacetError as error:
        queries = {"source": job.source.query, "destination": job.destination.query}
        return {"queries": queries, "warnings": [f"not checked at the providers: {error}"]}


def _next_times(job: Job, among: Documents) -> list[Any]:
    document = among.get(("schedule", job.schedule or ""))
    schedule = parse_object(document) if document else None
    return next_times(schedule, utc_now(), 5) if isinstance(schedule, Schedule) else []


def _found(among: Documents, key: Key) -> Mapping[str, Any]:
    if key not in among:
        raise UnknownObjectError(f"there is no {key[0]} named {key[1]}; see `placet {key[0]} list`")
    return among[key]
