"""What is known of the keys that people asked to have explained, put together from the joined sides and the plan."""

# ruff: noqa: S608  # the queries are put together from names of ours; keys come in as literals through `quoted`

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..changes import Change, Rejected
from ..ports import Destination
from .comparing import Refused
from .deciding import Entry
from .drafting import Drafts
from .explaining import explain_extra, explain_nothing, explain_record
from .explanation import Explanation, MatchedBy
from .sightings import SEEN, Sightings
from .views import quoted


@dataclass(frozen=True)
class Loose:
    """An entry under a key that no record has. `extra`: no record stands for it either; `holder`: the record that it
    belongs to, or is linked to."""

    entry: Entry
    extra: bool
    linked: bool
    keyless: bool
    holder: str | None


@dataclass(frozen=True)
class Evidence:
    """Asked once a plan was surveyed."""

    drafts: Drafts
    sightings: Sightings
    rejected: Sequence[Rejected]
    destination: Destination
    unreadable: bool
    """Whether some record's key cannot be read."""

    def explanations(self) -> Iterator[Explanation]:
        """By key, in the order in which they were asked for."""
        design, found, loose = self.drafts.candidates.design, self._found(), self._loose()
        likenesses = {} if self.unreadable else self.drafts.candidates.likenesses()
        refused = {one.record: one for one in reversed(self.rejected)}
        changes = {draft.key: draft.change() for draft in self.drafts.changes()}
        for key in self.sightings.keys:
            seen = self.sightings.seen.get(key, [])
            for one in seen:
                decided = refused.get(one.record) or changes.get(key)
                mine = found.get((key, one.record))
                yield explain_record(design, key, one, mine, decided, None if mine else likenesses.get(key))
            if not seen:
                for entry in loose.get(key, []):
                    yield explain_extra(design, key, entry.entry, self._removal(key, entry))
            if not seen and key not in loose:
                yield explain_nothing(key)

    def _found(self) -> Mapping[tuple[str, str], tuple[Entry, MatchedBy]]:
        """The entries of records, by key and record; of several the first."""
        candidates = self.drafts.candidates
        by = f"CASE WHEN h.linked THEN 'link' WHEN {candidates.to_the_letter} THEN 'key' ELSE 'folding' END"
        sql = (
            f"SELECT {candidates.entry_columns}, sk.key, s.record, {by} FROM sk JOIN s ON s.n = sk.n"
            f" JOIN hits h ON h.s = sk.n JOIN d ON d.n = h.d WHERE sk.key IN ({self._wanted})"
            " QUALIFY row_number() OVER (PARTITION BY sk.n ORDER BY d.dn, d.id) = 1"
        )
        return {
            (key, record): (candidates.as_entry(entry), matched_by)
            for *entry, key, record, matched_by in candidates.joined.rows(sql)
        }

    def _loose(self) -> Mapping[str, list[Loose]]:
        """Entries by the key that they have, or had when they were linked."""
        candidates = self.drafts.candidates
        shown = f"coalesce({candidates.entry_key}, l.key, d.dn)"
        holder = "(SELECT min(sk.key) FROM hits h JOIN sk ON sk.n = h.s WHERE h.d = d.n)"
        sql = (
            f"SELECT {candidates.entry_columns}, {shown} AS shown, e.d IS NOT NULL, l.id IS NOT NULL,"
            f" coalesce(e.keyless, false), coalesce({holder}, l.key)"
            " FROM d LEFT JOIN extras e ON e.d = d.n LEFT JOIN links l ON l.id = d.id"
            f" WHERE {shown} IN ({self._wanted})"
            f" QUALIFY row_number() OVER (PARTITION BY shown ORDER BY d.dn, d.id) <= {SEEN}"
        )
        found: dict[str, list[Loose]] = {}
        for *entry, key, extra, linked, keyless, holder in candidates.joined.rows(sql):
            found.setdefault(key, []).append(Loose(candidates.as_entry(entry), extra, linked, keyless, holder))
        return found

    @property
    def _wanted(self) -> str:
        return ", ".join(map(quoted, self.sightings.keys))

    def _removal(self, key: str, one: Loose) -> Change | Rejected | str:
        """What a run of the whole job does with it, or why nothing."""
        job = self.drafts.candidates.design.job
        if not one.extra:
            return f"it belongs to the record {one.holder}"
        if job.extra == "skip":
            return "extra: skip"
        if not one.linked and job.extra_scope == "linked":
            return "this job never made or matched it, and extra_scope: linked"
        if one.keyless and not one.linked:
            return "it has no key, and this job never made or matched it"
        if self.unreadable:
            return "the key of some record cannot be read, so nothing is removed"
        if self.destination.protected(one.entry.dn, removing=True):
            return f"{one.entry.dn} is protected: no run may remove it"
        try:
            decided = self.drafts.decider.remove(key, one.entry)
        except Refused as refused:
            return Rejected(one.entry.dn, key, refused.attribute, refused.reason)
        return decided or f"extra: {job.extra} was done already"


def explained(evidence: Evidence) -> tuple[dict[str, Any], ...]:
    """The documents of all explanations."""
    found: Iterable[Explanation] = evidence.explanations()
    return tuple(one.document() for one in found)
