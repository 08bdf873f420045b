"""The rows of the catalogue, in the caller's transaction. Each is signed: one that somebody else wrote counts for
nothing but an alarm, and an admin has to apply its object again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, Select, and_, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from placet_shared.alarms import raise_alarm
from placet_shared.objects.workflow import DEFAULT
from placet_shared.seals import Seals
from placet_shared.work import Work

from .catalogue import Saving
from .errors import AlteredObjectError
from .references import Document, Documents, Key
from .tables import objects

PURPOSE = "CatalogueObject"
DEFAULT_WORKFLOW: Key = ("workflow", DEFAULT)
"""Its row is always there, deleted if need be: without it, jobs that it holds would seem to be under no workflow."""


@dataclass(frozen=True)
class Stored:
    """An object as it stands in the catalogue. `altered`: it is not what the scheduler wrote, and says nothing."""

    object_id: str
    version: int
    document: Document
    deleted: bool = False
    altered: bool = False

    @property
    def etag(self) -> str:
        return f'"{self.object_id[:8]}-{self.version}"'


Catalogue = Mapping[Key, Stored]


def content_of(
    kind: str, name: str, object_id: str, version: int, document: Document, deleted: bool
) -> Mapping[str, Any]:
    """What the signature of a row is over."""
    same = {"kind": kind, "name": name, "object_id": object_id, "version": version}
    return {**same, "document": document, "deleted": deleted}


async def lock_catalogue(work: Work) -> None:
    """One writer of the catalogue at a time: references are checked over all of it."""
    await work.connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('placet catalogue'))"))


async def hold_catalogue(work: Work) -> None:
    """Nobody writes the catalogue until this transaction ends, so that an edit sees every order that came before."""
    await work.connection.execute(text("SELECT pg_advisory_xact_lock_shared(hashtext('placet catalogue'))"))


async def load_catalogue(work: Work, seals: Seals) -> dict[Key, Stored]:
    """Every object that exists; altered ones are marked."""
    found = await _load(work, seals, select(objects))
    return _existing(_with_default_workflow(found))


async def load_objects(work: Work, seals: Seals, keys: Iterable[Key]) -> dict[Key, Stored]:
    """Those of these objects that exist. Raises AlteredObjectError."""
    wanted = list(keys)
    found = await _load(work, seals, select(objects).where(tuple_(objects.c.kind, objects.c.name).in_(wanted)))
    existing = _existing(_with_default_workflow(found) if DEFAULT_WORKFLOW in wanted else found)
    require_unaltered(existing, wanted)
    return existing


async def load_page(work: Work, seals: Seals, kind: str, *, after: str, limit: int) -> list[tuple[str, Stored]]:
    """Objects of one kind by name, from the name that comes after `after` on; altered ones are marked."""
    alive = and_(objects.c.kind == kind, objects.c.name > after, objects.c.deleted_at.is_(None))
    found = await _load(work, seals, select(objects).where(alive).order_by(objects.c.name).limit(limit))
    return [(name, stored) for (_, name), stored in found.items()]


async def load_everything(work: Work, seals: Seals) -> dict[Key, Stored]:
    """Every object that there ever was, deleted ones too; those that were altered are left out."""
    found = await _load(work, seals, select(objects).order_by(objects.c.kind, objects.c.name))
    return {key: stored for key, stored in found.items() if not stored.altered and stored.version > 0}


def documents_of(catalogue: Catalogue) -> Documents:
    """Without those that were altered."""
    return {key: stored.document for key, stored in catalogue.items() if not stored.altered}


def altered_of(catalogue: Catalogue) -> list[Key]:
    return [key for key, stored in catalogue.items() if stored.altered]


def require_unaltered(catalogue: Catalogue, keys: Iterable[Key]) -> None:
    """Raises AlteredObjectError for the first of these that was altered."""
    for kind, name in keys:
        if (stored := catalogue.get((kind, name))) is not None and stored.altered:
            raise AlteredObjectError(
                f"{kind} {name} was altered in the database and counts for nothing; an admin must apply it again"
            )


async def save(work: Work, seals: Seals, saving: Saving, user: str) -> Stored:
    """Writes one object's fate; versions count on over deletions, ids do not survive them."""
    kind, name = saving.key
    same = and_(objects.c.kind == kind, objects.c.name == name)
    before = (await _load(work, seals, select(objects).where(same))).get(saving.key)
    object_id = before.object_id if before and saving.verdict != "created" else str(uuid4())
    document = saving.document or (before.document if before and not before.altered else {})
    stored = Stored(object_id, _next_version(work, before), document, saving.document is None)
    values = {
        "object_id": stored.object_id,
        "version": stored.version,
        "document": stored.document,
        "updated_at": func.now(),
        "updated_by": user,
        "deleted_at": func.now() if stored.deleted else None,
        "signature": seals.seal(_content(saving.key, stored)),
    }
    row = upsert(objects).values(kind=kind, name=name, **values)
    await work.connection.execute(
        row.on_conflict_do_update(index_elements=[objects.c.kind, objects.c.name], set_=values)
    )
    return stored


async def sign_again(work: Work, seals: Seals, key: Key, stored: Stored) -> None:
    """With the key that is the current one now: in time before the former is trusted no more."""
    kind, name = key
    signature = seals.seal(_content(key, stored))
    other = and_(objects.c.kind == kind, objects.c.name == name, objects.c.signature != signature)
    await work.connection.execute(update(objects).where(other).values(signature=signature))


def _next_version(work: Work, before: Stored | None) -> int:
    """After an alteration nobody knows what the version was; seconds are more than any count of edits."""
    if before is not None and before.altered:
        return int(work.now.timestamp())
    return before.version + 1 if before else 1


async def _load(work: Work, seals: Seals, query: Select[Any]) -> dict[Key, Stored]:
    return {(row.kind, row.name): _stored(row, seals) for row in await work.connection.execute(query)}


def _stored(row: Row[Any], seals: Seals) -> Stored:
    deleted = row.deleted_at is not None
    content = content_of(row.kind, row.name, row.object_id, row.version, row.document, deleted)
    altered = not seals.hold(row.signature, content)
    if altered:
        raise_alarm("altered", object=f"{row.kind}/{row.name}", reason="this is not what the scheduler wrote")
    return Stored(row.object_id, row.version, row.document, deleted, altered)


def _with_default_workflow(found: dict[Key, Stored]) -> dict[Key, Stored]:
    if DEFAULT_WORKFLOW in found:
        return found
    raise_alarm("altered", object="/".join(DEFAULT_WORKFLOW), reason="its row is gone")
    return {**found, DEFAULT_WORKFLOW: Stored("", 0, {}, altered=True)}


def _existing(found: Catalogue) -> dict[Key, Stored]:
    """Whether one is deleted is nothing that an altered row can say."""
    return {key: stored for key, stored in found.items() if stored.altered or not stored.deleted}


def _content(key: Key, stored: Stored) -> Mapping[str, Any]:
    return content_of(*key, stored.object_id, stored.version, stored.document, stored.deleted)
