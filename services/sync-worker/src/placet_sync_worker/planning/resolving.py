"""Whom records refer to: entries that have a value that the record gives, or what the same run makes of another record.

The whole store is read once for each attribute that finds entries; DuckDB joins, so that memory does not grow.
"""

# ruff: noqa: S608  # the queries are put together from names and numbers of ours

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import json

from ..changes import Rejected
from ..mapping.columns import as_lists
from ..ports import DN, ID, LISTS, Attribute, Naming
from .comparing import lenient
from .design import Design
from .folding import folded_lists
from .joining import Joined
from .loops import loops_of
from .spool import Spool
from .views import quoted

SHOWN = 5
ROWS = 2_000

_PLANNED = "(SELECT s FROM pairs UNION ALL SELECT s FROM new)"

_ASKED = """
INSERT INTO asked SELECT n, {t}, unnest(generate_series(1, len(t{t}))), unnest(t{t}), unnest(f{t})
    FROM s WHERE NOT bad AND len(t{t}) > 0 AND n IN {planned}
"""
_ENTRIES = """
INSERT INTO refs SELECT DISTINCT a.n, a.t, a.i, a.value, k.id, k.dn, NULL
    FROM asked a JOIN read_parquet({known}) k USING (fold) WHERE a.t = {t}
"""
_RECORDS = """
INSERT INTO refs SELECT DISTINCT a.n, a.t, a.i, a.value, NULL, NULL, r.n
    FROM asked a JOIN (SELECT n, unnest(m{found_by}) AS fold FROM s WHERE n IN (SELECT s FROM new)) r USING (fold)
    WHERE a.t = {t}
"""
_UNMATCHED = """
INSERT INTO unresolved SELECT n, t, i, value, 'none', [] FROM asked ANTI JOIN refs USING (n, t, i);
INSERT INTO unresolved
    SELECT r.n, t, i, any_value(value), 'many', list(coalesce(r.dn, s.record) ORDER BY coalesce(r.dn, s.record))
    FROM refs r LEFT JOIN s ON s.n = r.s GROUP BY r.n, t, i HAVING count(*) > 1
"""
_SPREAD = """
INSERT INTO unresolved SELECT r.n, t, i, r.value, 'lost', [s.record] FROM refs r JOIN s ON s.n = r.s
    WHERE r.s IN (SELECT n FROM unresolved) AND r.n NOT IN (SELECT n FROM unresolved)
"""
_WANTED = f"""
SELECT r.n, r.t, r.id, r.dn, new.key, {{named}} FROM refs r LEFT JOIN new ON new.s = r.s LEFT JOIN s ON s.n = r.s
    WHERE r.n IN {_PLANNED} ORDER BY r.n, r.t, r.i
"""
_REQUIRED = """
SELECT r.n, r.s FROM refs r JOIN new a ON a.s = r.n JOIN new b ON b.s = r.s WHERE r.t IN ({required})
"""


def spool_known(folder: Path, attribute: Attribute, pages: Iterable[pa.RecordBatch]) -> Path:
    """Puts the entries of a store away by what finds them: `fold`, `id` and `dn`, a row for each value."""
    spool = Spool(folder / f"known-{attribute.name}.parquet", [(name, pa.string()) for name in ("fold", "id", "dn")])
    try:
        for page in pages:
            if page.num_rows:
                folds = folded_lists(as_lists(page.column(attribute.name)), attribute.fold)
                parents = pc.list_parent_indices(folds)
                spool.add([folds.flatten(), *(page.column(name).cast(pa.string()).take(parents) for name in (ID, DN))])
    finally:
        spool.close()
    return spool.path


@dataclass(frozen=True)
class Resolution:
    """The references of one plan. `known` are the files of `spool_known` by the attributes' names."""

    design: Design
    joined: Joined
    naming: Naming
    known: Mapping[str, Path]

    def resolve(self, source: Path, folder: Path) -> None:
        """Finds whom records refer to, takes out those that refer to nobody, and gives `s` the names of the others."""
        self.joined.run(
            "CREATE TABLE asked (n BIGINT, t INTEGER, i BIGINT, value VARCHAR, fold VARCHAR);\n"
            "CREATE TABLE refs (n BIGINT, t INTEGER, i BIGINT, value VARCHAR, id VARCHAR, dn VARCHAR, s BIGINT);\n"
            "CREATE TABLE unresolved (n BIGINT, t INTEGER, i BIGINT, value VARCHAR, kind VARCHAR, names VARCHAR[])"
        )
        creating = self.design.job.missing == "create"
        made_by = {attribute.name: number for number, attribute in self.design.found_by.items()}
        for t, match in self.design.references.items():
            planned = "(SELECT s FROM new)" if self.design.targets[t].field.only_on_create else _PLANNED
            self.joined.run(_ASKED.format(t=t, planned=planned))
            self.joined.run(_ENTRIES.format(t=t, known=quoted(str(self.known[match.name]))))
            if creating and match.name in made_by:
                self.joined.run(_RECORDS.format(t=t, found_by=made_by[match.name]))
        self.joined.run(_UNMATCHED)
        self._reject_loops()
        self._spread()
        self.joined.run(
            "DELETE FROM pairs WHERE s IN (SELECT n FROM unresolved);\n"
            "DELETE FROM new WHERE s IN (SELECT n FROM unresolved)"
        )
        self._show(source, self._spool_wanted(folder))

    def rejected(self) -> Iterator[Rejected]:
        """Records that refer to nobody, to several, or to what cannot be made."""
        return (rejected for _, rejected in self._rejected("n >= 0"))

    def lose(self, numbers: Collection[int]) -> Iterator[tuple[int, Rejected]]:
        """Which records cannot be planned either when these get no entries: by their numbers."""
        known = self.joined.count("FROM unresolved")
        referred = self.joined.rows("SELECT DISTINCT s FROM refs WHERE s IS NOT NULL")
        seeds = iter([number for (number,) in referred if number in numbers])
        while some := ", ".join(f"({number}, 'self')" for number in islice(seeds, ROWS)):
            self.joined.run(f"INSERT INTO unresolved (n, kind) VALUES {some}")
        self._spread()
        return self._rejected(f"kind = 'lost' AND rowid >= {known}")

    def _rejected(self, which: str) -> Iterator[tuple[int, Rejected]]:
        sql = f"""SELECT u.n, s.record, sk.key, u.t, u.value, u.kind, u.names
            FROM (SELECT *, row_number() OVER (PARTITION BY n ORDER BY t, i) AS first FROM unresolved WHERE {which}) u
            JOIN s ON s.n = u.n JOIN sk ON sk.n = u.n WHERE u.first = 1 ORDER BY u.n"""
        for number, record, key, t, value, kind, names in self.joined.rows(sql):
            target = self.design.targets[t]
            reason = reason_of(kind, target.name, self.design.references[t].name, value, names)
            yield number, Rejected(record, key, target.name, reason)

    def _spread(self) -> None:
        """To whom refers to a record that gets no entry."""
        found = -1
        while (now := self.joined.count("FROM unresolved")) != found:
            found = now
            self.joined.run(_SPREAD)

    def _reject_loops(self) -> None:
        """Entries that must refer to each other from the start can be made in no order."""
        required = [t for t in self.design.references if self.design.targets[t].name in self.design.required]
        if not required:
            return
        edges: dict[int, list[int]] = {}
        for n, s in self.joined.rows(_REQUIRED.format(required=", ".join(map(str, required)))):
            edges.setdefault(n, []).append(s)
        for loop in loops_of(edges):
            keys = dict(self.joined.rows(f"SELECT n, key FROM sk WHERE n IN ({', '.join(map(str, loop))})"))
            names = "[" + ", ".join(quoted(keys[n]) for n in loop) + "]"
            rows = ", ".join(f"({n}, {required[0]}, 0, '', 'loop', {names})" for n in loop)
            self.joined.run(f"INSERT INTO unresolved VALUES {rows}")

    # ---- what records want, by names -------------------------------------------------------------------------------

    def _spool_wanted(self, folder: Path) -> Path:
        """`record`, the names `t…` that it wants, their forms `c…`, and `refs`: what each name refers to, as JSON."""
        targets = list(self.design.references)
        formed = [t for t in targets if t in self.design.formed]
        columns = [(f"t{t}", LISTS) for t in targets] + [(f"c{t}", LISTS) for t in formed]
        spool = Spool(folder / "wanted.parquet", [("record", pa.int64()), *columns, ("refs", LISTS)])
        rdn = next((n for n, target in enumerate(self.design.targets) if target.attribute == self.design.rdn), None)
        named = "NULL" if rdn is None else f"list_extract(s.t{rdn}, 1)"
        waiting: list[tuple[int, dict[int, list[str]], list[str]]] = []

        def put() -> None:
            if waiting:
                names = [[row[1].get(t, []) for row in waiting] for t in targets]
                forms = {t: lenient(self.design.targets[t].form) for t in formed}
                shapes = [[[forms[t](one) for one in row[1].get(t, [])] for row in waiting] for t in formed]
                lists = [pa.array(column, LISTS) for column in (*names, *shapes, [row[2] for row in waiting])]
                spool.add([pa.array([row[0] for row in waiting], pa.int64()), *lists])
                waiting.clear()

        for number, rows in groupby(self.joined.rows(_WANTED.format(named=named)), key=lambda row: row[0]):
            wanted: dict[int, list[str]] = {}
            references: dict[str, bytes] = {}
            for _, t, id_, dn, key, name in rows:
                shown = dn if id_ is not None else self._name_of_new(name)
                references[shown] = json.encode([shown, id_, None if id_ is not None else key])
                if shown not in wanted.setdefault(t, []):
                    wanted[t].append(shown)
            waiting.append((number, wanted, [one.decode() for one in references.values()]))
            if len(waiting) == ROWS:
                put()
        put()
        spool.close()
        return spool.path

    def _name_of_new(self, name: str | None) -> str:
        """The DN that a new entry gets; one without a name is rejected later, and who refers to it as well."""
        rdn = self.design.rdn
        assert rdn is not None
        return self.naming.join({rdn.name: name or ""}, str(self.design.job.destination.container))

    def _show(self, source: Path, wanted: Path) -> None:
        """Whoever reads records sees the names that they want; what the source gave is `r…`."""
        columns = [f"t{t}" for t in self.design.references]
        columns += [f"c{t}" for t in self.design.references if t in self.design.formed]
        names = ", ".join(f"coalesce(w.{name}, []) AS {name}" for name in columns)
        given = ", ".join(f"b.t{t} AS r{t}" for t in self.design.references)
        self.joined.run(
            f"CREATE OR REPLACE VIEW s AS SELECT b.* REPLACE ({names}), {given}, coalesce(w.refs, []) AS refs"
            f" FROM read_parquet({quoted(str(source))}) b"
            f" LEFT JOIN read_parquet({quoted(str(wanted))}) w ON w.record = b.n"
        )


def reason_of(kind: str, attribute: str, match: str, value: str, names: Sequence[str]) -> str:
    """Why a reference cannot be planned, for people."""
    some = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    match kind:
        case "many":
            return f"{attribute}: several have {match} {value}: {some}"
        case "lost":
            return f"{attribute}: the record that has {match} {value} ({some}) gets no entry"
        case "loop":
            return f"{attribute}: none of {some} can be made first, since each needs the next; leave one of them out"
        case _:
            return f"{attribute}: no entry has {match} {value}"
