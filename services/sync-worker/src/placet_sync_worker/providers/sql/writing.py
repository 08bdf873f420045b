"""Writes rows of a table within one transaction: all at once where that goes well, else one by one."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    NestedTransaction,
    and_,
    bindparam,
    delete,
    exists,
    false,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from ...ports import Mark, Row, RowAnswer, RowWrite, Texts
from .applied import Applied
from .connecting import Database
from .dialect import AsIs
from .errors import Said, Trouble
from .table import TableColumn, TableShape

ROWS_AT_ONCE = 100
ALL_LOST = frozenset({Trouble.LOST, Trouble.BUSY, Trouble.SLOW, Trouble.LOGIN})
"""After these nothing of the transaction is left."""

OLD, NEW, KEY, ID = "placet_old_", "placet_new_", "placet_key_", "placet_id_"
"""How parameters begin: no column is called like this."""


class Store(Protocol):
    """A destination, as far as writing needs it."""

    @property
    def database(self) -> Database: ...

    @property
    def shape(self) -> TableShape: ...

    @property
    def applied(self) -> Applied: ...


@dataclass(frozen=True)
class Statement:
    """One statement for many rows; those of equal `shape` differ in their parameters alone."""

    shape: tuple[Any, ...]
    sql: Any
    parameters: dict[str, Any]


@dataclass(frozen=True)
class SqlTransaction:
    """A `RowsTransaction`. `marks`: whether `placet_applied` is kept; `check` raises when the time is up."""

    store: Store
    connection: Connection
    marks: bool = False
    check: Callable[[], None] = lambda: None

    def marked(self, marks: Collection[Mark]) -> set[Mark] | None:
        if not self.marks:
            return None
        return self.store.applied.find(self.connection, marks) if marks else set()

    # ---- looking -----------------------------------------------------------------------------------------------------

    def with_ids(self, ids: Sequence[str], names: Sequence[str]) -> Iterator[Row]:
        return self._seen([self._id(entry_id, f"{ID}{n}_") for n, entry_id in enumerate(ids)], names)

    def with_keys(self, keys: Sequence[Texts], names: Sequence[str]) -> Iterator[Row]:
        return self._seen([self._key(key, f"{KEY}{n}_") for n, key in enumerate(keys)], names)

    def either(
        self, keys: Sequence[Texts], ids: Sequence[str], names: Sequence[str], within: Sequence[ColumnElement[bool]]
    ) -> Iterator[Row]:
        """Both of these, of the rows alone that are `within`."""
        conditions = [self._key(key, f"{KEY}{n}_") for n, key in enumerate(keys)]
        conditions += [self._id(entry_id, f"{ID}{n}_") for n, entry_id in enumerate(ids)]
        return self._seen(conditions, names, within)

    def _seen(
        self,
        conditions: Sequence[tuple[ColumnElement[bool], dict[str, Any]]],
        names: Sequence[str],
        within: Sequence[ColumnElement[bool]] = (),
    ) -> Iterator[Row]:
        shape, width = self.store.shape, len(self.store.shape.ids)
        columns = [shape.named(name) for name in names]
        version = literal("") if shape.version is None else shape.version
        shown = [*(column.shown for column in shape.ids), version, *(column.shown for column in columns)]
        query = select(*(part.label(f"c{n}") for n, part in enumerate(shown))).select_from(shape.table)
        for start in range(0, len(conditions), ROWS_AT_ONCE):
            some = conditions[start : start + ROWS_AT_ONCE]
            self.check()
            given = {name: value for _, parameters in some for name, value in parameters.items()}
            for row in self.connection.execute(query.where(*within, or_(false(), *(one for one, _ in some))), given):
                texts = [column.text(one) for column, one in zip(columns, row[width + 1 :], strict=True)]
                values = {name: (text,) if text else () for name, text in zip(names, texts, strict=True)}
                yield Row(shape.entry_id(row[:width]), str(row[width]), values)

    def _id(self, entry_id: str, prefix: str) -> tuple[ColumnElement[bool], dict[str, Any]]:
        try:
            return self.store.shape.is_row(entry_id, prefix)
        except ValueError:  # no row has such an id any more: the table was changed
            return false(), {}

    def _key(self, key: Texts, prefix: str) -> tuple[ColumnElement[bool], dict[str, Any]]:
        """The condition that a row has a key, as the database compares."""
        parts: list[ColumnElement[bool]] = []
        given: dict[str, Any] = {}
        for n, (name, texts) in enumerate(key.items()):
            column = self.store.shape.named(name)
            try:
                given[f"{prefix}{n}"] = column.value(texts)
            except ValueError:
                return false(), {}
            parts.append(column.equals(f"{prefix}{n}"))
        return and_(*parts), given

    # ---- writing -----------------------------------------------------------------------------------------------------

    def write(self, writes: Sequence[RowWrite]) -> list[RowAnswer]:
        answers: list[RowAnswer | None] = [None] * len(writes)
        statements: dict[int, Statement] = {}
        for n, one in enumerate(writes):
            try:
                statements[n] = self._statement(one)
            except ValueError as error:
                answers[n] = RowAnswer(refused=f"{error}; correct the record, or the column")
        if self._all_at_once([(writes[n], statement) for n, statement in statements.items()]):
            answers = [answer or RowAnswer(rows=1) for answer in answers]
        return [answer or self._one(writes[n], statements[n]) for n, answer in enumerate(answers)]

    def _all_at_once(self, some: Sequence[tuple[RowWrite, Statement]]) -> bool:
        """Whether every statement wrote its row; else none did. Without a unique key one may have written two rows, and
        another none."""
        counted = self.connection.dialect.supports_sane_multi_rowcount and self.store.shape.key.enforced
        if len(some) < 2 or not counted:
            return False
        shapes: dict[tuple[Any, ...], list[Statement]] = {}
        for _, statement in some:
            shapes.setdefault(statement.shape, []).append(statement)
        with self._savepoint() as savepoint:
            try:
                for alike in shapes.values():
                    if self._execute(alike[0].sql, [one.parameters for one in alike]) != len(alike):
                        savepoint.rollback()
                        return False
                self._mark([one for one, _ in some])
            except DBAPIError as error:
                self._raise_if_lost(error)
                savepoint.rollback()
                return False
        return True

    def _one(self, write: RowWrite, statement: Statement) -> RowAnswer:
        with self._savepoint() as savepoint:
            try:
                rows = self._execute(statement.sql, statement.parameters)
                if rows == 1:
                    self._mark([write])
            except DBAPIError as error:
                self._raise_if_lost(error)
                savepoint.rollback()
                return self._refused(write, self.store.database.said(error))
            if rows > 1:
                savepoint.rollback()
                return RowAnswer(refused=f"{rows} rows have this key; mend the table, and give it a unique key")
        return RowAnswer(rows=rows)

    @contextmanager
    def _savepoint(self) -> Iterator[NestedTransaction]:
        savepoint = self.connection.begin_nested()
        yield savepoint
        if savepoint.is_active:
            savepoint.commit()

    def _execute(self, sql: Any, parameters: Any) -> int:
        self.check()
        return self.connection.execute(sql, parameters, execution_options={"preserve_rowcount": True}).rowcount

    def _mark(self, writes: Sequence[RowWrite]) -> None:
        if self.marks:
            self.store.applied.add(self.connection, [(one.mark, one.shown) for one in writes])

    def _raise_if_lost(self, error: DBAPIError) -> None:
        if self.store.database.said(error).trouble in ALL_LOST:
            raise error

    def _refused(self, write: RowWrite, said: Said) -> RowAnswer:
        column = next((name for name in write.after if name.lower() == (said.column or "").lower()), None)
        words = f"{column}: {said.words}" if column else said.words
        database = self.store.database
        match said.trouble:
            case Trouble.LOCKED:
                return RowAnswer(refused=f"the row is locked by somebody else ({words})", locked=True)
            case Trouble.RIGHT | Trouble.WRITES:
                remedy = f"grant {database.account} the right to {write.what} rows of {database.provider.table}"
            case Trouble.TAKEN:
                remedy = "another row has it; look which"
            case _:
                remedy = "correct the record, or the table"
        return RowAnswer(refused=f"{words}; {remedy}", taken=said.trouble is Trouble.TAKEN)

    # ---- statements --------------------------------------------------------------------------------------------------

    def _statement(self, write: RowWrite) -> Statement:
        """Raises ValueError for a value that its column does not hold."""
        values = {name: (self.store.shape.named(name), texts) for name, texts in write.after.items()}
        new = {f"{NEW}{n}": column.value(texts) for n, (column, texts) in enumerate(values.values())}
        shape = (write.what, tuple(write.after), tuple((name, bool(texts)) for name, texts in write.before.items()))
        if write.what == "insert":
            return Statement(shape, *self._insert(write, new))
        condition, given = self._as_planned(write)
        if write.what == "delete":
            return Statement(shape, delete(self.store.shape.table).where(condition), given)
        sets = {name: _bound(f"{NEW}{n}") for n, name in enumerate(values)}
        return Statement(shape, update(self.store.shape.table).where(condition).values(sets), given | new)

    def _as_planned(self, write: RowWrite) -> tuple[ColumnElement[bool], dict[str, Any]]:
        condition, given = self.store.shape.is_row(str(write.entry_id), ID)
        parts = [condition]
        for n, (name, texts) in enumerate(write.before.items()):
            column = self.store.shape.named(name)
            parts.append(column.holds(texts, f"{OLD}{n}"))
            given |= _old(column, texts, f"{OLD}{n}")
        return and_(*parts), given

    def _insert(self, write: RowWrite, new: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """A new row, unless one with its key is there."""
        table = self.store.shape.table
        there, given = self._key(write.key, KEY)
        values = select(*(_bound(name) for name in new)).where(
            ~exists(select(literal(1)).select_from(table).where(there))
        )
        return insert(table).from_select(list(write.after), values), given | new


def _bound(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=AsIs())


def _old(column: TableColumn, texts: tuple[str, ...], parameter: str) -> dict[str, Any]:
    """The parameter of `TableColumn.holds`."""
    if texts:
        return {parameter: column.as_shown(texts[0])}
    return {parameter: ""} if column.is_text else {}


@contextmanager
def writing_rows(store: Store, deadline: float) -> Iterator[SqlTransaction]:
    """See `RowsStore.writing`."""
    database = store.database
    marks = store.applied.ready(database, deadline)
    with database.writing(deadline) as connection:
        yield SqlTransaction(store, connection, marks, lambda: database.check(deadline))
