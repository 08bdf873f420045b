"""A file as a destination: a row is an entry, its key as text is its id, the file's checksum is everybody's version."""

# ruff: noqa: S608  # identifiers are quoted; people's own SQL is one SELECT in an engine that reaches nothing

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from placet_shared.chain import DestinationIdentity

from ...errors import QueryError, SourceFileError, UnknownAttributeError
from ...keys import shown_key_sql
from ...mapping.columns import as_lists
from ...ports import DN, ID, RECORD, VERSION, Attribute, ObjectType, Page, Safety
from ...workspace import workspace
from .folder import FilesFolder, snapshot
from .sql import RECORDS, Engine, ident, locked_down, spool_pages
from .tables import Edits, Format, Tables, ids_of, no_column, once, where

ABSENT = "absent"
"""The version of a file that is not there, and is made."""

ALL = f"SELECT * FROM {RECORDS}"


@dataclass
class FileDestination:
    """A `Destination`, and what `FileWriter` writes to. A copy is read, so that all of it is of one moment.

    Rows without a key are no entries; of rows that share their key none is touched.
    """

    format: Format
    files: FilesFolder
    spool: Path
    keys: tuple[str, ...]
    _open: ExitStack = field(default_factory=ExitStack)

    def identity(self) -> DestinationIdentity:
        provider = self.format.provider
        return DestinationIdentity(
            url=f"file:{provider.path}", bind_dn="", base_dn=self._tables.main, base_id="", server=""
        )

    def safety(self) -> Safety:
        """The old file is compared and replaced at once; but who writes without our lock has the moment between."""
        return "value"

    def whole(self) -> str:
        return self._state[1]

    def attribute(self, name: str) -> Attribute:
        """See `Destination`."""
        if name in self._attributes:
            return self._attributes[name]
        raise UnknownAttributeError(no_column(self._tables.columns(self._tables.main), name, self.where))

    @property
    def naming(self) -> None:
        """Rows have no names."""

    def object_type(self, name: str | None) -> ObjectType:
        """A row: any columns."""
        allowed = frozenset(self._columns)
        return ObjectType(given={}, rdn=None, required=self._tables.required(), allowed=allowed, query=ALL)

    def default_query(self, kind: ObjectType, keys: Sequence[str]) -> str:
        return kind.query

    def read(self, attributes: Sequence[str], query: str | None, base: str | None = None) -> Iterator[pa.RecordBatch]:
        """See `Destination`. A query says which rows are meant: those whose key it gives. Raises QueryError."""
        names = list(dict.fromkeys(attributes))
        which = "" if query in (None, ALL) else f" WHERE {ident(ID)} IN ({self._ids_of(str(query))})"
        columns = ", ".join(map(ident, (ID, RECORD, *names)))
        for page in self._engine.pages(f'SELECT {columns} FROM "placet entries"{which}', [ID, RECORD, *names]):
            versions = pa.array([self.whole()] * page.num_rows, pa.string())
            heads = [page.column(ID), versions, page.column(RECORD)]
            values = [as_lists(page.column(name)) for name in names]
            yield pa.RecordBatch.from_arrays([*heads, *values], names=[ID, VERSION, DN, *names])

    def holds(self, dn: str) -> bool:
        """Rows have no names."""
        return False

    def hidden(self, attributes: Sequence[str], dn: str) -> Sequence[str]:
        """Rows have no names."""
        return ()

    def look_up(
        self,
        attributes: Sequence[str],
        query: str | None,
        base: str | None = None,
        *,
        keys: Sequence[Mapping[str, str]] = (),
        ids: Sequence[str] = (),
    ) -> Iterator[pa.RecordBatch]:
        """See `Destination`: the file was read whole anyway."""
        return self.read(attributes, query, base) if keys or ids else iter(())

    def images(self, ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
        """See `Destination`: the row's other cells."""
        wanted = ", ".join("'" + id_.replace("'", "''") + "'" for id_ in ids) or "NULL"
        columns = ", ".join(map(ident, (ID, *self._columns)))
        query = f'SELECT {columns} FROM "placet entries" WHERE {ident(ID)} IN ({wanted})'
        for page in self._engine.pages(query, [ID, *self._columns]):
            for row in page.to_pylist():
                yield row[ID], {name: (row[name],) for name in self._columns if row[name]}

    def protected(self, dn: str, *, removing: bool = True) -> bool:
        """See `Destination`: rows that share their key cannot be told apart."""
        return dn in self._ambiguous

    def close(self) -> None:
        self._open.close()

    # ---- the file ----------------------------------------------------------------------------------------------------

    @property
    def where(self) -> str:
        return where(self.format.provider)

    def path(self) -> Path:
        """Where the file stands, or is to stand. Raises SourceFileError where there is none and none is to be made."""
        provider = self.format.provider
        place = self.files.place(provider.name, provider.path)
        if not place.exists() and provider.new_file:
            if not place.parent.is_dir():
                raise SourceFileError(f"{self.where}: there is no folder {Path(provider.path).parent}; make it")
            return place
        try:
            return self.files.find(provider.name, provider.path)
        except SourceFileError as error:
            if place.exists():
                raise
            columns = ", ".join(self.keys)
            raise SourceFileError(f"{error}; to have one made, give its columns: new_file: [{columns}, …]") from error

    @cached_property
    def _folder(self) -> Path:
        return self._open.enter_context(workspace(self.spool))

    @cached_property
    def _state(self) -> tuple[Path, str]:
        """A copy of the file, and its version."""
        path, copy = self.path(), self._folder / f"copy{Path(self.format.provider.path).suffix}"
        if path.exists():
            return copy, snapshot(path, copy)
        self.format.rewrite(None, copy, Edits())
        return copy, ABSENT

    @cached_property
    def _tables(self) -> Tables:
        tables = self.format.open(self._state[0])
        self._open.callback(tables.close)
        return tables

    @cached_property
    def _attributes(self) -> Mapping[str, Attribute]:
        return {name: self._tables.attribute(name) for name in self._columns}

    @cached_property
    def _columns(self) -> list[str]:
        return once(self._tables.columns(self._tables.main))

    @cached_property
    def _engine(self) -> Engine:
        """The rows that are entries as `placet entries`, with their ids; for queries also as `records` and by name."""
        engine = self._open.enter_context(locked_down(self.where, self._folder))
        pages = map(self._with_ids, self._tables.pages(self._tables.main, self._columns))
        data = spool_pages(self._folder / "entries.parquet", [ID, *self._columns], pages)
        engine.db.register("placet rows", data)
        engine.db.execute(f'CREATE VIEW "placet entries" AS SELECT * FROM "placet rows" WHERE {ident(ID)} IS NOT NULL')
        shown = ", ".join(map(ident, self._columns))
        for name in dict.fromkeys([self._tables.main, RECORDS]):
            engine.db.execute(f'CREATE OR REPLACE VIEW {ident(name)} AS SELECT {shown} FROM "placet rows"')
        return engine

    def _with_ids(self, page: Page) -> Page:
        for one in page.rejected:
            raise SourceFileError(f"{self.where}: {one.record}: {one.reason}; mend it, so that nothing is made twice")
        ids = pa.array(ids_of(page.records, self.keys), pa.string())
        records = page.records
        return Page(
            pa.RecordBatch.from_arrays(
                [records.column(0), ids, *records.columns[1:]], names=[RECORD, ID, *records.schema.names[1:]]
            )
        )

    def _ids_of(self, query: str) -> str:
        """SQL for the ids of the rows that a query gives."""
        given = self._engine.columns(query)
        for key in self.keys:
            if key not in given:
                raise QueryError(f"{self.where}: destination.query gives no {key}, the key by which rows are known")
        shown = shown_key_sql([f"CAST({ident(key)} AS VARCHAR)" for key in self.keys])
        return f"SELECT {shown} FROM (\n{self._engine.checked(query)}\n) AS q"

    @cached_property
    def _ambiguous(self) -> frozenset[str]:
        twice = f'SELECT {ident(ID)} FROM "placet entries" GROUP BY 1 HAVING count(*) > 1'
        query = f'SELECT {ident(RECORD)} AS place FROM "placet entries" WHERE {ident(ID)} IN ({twice})'
        return frozenset(place for page in self._engine.pages(query) for place in page.column("place").to_pylist())
