"""DuckDB over the spooled files: which record has which entry, and which of them differ."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from ..keys import shown_key_sql
from .design import Design
from .views import Views, quoted

LINKS = (("id", pa.string()), ("key", pa.string()))
"""The columns of a job's links."""

COMPARED_AT_ONCE = 50_000
"""Records that are compared with their entries in one join."""

JOINED = "FROM {pairs} p JOIN s ON s.n = p.s JOIN d ON d.n = p.d"

_MATCH_BY_KEY = """
CREATE TABLE sk AS SELECT n, bad, fold, {key} AS key FROM s WHERE fold IS NOT NULL;
CREATE TABLE dk AS SELECT DISTINCT n, unnest(folds) AS fold FROM d;
CREATE TABLE hits AS SELECT sk.n AS s, dk.n AS d, false AS linked FROM sk JOIN dk USING (fold);
INSERT INTO hits
    SELECT sk.n, d.n, true FROM sk JOIN links l USING (key) JOIN d ON d.id = l.id
    WHERE sk.n NOT IN (SELECT s FROM hits) AND d.n NOT IN (SELECT d FROM hits);
CREATE TABLE twice AS SELECT fold FROM sk GROUP BY fold HAVING count(*) > 1;
CREATE TABLE crowded AS SELECT s FROM hits GROUP BY s HAVING count(*) > 1;
CREATE TABLE shared AS
    SELECT s FROM hits WHERE d IN (SELECT d FROM hits GROUP BY d HAVING count(*) > 1);
CREATE TABLE fit AS
    SELECT n, key FROM sk WHERE NOT bad AND {wanted}
    AND fold NOT IN (FROM twice) AND n NOT IN (FROM crowded) AND n NOT IN (FROM shared);
CREATE TABLE pairs AS SELECT s, d, linked, key FROM hits JOIN fit ON fit.n = hits.s;
CREATE TABLE new AS SELECT n AS s, key FROM fit WHERE n NOT IN (SELECT s FROM hits);
CREATE TABLE extras AS
    SELECT d.n AS d, l.id IS NOT NULL AS linked, len(d.folds) = 0 AS keyless, l.key
    FROM d LEFT JOIN links l ON l.id = d.id
    WHERE d.n NOT IN (SELECT d FROM hits) AND (l.key IS NULL OR l.key NOT IN (SELECT key FROM sk));
CREATE TABLE rekeyed (s BIGINT, d BIGINT, key VARCHAR, was VARCHAR);
"""
"""`sk` and `dk`: the keys of both sides. `hits`: every match, by key or else by link, also of records that cannot be
planned, which protect their entries all the same. `fit`: the records that can be planned; their entries are `pairs`, or
they are `new`. `extras`: entries that no record stands for; one that is linked to a key of the source is none."""

_ALIKE = """
SELECT p.s, e.d, p.key, e.key AS was, d.dn FROM new p JOIN s ON s.n = p.s
    JOIN d ON {named} JOIN extras e ON e.d = d.n AND e.linked WHERE NOT ({differ})"""

_MATCH_CHANGED_KEYS = """
CREATE TABLE alike AS {alike};
INSERT INTO rekeyed SELECT s, d, key, was FROM alike
    WHERE s NOT IN (SELECT s FROM alike GROUP BY s HAVING count(*) > 1)
    AND d NOT IN (SELECT d FROM alike GROUP BY d HAVING count(*) > 1);
INSERT INTO pairs SELECT s, d, true, key FROM rekeyed;
DELETE FROM new WHERE s IN (SELECT s FROM rekeyed);
DELETE FROM extras WHERE d IN (SELECT d FROM rekeyed);
"""
"""A record that has no entry, and a linked entry whose record is gone, with the same name and the same values but for
the key, and no other pair like them: the record's key was changed."""

_COMPARE = """
INSERT INTO changed SELECT p.s, p.d, p.key {joined}
    WHERE p.s >= {first} AND p.s < {last} AND s.n >= {first} AND s.n < {last} AND ({differ})
"""


class Joined(Views):
    """The two sides, joined."""

    def __init__(self, source: Path, destination: Path, folder: Path, memory: str, threads: int) -> None:
        super().__init__(folder, memory, threads)
        self.view("s", source)
        self.view("d", destination)

    def match(
        self,
        design: Design,
        links: Iterable[tuple[str, str]],
        records: Sequence[str],
        half_made: Collection[str] = (),
        *,
        all_keys_known: bool,
        resolve: Callable[[], None] = lambda: None,
    ) -> None:
        """Finds what belongs together, and what differs. `records` are the keys to plan for; none: all. An entry that
        was only `half_made` always differs. `resolve` finds whom records refer to, as soon as it is known which of them
        are new."""
        self.put("links", LINKS, links)
        key = shown_key_sql([f"k{n}" for n in range(len(design.keys))])
        wanted = f"key IN ({', '.join(map(quoted, records))})" if records else "true"
        self.run(_MATCH_BY_KEY.format(key=key, wanted=wanted))
        resolve()
        if all_keys_known and not records:
            self._match_changed_keys(design)
        self._compare(design, half_made)

    def _match_changed_keys(self, design: Design) -> None:
        if alike := self._alike(design):
            self.run(_MATCH_CHANGED_KEYS.format(alike=alike))

    def _alike(self, design: Design) -> str | None:
        """The query of what may be the same under another key; None where nothing is."""
        named = same_name(design)
        if not (named and self.count("FROM new") and self.count("FROM extras WHERE linked")):
            return None
        beside_keys = [n for n in design.compared if design.targets[n].name not in design.key_names]
        return _ALIKE.format(named=named, differ=differ(design, beside_keys))

    def likenesses(self, design: Design) -> dict[str, str]:
        """The names of entries that a run of all records may take for those of new ones, by the keys of these."""
        alike = self._alike(design)
        return {key: dn for _, _, key, _, dn in self.rows(alike)} if alike else {}

    def _compare(self, design: Design, half_made: Collection[str]) -> None:
        """Some records at a time: a join keeps the whole rows of one side in memory."""
        self.run("CREATE TABLE changed (s BIGINT, d BIGINT, key VARCHAR)")
        joined, unequal = JOINED.format(pairs="pairs"), differ(design, design.compared)
        if half_made:
            unequal += f" OR d.id IN ({', '.join(map(quoted, half_made))})"
        for first in range(0, self.count("FROM s"), COMPARED_AT_ONCE):
            last = first + COMPARED_AT_ONCE
            self.run(_COMPARE.format(joined=joined, differ=unequal, first=first, last=last))


def same_name(design: Design) -> str | None:
    """The condition that a record wants the name that an entry has; None where names are not compared."""
    rdn = design.rdn.name if design.rdn else None
    number = next((n for n in design.compared if design.targets[n].name == rdn), None)
    if number is None or rdn in design.key_names:
        return None
    new, old = _both(design, number)
    return f"len({new}) = 1 AND {new} = {old}"


def differ(design: Design, numbers: Iterable[int]) -> str:
    """The condition that a record wants one of these targets of its entry to be another set of values."""
    parts = []
    for number in numbers:
        new, old = _both(design, number)
        unequal = f"({new} <> {old} AND {_as_set(new)} <> {_as_set(old)})"
        parts.append(unequal if design.job.empty_values == "clear" else f"(len({new}) > 0 AND {unequal})")
    return " OR ".join(parts) or "false"


def _both(design: Design, number: int) -> tuple[str, str]:
    if number in design.formed:
        return f"s.c{number}", f"d.c{number}"
    return f"s.t{number}", f"d.v{design.place[design.targets[number].name]}"


def _as_set(column: str) -> str:
    return f"(CASE WHEN len({column}) > 1 THEN list_sort(list_distinct({column})) ELSE {column} END)"
