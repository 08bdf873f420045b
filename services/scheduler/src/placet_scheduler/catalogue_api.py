"""The catalogue over HTTP: sets of objects in one transaction, and each kind by name."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel

from placet_shared.api import Page
from placet_shared.errors import InvalidError
from placet_shared.identity import CallerDependency, Identity
from placet_shared.objects import Object, parse_object
from placet_shared.objects.provider import IDENTITY_STORES
from placet_shared.work import Database

from . import store
from .catalogue import Key
from .errors import UnknownObjectError
from .saving import Saver
from .store import Stored

PLURALS = {"providers": "provider", "jobs": "job", "schedules": "schedule", "workflows": "workflow"}


class ApplyBody(BaseModel):
    """A set of objects, saved together or not at all."""

    objects: list[dict[str, Any]]
    dry_run: bool = False
    prune: bool = False


def catalogue_router(database: Database, saver: Saver, caller: CallerDependency) -> APIRouter:
    """`POST apply`, and GET, PUT and DELETE of each kind."""
    router = APIRouter(tags=["catalogue"])
    who = Depends(caller)

    @router.post("/apply")
    async def apply(body: ApplyBody, user: Annotated[Identity, who]) -> dict[str, Any]:
        wanted = [parse_named(document) for document in body.objects]
        names = [(parsed.kind, parsed.name) for parsed in wanted]
        if twice := next((key for key in names if names.count(key) > 1), None):
            raise InvalidError(f"{twice[0]} {twice[1]} stands twice in the set; keep one")
        async with database.transaction() as work:
            saved = await saver.save(work, user, wanted, prune=body.prune, dry_run=body.dry_run)
        return {"results": [vars(one) for one in saved]}

    @router.put("/providers/{name}/notifications")
    async def configure_mail(name: str, settings: dict[str, Any], user: Annotated[Identity, who]) -> dict[str, Any]:
        async with database.transaction() as work:
            await store.lock_catalogue(work)
            stored = _found(await store.load_catalogue(work), ("provider", name))
            if stored.document["type"] not in IDENTITY_STORES:
                raise InvalidError(
                    f"{name} is no identity store; mail settings belong to one, such as a provider of type ldap"
                )
            parsed = parse_named({**stored.document, "notifications": settings})
            return vars((await saver.save(work, user, [parsed]))[0])

    for plural, kind in PLURALS.items():
        _kind_routes(router, database, saver, caller, plural, kind)
    return router


def _kind_routes(
    router: APIRouter, database: Database, saver: Saver, caller: CallerDependency, plural: str, kind: str
) -> None:
    who = Depends(caller)

    @router.get(f"/{plural}", name=f"list_{plural}")
    async def list_objects(_user: Annotated[Identity, who]) -> Page:
        async with database.transaction() as work:
            catalogue = await store.load_catalogue(work)
        return Page(items=[one.document for key, one in sorted(catalogue.items()) if key[0] == kind])

    @router.get(f"/{plural}/{{name}}", name=f"show_{kind}")
    async def show_object(name: str, response: Response, _user: Annotated[Identity, who]) -> dict[str, Any]:
        async with database.transaction() as work:
            stored = _found(await store.load_catalogue(work), (kind, name))
        response.headers["etag"] = stored.etag
        return dict(stored.document)

    @router.put(f"/{plural}/{{name}}", name=f"put_{kind}")
    async def put_object(
        name: str,
        document: dict[str, Any],
        user: Annotated[Identity, who],
        if_match: Annotated[str | None, Header()] = None,
    ) -> dict[str, Any]:
        parsed = parse_named({"kind": kind, "name": name, **document})
        if (parsed.kind, parsed.name) != (kind, name):
            raise InvalidError(
                f"the document is {parsed.kind} {parsed.name}, the address says {kind} {name}", field="name"
            )
        async with database.transaction() as work:
            return vars((await saver.save(work, user, [parsed], if_match=if_match))[0])

    @router.delete(f"/{plural}/{{name}}", name=f"delete_{kind}")
    async def delete_object(
        name: str, user: Annotated[Identity, who], if_match: Annotated[str | None, Header()] = None
    ) -> dict[str, Any]:
        async with database.transaction() as work:
            return vars((await saver.save(work, user, [], delete=[(kind, name)], if_match=if_match))[0])


def parse_named(document: dict[str, Any]) -> Object:
    """`parse_object` with the object's name in its message."""
    try:
        return parse_object(document)
    except InvalidError as error:
        raise InvalidError(f"{document.get('kind')} {document.get('name')}: {error}", error.field) from error


def _found(catalogue: dict[Key, Stored], key: Key) -> Stored:
    if key not in catalogue:
        raise UnknownObjectError(f"there is no {key[0]} named {key[1]}; see `placet {key[0]} list`")
    return catalogue[key]
