"""The entries of the destination: folded and decoded page by page, put away, and forgotten."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pyarrow as pa

from ..mapping.columns import Column, as_lists, of_values
from ..ports import DN, ID, LISTS, VERSION
from .comparing import lenient
from .design import Design
from .folding import BETWEEN, folded_lists, formed
from .shelf import Shelf
from .spool import Spool


@dataclass
class Entries:
    """Fills the destination's spool."""

    design: Design
    folder: Path
    shelf: Shelf
    read: int = 0
    first: str | None = None
    """The name of one of them."""

    def fill(self, pages: Iterable[pa.RecordBatch]) -> Path:
        """Puts all pages away. The file has `id`, `version`, `dn`, all folded keys of an entry as `folds`, the values
        `v…` of each attribute in `Design.read`, and the forms `c…` of those that a target compares by form."""
        head = [("id", pa.string()), ("version", pa.string()), ("dn", pa.string()), ("folds", LISTS)]
        values = [(f"v{n}", LISTS) for n in range(len(self.design.read))]
        forms = [(f"c{n}", LISTS) for n in self.design.formed]
        spool = Spool(self.folder / "destination.parquet", [*head, *values, *forms])
        try:
            for page in pages:
                if page.num_rows:
                    self.first = self.first or page.column(DN)[0].as_py()
                    spool.add(self._columns(page))
        finally:
            spool.close()
        self.read = spool.rows
        return spool.path

    def _columns(self, page: pa.RecordBatch) -> list[pa.Array]:
        values = [as_lists(page.column(name)) for name in self.design.read]
        targets = [self.design.targets[number] for number in self.design.formed]
        forms = [formed(values[self.design.place[target.name]], lenient(target.form)) for target in targets]
        head = [page.column(name).cast(pa.string()) for name in (ID, VERSION, DN)]
        return [*head, self._folds(values), *map(self.shelf.put, values), *map(self.shelf.put, forms)]

    def _folds(self, values: Sequence[Column]) -> Column:
        """Every key that an entry answers to: its attributes may have several values."""
        columns = [values[self.design.place[part.attribute.name]] for part in self.design.keys]
        parts = [folded_lists(c, part.attribute.fold) for c, part in zip(columns, self.design.keys, strict=True)]
        if len(parts) == 1:
            return parts[0]
        rows = zip(*(part.to_pylist() for part in parts), strict=True)
        return of_values([[BETWEEN.join(key) for key in product(*row)] for row in rows])
