"""The catalogue over HTTP: sets of objects in one transaction, and each kind by name."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel

from placet_shared.errors import InvalidError
from placet_shared.identity import CallerDependency, Identity
from placet_shared.objects import Name, Object, parse_object
from placet_shared.objects.provider import IDENTITY_STORES
from placet_shared.paging import MOST_PER_PAGE, Limit, Page, page_of
from placet_shared.seals import Seals
from placet_shared.work import Database, Work

from .catalogue_store import Stored, load_objects, load_page, lock_catalogue
from .references import Document, Key, find
from .saving import Saved, Saver

PLURALS = {"providers": "provider", "jobs": "job", "schedules": "schedule", "workflows": "workflow"}


class ApplyBody(BaseModel):
    """A set of objects, saved together or not at all."""

    objects: list[dict[str, Any]]
    dry_run: bool = False
    prune: bool = False


class ApplyAnswer(BaseModel):
    """What became of each object, in the order in which they were given; then what was pruned."""

    results: list[Saved]


def catalogue_router(database: Database, saver: Saver, caller: CallerDependency) -> APIRouter:
    """`POST apply`, and GET, PUT and DELETE of each kind."""
    seals = saver.orderer.seals
    router = APIRouter(tags=["catalogue"])
    who = Depends(caller)

    @router.post("/apply")
    async def apply(body: ApplyBody, user: Annotated[Identity, who]) -> ApplyAnswer:
        wanted = parse_all(body.objects)
        async with database.transaction() as work:
            saved = await saver.save(work, user, wanted, prune=body.prune, dry_run=body.dry_run)
        return ApplyAnswer(results=saved)

    @router.put("/providers/{name}/notifications")
    async def configure_mail(name: str, settings: dict[str, Any], user: Annotated[Identity, who]) -> Saved:
        async with database.transaction() as work:
            await lock_catalogue(work)
            document = (await _found(work, seals, ("provider", name))).document
            if document["type"] not in IDENTITY_STORES:
                stores = " or ".join(sorted(IDENTITY_STORES))
                raise InvalidError(
                    f"provider {name}: it is no identity store to have mail settings; name one ({stores})"
                )
            parsed = parse_named({**document, "notifications": settings})
            return (await saver.save(work, user, [parsed]))[0]

    for plural, kind in PLURALS.items():
        _reading(router, database, seals, who, plural, kind)
        _writing(router, database, saver, who, plural, kind)
    return router


def _reading(router: APIRouter, database: Database, seals: Seals, who: Any, plural: str, kind: str) -> None:
    @router.get(f"/{plural}", name=f"list_{plural}", dependencies=[who])
    async def list_objects(cursor: Name | None = None, limit: Limit = MOST_PER_PAGE) -> Page[Document]:
        """By name."""
        async with database.transaction() as work:
            found = await load_page(work, seals, kind, after=cursor or "", limit=limit + 1)
        return page_of(found, limit, lambda one: one[0], lambda one: None if one[1].altered else one[1].document)

    @router.get(f"/{plural}/{{name}}", name=f"show_{kind}", dependencies=[who])
    async def show_object(name: str, response: Response) -> dict[str, Any]:
        async with database.transaction() as work:
            stored = await _found(work, seals, (kind, name))
        response.headers["etag"] = stored.etag
        return dict(stored.document)


def _writing(router: APIRouter, database: Database, saver: Saver, who: Any, plural: str, kind: str) -> None:
    seals = saver.orderer.seals

    @router.put(f"/{plural}/{{name}}", name=f"put_{kind}")
    async def put_object(
        name: str,
        document: dict[str, Any],
        response: Response,
        user: Annotated[Identity, who],
        if_match: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Saved:
        parsed = parse_named({"kind": kind, "name": name, **document})
        if (parsed.kind, parsed.name) != (kind, name):
            raise InvalidError(
                f"the document is {parsed.kind} {parsed.name}, the address says {kind} {name}", field="name"
            )
        async with database.transaction() as work:
            (saved,) = await saver.save(work, user, [parsed], if_match=if_match, if_none_match=if_none_match)
            response.headers["etag"] = (await _found(work, seals, (kind, name))).etag
        return saved

    @router.delete(f"/{plural}/{{name}}", name=f"delete_{kind}")
    async def delete_object(
        name: str, user: Annotated[Identity, who], if_match: Annotated[str | None, Header()] = None
    ) -> Saved:
        async with database.transaction() as work:
            return (await saver.save(work, user, [], delete=[(kind, name)], if_match=if_match))[0]


def parse_all(documents: Sequence[dict[str, Any]]) -> list[Object]:
    """A set of objects, each once. Raises InvalidError that names the object."""
    parsed: dict[Key, Object] = {}
    for document in documents:
        one = parse_named(document)
        if (one.kind, one.name) in parsed:
            raise InvalidError(f"{one.kind} {one.name}: it stands twice in the set; keep one", "name")
        parsed[one.kind, one.name] = one
    return list(parsed.values())


def parse_named(document: dict[str, Any]) -> Object:
    """`parse_object` with the object's name in its message."""
    try:
        return parse_object(document)
    except InvalidError as error:
        raise InvalidError(f"{document.get('kind')} {document.get('name')}: {error}", error.field) from error


async def _found(work: Work, seals: Seals, key: Key) -> Stored:
    return find(await load_objects(work, seals, [key]), key)
