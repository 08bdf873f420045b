"""What a run of `mode: changed` reads: the records that changed, and their entries and links alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from placet_shared.objects import Job

from ..keys import split_key
from ..mapping.columns import as_lists
from ..ports import ID, Destination, Page, Source, Window
from .design import Design
from .progress import Known, Progress

FEW = 10_000
"""Records whose entries are looked up; those of more are found sooner by reading all."""

Key = tuple[str, ...]


def window_of(job: Job, progress: Progress | None, known: Known | None, records: Sequence[str]) -> Window | None:
    """Where reading begins; None for a job that always reads all. Of single `records` nothing else is needed."""
    if progress is None:
        return None
    columns = tuple(pair.source for pair in job.key)
    since = progress.stamps.since(known.mark) if known and known.mark and not known.everything else None
    if known is None or since is None:
        return Window(progress.column, None, columns)
    keys = tuple(split_key(key, len(columns)) for key in records)
    return Window(progress.column, since, columns, keys or known.keys)


def records_in(source: Source, columns: Sequence[str], query: str | None, window: Window | None) -> Iterator[Page]:
    """The records in a window, and those that share a key with one of them: of these none is preferred, and the older
    one must be known for that."""
    found: dict[Key, None] = {}
    for page in source.read(columns, query, window):
        if window is not None and window.since is not None:
            parts = [as_lists(page.records.column(name)).to_pylist() for name in window.key]
            found |= {tuple(one for (one,) in key): None for key in zip(*parts, strict=True) if _is_whole(key)}
        yield page
    if window is not None and (rest := tuple(key for key in found if key not in set(window.keys))):
        yield from source.read(columns, query, replace(window, keys=rest, older=True))


def _is_whole(key: Sequence[Sequence[str]]) -> bool:
    return all(len(values) == 1 for values in key)


def keys_in(spool: Path, design: Design) -> list[Key]:
    """The keys of the records in a spool, each once; those that cannot be read aside."""
    parts = [f"k{n}" for n in range(len(design.keys))]
    table = pq.read_table(spool, columns=["fold", *parts])
    rows = zip(*(table.column(name).to_pylist() for name in ("fold", *parts)), strict=True)
    return list(dict.fromkeys(tuple(key) for fold, *key in rows if fold is not None))


def can_look_up(records: int, design: Design) -> bool:
    """Whether entries are looked up by key: by an attribute without equality a server finds none."""
    return records <= FEW and all(part.attribute.has_equality for part in design.keys)


class Few:
    """The entries of some keys, and of the links of these keys. `seen` are their ids."""

    def __init__(self, destination: Destination, design: Design, keys: Sequence[Key], linked: Sequence[str]) -> None:
        self._destination, self._design, self._keys, self._linked = destination, design, keys, linked
        self.seen: set[str] = set()

    def pages(self) -> Iterator[pa.RecordBatch]:
        """Each entry once. One whose key somebody changed by hand is found by its link."""
        names = [part.attribute.name for part in self._design.keys]
        yield from self._new([dict(zip(names, key, strict=True)) for key in self._keys], ())
        yield from self._new((), [one for one in self._linked if one not in self.seen])

    def _new(self, keys: Sequence[Mapping[str, str]], ids: Sequence[str]) -> Iterator[pa.RecordBatch]:
        design, container = self._design, self._design.job.destination.container
        for page in self._destination.look_up(design.read, design.query, container, keys=keys, ids=ids):
            new = []
            for id_ in page.column(ID).to_pylist():
                new.append(id_ not in self.seen)
                self.seen.add(id_)
            yield page.filter(pa.array(new, pa.bool_()))
