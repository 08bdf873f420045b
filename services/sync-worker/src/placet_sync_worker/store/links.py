"""Links between entries and the records that manage them, and the matches that become links when a run has ended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from sqlalchemy import Text, text, update

from placet_shared.work import Work

from ..tables import links, matches
from .arrays import any_of


@dataclass(frozen=True)
class JobLinks:
    """The links of one job at a store; for use in a thread."""

    database_url: str
    store: str
    job_id: str

    def all(self) -> Iterator[tuple[str, str]]:
        """(entry id, source key), through a server-side cursor."""
        with psycopg.connect(self.database_url) as connection, connection.cursor("links") as cursor:
            cursor.itersize = 10_000
            cursor.execute(_ALL, {"store": self.store, "job": self.job_id})
            yield from cursor

    def of(self, keys: Sequence[str], ids: Sequence[str]) -> list[tuple[str, str]]:
        """(entry id, source key) of some keys and of some entries."""
        return self._rows(_SOME, {"keys": list(keys), "ids": list(ids)})

    def unfinished(self) -> frozenset[str]:
        """The ids of entries that were only half made."""
        return frozenset(id_ for (id_,) in self._rows(_UNFINISHED, {}))

    def elsewhere(self, ids: Sequence[str]) -> set[str]:
        """Which entries of the store other jobs are linked to."""
        return {id_ for (id_,) in self._rows(_ELSEWHERE, {"ids": list(ids)})}

    def _rows(self, query: LiteralString, more: Mapping[str, list[str]]) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, {"store": self.store, "job": self.job_id, **more}).fetchall()


async def link(work: Work, store: str, job_id: str, made: Sequence[tuple[str, str, bool]]) -> None:
    """Links new entries to records: (entry id, source key, whether more steps are to follow)."""
    if made:
        ids, keys, more = zip(*made, strict=True)
        await work.connection.execute(
            _LINK_NEW, {"store": store, "job": job_id, "ids": list(ids), "keys": list(keys), "more": list(more)}
        )


async def finish(work: Work, store: str, job_id: str, keys: Sequence[str]) -> None:
    """The entries of these records went through all steps of their creation."""
    if keys:
        known = links.c.store == store, links.c.job_id == job_id, links.c.source_key == any_of(keys, Text)
        await work.connection.execute(update(links).where(*known, links.c.unfinished).values(unfinished=False))


async def link_matches(work: Work, store: str, job_id: str, run_id: str) -> None:
    """Links what a run found to belong together."""
    await work.connection.execute(
        text(_LINK + "entry_id, source_key FROM sync.matches WHERE run_id = :run" + _NEWEST),
        {"store": store, "job": job_id, "run": run_id},
    )


async def forget_matches(work: Work, run_id: str) -> None:
    await work.connection.execute(matches.delete().where(matches.c.run_id == run_id))


async def unlink(work: Work, store: str, entry_ids: Sequence[str]) -> None:
    """Forgets the links of entries that are gone."""
    if entry_ids:
        gone = links.c.store == store, links.c.entry_id == any_of(entry_ids, Text)
        await work.connection.execute(links.delete().where(*gone))


_LINK = "INSERT INTO sync.links (store, job_id, entry_id, source_key) SELECT :store, :job, "
_NEWEST = " ON CONFLICT (store, entry_id, job_id) DO UPDATE SET source_key = excluded.source_key"
_UNFINISHED: LiteralString = (
    "SELECT entry_id FROM sync.links WHERE store = %(store)s AND job_id = %(job)s AND unfinished"
)
_ELSEWHERE: LiteralString = (
    "SELECT DISTINCT entry_id FROM sync.links WHERE store = %(store)s AND job_id <> %(job)s AND entry_id = ANY(%(ids)s)"
)
_ALL: LiteralString = "SELECT entry_id, source_key FROM sync.links WHERE store = %(store)s AND job_id = %(job)s"
_SOME: LiteralString = (
    "SELECT entry_id, source_key FROM unnest(%(keys)s::text[]) AS k(key) JOIN sync.links ON source_key = k.key"
    " WHERE store = %(store)s AND job_id = %(job)s"
    " UNION SELECT entry_id, source_key FROM unnest(%(ids)s::text[]) AS i(id) JOIN sync.links ON entry_id = i.id"
    " WHERE store = %(store)s AND job_id = %(job)s"
)
_LINK_NEW = text(
    "INSERT INTO sync.links (store, job_id, entry_id, source_key, unfinished) SELECT :store, :job, t.*"
    " FROM unnest(CAST(:ids AS text[]), CAST(:keys AS text[]), CAST(:more AS boolean[])) AS t(id, key, more)"
    " ON CONFLICT (store, entry_id, job_id) DO UPDATE SET source_key = excluded.source_key"
)
