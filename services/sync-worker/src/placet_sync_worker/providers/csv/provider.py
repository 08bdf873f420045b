"""Delimited text files, as source and as destination."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from placet_shared.objects import CsvProvider

from ..files.destination import FileDestination
from ..files.source import FileSource, try_file
from ..files.tables import Edits, Refusals
from ..surroundings import Surroundings
from .tables import CsvTables
from .writing import Rewriting, new_text

DELIMITERS = ";,\t|"
"""Those that people use."""


@dataclass(frozen=True)
class CsvFormat:
    """A `Format`."""

    provider: CsvProvider

    def open(self, path: Path) -> CsvTables:
        return CsvTables(self.provider, path)

    def in_use(self, path: Path) -> None:
        """Nobody says so."""

    def rewrite(self, old: Path | None, new: Path, edits: Edits) -> Refusals:
        """See `Format`: lines that are not edited keep their bytes, changed cells their quoting; new rows are quoted as
        the last one and get its line end."""
        with new.open("wb") as target:
            if old is None:
                target.write(new_text(self.provider, edits).encode(self.provider.encoding))
            else:
                Rewriting(CsvTables(self.provider, old), edits).write(target)
        return {}


def open_csv(provider: CsvProvider, surroundings: Surroundings) -> FileSource:
    """The source of a provider."""
    return FileSource(CsvFormat(provider), surroundings.files, surroundings.spool)


def open_csv_destination(provider: CsvProvider, surroundings: Surroundings, keys: tuple[str, ...]) -> FileDestination:
    """The destination of a provider."""
    return FileDestination(CsvFormat(provider), surroundings.files, surroundings.spool, keys)


def try_csv(provider: CsvProvider, surroundings: Surroundings) -> list[dict[str, Any]]:
    """What `placet provider test` tries. One column that has another delimiter in its name is asked about."""
    source = open_csv(provider, surroundings)
    header, *others = try_file(source, "header")
    if header["ok"] and len(columns := source.columns()) == 1:
        likely = next((one for one in DELIMITERS if one in columns[0]), None)
        header["message"] += f"; that is one column: is the delimiter {likely!r}?" if likely else ""
    return [header, *others]
