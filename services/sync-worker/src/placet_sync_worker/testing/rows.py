"""A table in memory: passes the same contract as those of real databases."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field

import pyarrow as pa

from placet_shared.chain import DestinationIdentity
from placet_shared.clock import boot_seconds

from ..errors import UnknownAttributeError, UnknownObjectTypeError
from ..ports import DN, ID, LISTS, VERSION, Attribute, Mark, ObjectType, Row, RowAnswer, RowWrite, Safety, Texts
from ..providers.sql.errors import DatabaseBusyError
from ..providers.sql.values import DATE, Kind, whole, words


@dataclass(frozen=True)
class FakeColumn:
    kind: Kind
    nullable: bool = True


PEOPLE: Mapping[str, FakeColumn] = {
    "id": FakeColumn(whole(1, 2**31 - 1), nullable=False),
    "employee_id": FakeColumn(words(10), nullable=False),
    "name": FakeColumn(words(20), nullable=False),
    "mail": FakeColumn(words(40)),
    "room": FakeColumn(whole(-(2**31), 2**31 - 1)),
    "hired": FakeColumn(DATE),
}
"""The table of all contract tests: `id` numbers its rows, and `employee_id` is unique."""


@dataclass
class FakeTable:
    """What stays when connections go. `keeps` says whether marks of what was written are kept."""

    keeps: bool = True
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    marks: set[Mark] = field(default_factory=set)
    last: int = 0

    def put(self, **values: str) -> str:
        """A new row; its id."""
        self.last += 1
        self.rows[str(self.last)] = {"id": str(self.last), **values}
        return str(self.last)


@dataclass
class FakeStore:
    """A `Destination` and a `RowsStore` over a fake table. It does not look at queries: each gives all rows."""

    table: FakeTable

    def identity(self) -> DestinationIdentity:
        return DestinationIdentity(url="fake:", bind_dn="", base_dn="people", base_id="1", server="fake")

    def safety(self) -> Safety:
        return "value"

    def whole(self) -> None: ...

    def attribute(self, name: str) -> Attribute:
        found = PEOPLE.get(name.lower())
        if found is None:
            raise UnknownAttributeError(f"the table people has no column {name}")
        kind = found.kind
        return Attribute(name.lower(), True, True, True, True, kind.form or str, kind.form, kind.longest)

    @property
    def naming(self) -> None: ...

    def object_type(self, name: str | None) -> ObjectType:
        if name is not None:
            raise UnknownObjectTypeError(f"object_type: {name}: a table has one kind of rows; leave it out")
        required = frozenset({"employee_id", "name"})
        return ObjectType({}, None, required, frozenset(PEOPLE), "SELECT * FROM people")

    def default_query(self, kind: ObjectType, keys: Sequence[str]) -> str:
        return "SELECT * FROM people"

    def read(self, attributes: Sequence[str], query: str | None, base: str | None = None) -> Iterator[pa.RecordBatch]:
        rows = [row for row in self.table.rows.values() if query is not None or all(row.get(a) for a in attributes)]
        columns = {ID: pa.array([row["id"] for row in rows], pa.string())}
        columns |= {name: pa.array([""] * len(rows), pa.string()) for name in (VERSION, DN)}
        for name in attributes:
            known = name.lower()
            columns[name] = pa.array([[row[known]] if row.get(known) else [] for row in rows], LISTS)
        yield pa.RecordBatch.from_pydict(columns)

    def holds(self, dn: str) -> bool:
        return False

    def hidden(self, attributes: Sequence[str], dn: str) -> Sequence[str]:
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
        for page in self.read(attributes, query, base):
            rows = [self.table.rows[one] for one in page.column(ID).to_pylist()]
            wanted = [{name.lower(): (text,) for name, text in key.items()} for key in keys]
            yield page.filter(pa.array([row["id"] in ids or any(_has(row, key) for key in wanted) for row in rows]))

    def images(self, ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
        for id_ in ids:
            if id_ in self.table.rows:
                yield id_, {name: (value,) for name, value in self.table.rows[id_].items() if value}

    def protected(self, dn: str, *, removing: bool) -> bool:
        return False

    def close(self) -> None: ...

    @contextmanager
    def writing(self, deadline: float) -> "Iterator[FakeTransaction]":
        before = deepcopy((self.table.rows, self.table.marks))
        try:
            if boot_seconds() >= deadline:
                raise DatabaseBusyError("the time was up")
            yield FakeTransaction(self.table)
        except BaseException:
            self.table.rows, self.table.marks = before
            raise


@dataclass(frozen=True)
class FakeTransaction:
    """A `RowsTransaction`."""

    table: FakeTable

    def marked(self, marks: Collection[Mark]) -> set[Mark] | None:
        return self.table.marks & set(marks) if self.table.keeps else None

    def with_ids(self, ids: Sequence[str], names: Sequence[str]) -> Iterator[Row]:
        return (_row(self.table.rows[id_], names) for id_ in ids if id_ in self.table.rows)

    def with_keys(self, keys: Sequence[Texts], names: Sequence[str]) -> Iterator[Row]:
        return (_row(row, names) for row in self.table.rows.values() if any(_has(row, key) for key in keys))

    def write(self, writes: Sequence[RowWrite]) -> list[RowAnswer]:
        return [self._write(write) for write in writes]

    def _write(self, write: RowWrite) -> RowAnswer:
        if refused := _refused(write):
            return RowAnswer(refused=refused)
        rows = self.table.rows
        there = rows.get(str(write.entry_id))
        if write.what == "insert":
            if any(_has(row, write.key) for row in rows.values()):
                return RowAnswer(rows=0)
            self.table.put(**{name: texts[0] for name, texts in write.after.items() if texts})
        elif there is None or not _has(there, write.before):
            return RowAnswer(rows=0)
        elif write.what == "delete":
            del rows[there["id"]]
        else:
            there |= {name: texts[0] if texts else "" for name, texts in write.after.items()}
        self.table.marks |= {write.mark} if self.table.keeps else set()
        return RowAnswer(rows=1)


def _refused(write: RowWrite) -> str | None:
    for name, texts in write.after.items():
        if not texts and not PEOPLE[name].nullable:
            return f"{name}: it must have a value"
        try:
            for text in texts:
                PEOPLE[name].kind.parse(text)
        except ValueError as error:
            return f"{name}: {texts[0]!r} is not allowed here: {error}"
    return None


def _row(row: Mapping[str, str], names: Sequence[str]) -> Row:
    return Row(row["id"], "", {name: (row[name],) if row.get(name) else () for name in names})


def _has(row: Mapping[str, str], values: Texts) -> bool:
    return all(row.get(name, "") == "".join(texts) for name, texts in values.items())
