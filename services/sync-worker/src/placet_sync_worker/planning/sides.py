"""Both sides of a run, read and put away: all of them at once, or what changed and then its entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..keys import shown_key
from ..ports import Destination, Source, Window
from .design import Design
from .entries import Entries
from .finding import Few, can_look_up, keys_in, records_in
from .links import Linked, Links
from .reading import Brake, ahead, both
from .records import Records
from .resolving import spool_known


@dataclass(frozen=True)
class Spools:
    """The files of both sides, and the links that matter. `looked_up`: entries of these records alone were asked for;
    `partial`: not all records were read; `named`: the files of what references find, by the attributes that find it."""

    source: Path
    destination: Path
    links: Linked
    looked_up: bool = False
    partial: bool = False
    named: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Sides:
    """Reads both sides into `records` and `entries`."""

    design: Design
    source: Source
    destination: Destination
    records: Records
    entries: Entries
    brake: Brake

    def read(self, window: Window | None, links: Links) -> Spools:
        """What the window wants of the source, with its entries and links."""
        if window is None or window.since is None:
            source, destination = both(lambda: self._records(window), self._entries, self.brake)
            return Spools(source, destination, links.all())
        source = self._records(window)
        if not can_look_up(self.records.read, self.design):
            return Spools(source, self._entries(), links.all(), partial=True)
        keys = keys_in(source, self.design)
        linked = dict(links.of([shown_key(key) for key in keys], ()))
        few = Few(self.destination, self.design, keys, list(linked))
        destination = self.entries.fill(ahead(few.pages(), self.brake))
        linked |= dict(links.of((), sorted(few.seen)))
        return Spools(source, destination, linked.items(), looked_up=True, partial=True)

    def read_named(self) -> Mapping[str, Path]:
        """The entries of the whole store that references may mean, by the attributes that find them."""
        found_by = {match.name: match for match in self.design.references.values()}
        return {
            name: spool_known(self.records.folder, match, ahead(self.destination.read([name], None), self.brake))
            for name, match in found_by.items()
        }

    def _records(self, window: Window | None) -> Path:
        design = self.design
        pages = records_in(self.source, design.columns, design.job.source.query, window)
        return self.records.fill(ahead(pages, self.brake))

    def _entries(self) -> Path:
        design = self.design
        pages = self.destination.read(design.read, design.query, design.job.destination.container)
        return self.entries.fill(ahead(pages, self.brake))
