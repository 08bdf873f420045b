"""The records of the source: mapped page by page, put away, and forgotten."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ..changes import Rejected
from ..keys import shown_key
from ..mapping.columns import Column, as_lists, holding_nul, longer, of_values, several
from ..mapping.mapper import map_field
from ..mapping.script import ScriptEngine
from ..ports import LISTS, RECORD, Attribute, Fault, Page
from .comparing import lenient
from .design import Design, KeyPart, Target
from .folding import BETWEEN, alike, decoded, folded, folded_lists, formed
from .progress import Progress
from .shelf import Shelf
from .sightings import Sightings
from .spool import Spool

Problems = dict[int, tuple[str, str]]
"""What is wrong with rows of a page: (attribute or column, reason)."""


@dataclass(frozen=True)
class Keys:
    """The keys of a page: the texts of each part, and folded; None where a key cannot be read, which is a problem."""

    texts: list[list[str | None]]
    folds: list[str | None]
    problems: Problems

    def shown(self, row: int) -> str | None:
        return None if self.folds[row] is None else shown_key([part[row] or "" for part in self.texts])


@dataclass
class Records:
    """Fills the source's spool. `unreadable` says where the records stand whose keys cannot be read; `progress` sees
    the time stamps."""

    design: Design
    scripts: ScriptEngine
    folder: Path
    shelf: Shelf
    progress: Progress | None = None
    rejected: list[Rejected] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    sightings: Sightings = field(default_factory=Sightings)
    read: int = 0

    def fill(self, pages: Iterable[Page]) -> Path:
        """Puts all pages away. The file has `record`, `bad`, `fold`, the text `k…` of each part of the key, the values
        `t…` of each target, and their forms `c…` where a target is compared by form. `late` are problems with what only
        new entries get: (attribute, reason). Where a target refers to entries, `t…` is what to look for, and `f…` that
        folded; `m…` is what new entries are referred to by, folded."""
        keys = [(f"k{n}", pa.string()) for n in range(len(self.design.keys))]
        values = [(f"t{n}", LISTS) for n in range(len(self.design.targets))]
        forms = [(f"c{n}", LISTS) for n in self.design.formed]
        head = [("record", pa.string()), ("bad", pa.bool_()), ("late", LISTS), ("fold", pa.string())]
        folds = [(f"f{n}", LISTS) for n in self.design.references] + [(f"m{n}", LISTS) for n in self.design.found_by]
        spool = Spool(self.folder / "source.parquet", [*head, *keys, *values, *forms, *folds])
        try:
            for page in pages:
                self.read += page.records.num_rows + len(page.rejected)
                self.rejected += page.rejected
                self.unreadable += [one.record for one in page.rejected]
                if self.progress is not None and page.rejected:
                    self.progress.stuck = True
                if page.records.num_rows:
                    spool.add(self._columns(page.records, page.faults))
        finally:
            spool.close()
        return spool.path

    def _columns(self, records: pa.RecordBatch, faults: Sequence[Fault]) -> list[pa.Array]:
        keys = keys_of(self.design.keys, records)
        problems, late = keys.problems | {one.row: (one.column, one.reason) for one in faults}, Problems()
        if self.progress is not None:
            for row, reason in self._stamps(self.progress, records, keys).items():
                problems.setdefault(row, (self.progress.column, reason))
        values, forms, wrongs = [], [], dict[str, Mapping[int, str]]()
        for number, target in enumerate(self.design.targets):
            column, form, wrong = self._values(records, target)
            values.append(column)
            forms += [form] if number in self.design.formed else []
            wrongs[target.name] = wrong
            found = problems if number in self.design.compared else late
            for row, reason in wrong.items():
                found.setdefault(row, (target.name, reason))
        names = records.column(RECORD).to_pylist()
        self._reject(names, keys, problems)
        if self.sightings.keys:
            self.sightings.look(records, [keys.shown(row) for row in range(len(names))], values, wrongs, faults)
        bad = pa.array([row in problems for row in range(len(names))], pa.bool_())
        texts = [pa.array(part, pa.string()) for part in (names, keys.folds, *keys.texts)]
        after = of_values([late.get(row, ()) for row in range(len(names))])
        sought = [folded_lists(values[n], match.fold) for n, match in self.design.references.items()]
        sought += [folded_lists(values[n], attribute.fold) for n, attribute in self.design.found_by.items()]
        return [texts[0], bad, after, *texts[1:], *map(self.shelf.put, (*values, *forms)), *sought]

    @staticmethod
    def _stamps(progress: Progress, records: pa.RecordBatch, keys: Keys) -> dict[int, str]:
        rows = as_lists(records.column(progress.column)).to_pylist()
        keyless = [row for row, fold in enumerate(keys.folds) if fold is None]
        return progress.see([next(iter(values), None) for values in rows], keyless)

    def _reject(self, names: list[str], keys: Keys, problems: Problems) -> None:
        for row, (attribute, reason) in sorted(problems.items()):
            self.rejected.append(Rejected(names[row], keys.shown(row), attribute, reason))
            if keys.folds[row] is None:
                self.unreadable.append(names[row])

    def _values(self, records: pa.RecordBatch, target: Target) -> tuple[Column, Column, dict[int, str]]:
        """The values of one target, their forms, and what is wrong with rows."""
        mapped = map_field(target.field, records, self.scripts)
        column, attribute = mapped.values, target.attribute
        if target.match is not None:
            return column, column, mapped.problems | _unfindable(column, target, target.match)
        many = several(column)
        problems = dict(mapped.problems)
        if many and attribute.single_valued:
            problems |= dict.fromkeys(many, f"{attribute.name} takes one value, and the record gives several")
        elif many and attribute.has_equality:
            problems |= alike(column, many, attribute)
        if attribute.longest is not None:
            reason = f"{attribute.name} takes {attribute.longest} characters, and the record gives more"
            problems |= dict.fromkeys(longer(column, attribute.longest), reason)
        form = column
        if attribute.decode is not None:
            form, wrong = decoded(column, attribute.decode)
            problems |= wrong
        if target.form not in (None, attribute.decode):
            form = formed(column, lenient(target.form))
        return column, form, problems | dict.fromkeys(holding_nul(column), "there is a NUL character in it")


def _unfindable(column: Column, target: Target, match: Attribute) -> dict[int, str]:
    """Which rows look for what no entry can have, or for several entries where one is allowed."""
    problems = decoded(column, match.fold)[1]
    if target.attribute.single_valued:
        reason = f"{target.name} takes one value, and the record gives several"
        problems |= dict.fromkeys(several(column), reason)
    return problems | dict.fromkeys(holding_nul(column), "there is a NUL character in it")


def keys_of(parts: Iterable[KeyPart], records: pa.RecordBatch) -> Keys:
    """Reads the keys of a page."""
    problems: Problems = {}
    texts: list[list[str | None]] = []
    folds: list[list[str | None]] = []
    for part in parts:
        rows = as_lists(records.column(part.column)).to_pylist()
        texts.append([values[0] if len(values) == 1 else None for values in rows])
        folds.append(folded(texts[-1], part.attribute.fold))
        for row, fold in enumerate(folds[-1]):
            if fold is None:
                problems.setdefault(row, (part.column, _unreadable(rows[row], part.column)))
    if len(folds) == 1:
        return Keys(texts, folds[0], problems)
    joined = [None if None in row else BETWEEN.join(map(str, row)) for row in zip(*folds, strict=True)]
    return Keys(texts, joined, problems)


def _unreadable(values: list[str], column: str) -> str:
    if len(values) != 1:
        return f"the key {column} has several values" if values else f"the key {column} is empty"
    return f"the key {column} cannot be {values[0]!r}"
