"""What the joined sides hold, as records and entries: only what may become a change, and what cannot be matched."""

# ruff: noqa: S608  # the queries are put together from names of ours; keys come in as literals through `quoted`

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from msgspec import json

from ..changes import Reference, Rejected
from ..keys import shown_key_sql
from .deciding import Entry, Record
from .design import Design
from .joining import JOINED, Joined
from .shelf import Shelf
from .views import quoted

SHOWN = 5
"""Records or entries that a reason names."""

_UNMATCHED = {
    "the key stands in other records as well:": """
        SELECT sk.n, r.record FROM sk JOIN sk o ON o.fold = sk.fold AND o.n <> sk.n JOIN s r ON r.n = o.n
        WHERE sk.fold IN (FROM twice)""",
    "several entries have this key:": """
        SELECT sk.n, d.dn FROM sk JOIN hits h ON h.s = sk.n JOIN d ON d.n = h.d WHERE sk.n IN (FROM crowded)""",
    "the entry that has this key has those of other records, too:": """
        SELECT sk.n, r.record FROM sk JOIN hits h ON h.s = sk.n JOIN hits o ON o.d = h.d AND o.s <> h.s
        JOIN s r ON r.n = o.s WHERE sk.n IN (FROM shared)""",
}
"""Why a record has no entry of its own: what to say, and a query for the record's number and what the reason names."""

_POINTED = """
WITH pointed AS (SELECT p.key, regexp_replace(sk.fold, '[.]0+$', '') AS fold FROM new p JOIN sk ON sk.n = p.s
    WHERE regexp_full_match(sk.fold, '-?[0-9]+[.]0+'))
SELECT key, fold FROM pointed JOIN dk USING (fold) UNION
SELECT pointed.key, fold FROM pointed JOIN sk USING (fold) ORDER BY 1"""


@dataclass(frozen=True)
class Candidates:
    """Reads what was joined; each list may be asked for again and comes in the same order."""

    design: Design
    joined: Joined
    shelf: Shelf

    def rejected(self) -> Iterator[Rejected]:
        """Records that share their key or their entry. None of them is preferred."""
        seen: set[int] = set()
        for reason, query in _UNMATCHED.items():
            sql = (
                f"SELECT n, s.record, sk.key, list(DISTINCT name ORDER BY name) FROM ({query}) AS u(n, name)"
                " JOIN s USING (n) JOIN sk USING (n) WHERE NOT sk.bad GROUP BY ALL ORDER BY n"
            )
            for number, record, key, names in self.joined.rows(sql):
                if number not in seen:
                    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
                    yield Rejected(record, key, None, f"{reason} {', '.join(names[:SHOWN])}{more}")
                seen.add(number)

    def creates(self) -> Iterator[Record]:
        """Records without an entry, by key; none where the job leaves them out."""
        if self.design.job.missing == "skip":
            return iter(())
        sql = f"SELECT {self._record} FROM new p JOIN s ON s.n = p.s ORDER BY p.key, p.s"
        return map(self._as_record, self.joined.rows(sql))

    def updates(self) -> Iterator[tuple[Record, Entry]]:
        """Records that differ from their entries, by key."""
        sql = f"SELECT {self.entry_columns}, {self._record} {JOINED.format(pairs='changed')} ORDER BY p.key, p.s"
        width = 3 + len(self.design.read)
        for row in self.joined.rows(sql):
            yield self._as_record(row[width:]), self.as_entry(row[:width])

    def extras(self) -> Iterator[tuple[str, Entry]]:
        """Entries that the job may remove, with their keys; the deepest first: children go before their parents."""
        depth = "length(d.dn) - length(replace(d.dn, ',', ''))"
        columns = f"{self.entry_columns}, {self._extra_key} AS shown"
        sql = f"SELECT {columns} FROM {self._removable} ORDER BY {depth} DESC, shown, d.dn"
        for row in self.joined.rows(sql):
            yield row[-1], self.as_entry(row[:-1])

    def unlinked(self) -> int:
        """Extras that are left alone since the job never managed them."""
        return self.joined.count("FROM extras") - self.joined.count(f"FROM {self._removable}")

    def matches(self) -> Iterator[tuple[str, str]]:
        """(entry id, source key) of all pairs that are not linked like this."""
        sql = "SELECT d.id, p.key FROM pairs p JOIN d ON d.n = p.d LEFT JOIN links l ON l.id = d.id"
        return ((id_, key) for id_, key in self.joined.rows(f"{sql} WHERE l.key IS DISTINCT FROM p.key"))

    def matched(self) -> int:
        """Records that have their entry."""
        return self.joined.count("FROM pairs")

    def unchanged_among(self, ids: Collection[str]) -> int:
        """How many of these entries are those of records."""
        some = ", ".join(map(quoted, ids)) or "NULL"
        return self.joined.count(f"FROM pairs p JOIN d ON d.n = p.d WHERE d.id IN ({some})")

    def rekeyed(self) -> Iterator[tuple[str, str]]:
        """(old key, new key) of records that are taken for linked entries whose key they changed."""
        return ((was, key) for was, key in self.joined.rows("SELECT was, key FROM rekeyed ORDER BY key"))

    def relinked(self) -> Iterator[tuple[str, str]]:
        """(key, the entry's key by now) of records whose linked entry has another key than theirs."""
        sql = (
            f"SELECT p.key, {self.entry_key} {JOINED.format(pairs='pairs')}"
            " WHERE p.linked AND len(d.folds) > 0 AND p.s NOT IN (SELECT s FROM rekeyed) ORDER BY p.key"
        )
        return ((key, now) for key, now in self.joined.rows(sql))

    def likenesses(self) -> Mapping[str, str]:
        """The names of entries that a run of all records may take for those of new ones, by the keys of these."""
        return self.joined.likenesses(self.design)

    def folded(self) -> tuple[int, str]:
        """How many keys match only when they are folded, and one of them."""
        source = f"{JOINED.format(pairs='pairs')} WHERE NOT p.linked AND NOT ({self.to_the_letter})"
        (row,) = self.joined.rows(f"SELECT count(*), min(p.key) {source}")
        return row[0], row[1] or ""

    def pointed(self) -> Sequence[tuple[str, str]]:
        """(key, the same without its point) of new records such as `1.0`, where `1` is another's key."""
        return [(key, other) for key, other in self.joined.rows(_POINTED)]

    def known(self, keys: Collection[str]) -> set[str]:
        """Which of these keys the source has."""
        wanted = ", ".join(map(quoted, keys)) or "NULL"
        return {key for (key,) in self.joined.rows(f"SELECT key FROM sk WHERE key IN ({wanted})")}

    def dns(self) -> Iterator[tuple[str, str]]:
        """(id, DN) of all entries."""
        return ((id_, dn) for id_, dn in self.joined.rows("SELECT id, dn FROM d"))

    @cached_property
    def to_the_letter(self) -> str:
        """The condition that an entry of `d` has the key of a record of `s` without folding."""
        return " AND ".join(f"list_contains(d.v{place}, s.k{n})" for n, place in enumerate(self._key_places))

    @cached_property
    def _key_places(self) -> list[int]:
        return [self.design.place[part.attribute.name] for part in self.design.keys]

    @cached_property
    def _record(self) -> str:
        return record_columns(self.design)

    @cached_property
    def entry_columns(self) -> str:
        return ", ".join(["d.id", "d.version", "d.dn", *(f"d.v{n}" for n in range(len(self.design.read)))])

    @cached_property
    def _extra_key(self) -> str:
        return f"coalesce({self.entry_key}, e.key, d.dn)"

    @cached_property
    def entry_key(self) -> str:
        return shown_key_sql([f"list_extract(d.v{place}, 1)" for place in self._key_places])

    @cached_property
    def _removable(self) -> str:
        """An entry without a key cannot be told from one whose record has it; only a link says that it may go."""
        which = "e.linked" if self.design.job.extra_scope == "linked" else "(e.linked OR NOT e.keyless)"
        return f"extras e JOIN d ON d.n = e.d WHERE {which}"

    def _as_record(self, row: tuple[Any, ...]) -> Record:
        record = as_record(self.design, self.shelf, row)
        references, values = dict(record.references), record.values
        for one in record.references.values() if self._taken_over else ():
            if (there := self._taken_over.get(one.key or "")) is not None:
                references[there.dn] = there
                values = tuple(tuple(there.dn if v == one.dn else v for v in some) for some in values)
        return record if values is record.values else replace(record, references=references, values=values)

    @cached_property
    def _taken_over(self) -> Mapping[str, Reference]:
        """The linked entries that records with other keys are taken for, by these keys: they are not made."""
        if not self.design.references:
            return {}
        rows = self.joined.rows("SELECT r.key, d.dn, d.id FROM rekeyed r JOIN d ON d.n = r.d")
        return {key: Reference(dn, id_) for key, dn, id_ in rows}

    def as_entry(self, row: Sequence[Any]) -> Entry:
        return Entry(row[0], row[1], row[2], tuple(map(self.shelf.get, row[3:])))


def record_columns(design: Design, *, resolved: bool = True) -> str:
    """What `as_record` makes a record of, as columns of `s`; `resolved`: with the names that its references became."""
    keys = [f"s.k{n}" for n in range(len(design.keys))]
    targets = [f"s.t{n}" for n in range(len(design.targets))]
    given = [f"s.{'r' if resolved else 't'}{n}" for n in design.references]
    refs = "s.refs" if resolved and design.references else "[]"
    return ", ".join(["s.n", refs, "s.record", "s.late", *keys, *targets, *given])


def as_record(design: Design, shelf: Shelf, row: tuple[Any, ...]) -> Record:
    """The record of a row of `record_columns`."""
    number, refs, record, late, *rest = row
    keys, targets = len(design.keys), len(design.targets)
    values = tuple(map(shelf.get, rest[keys : keys + targets]))
    given = dict(zip(design.references, map(tuple, rest[keys + targets :]), strict=True))
    references = {one.dn: one for one in map(_as_reference, refs)}
    return Record(record, tuple(rest[:keys]), values, tuple(late), references, number, given)


def _as_reference(text: str) -> Reference:
    return Reference(*json.decode(text))
