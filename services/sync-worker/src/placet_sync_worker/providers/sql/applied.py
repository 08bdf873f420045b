"""The table `placet_applied` beside a destination's: which steps were written, in the transaction that wrote them."""

from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    and_,
    delete,
    func,
    insert,
    inspect,
    select,
)

from placet_shared.clock import utc_now
from placet_shared.errors import PermanentError

from ...ports import Mark
from .connecting import Database

NAME = "placet_applied"
LONGEST_KEY = 200
KEPT = timedelta(days=30)
PROBE = Mark("probe", 0, 0)


class Applied:
    """Its rows; it may not be there yet, and may be forbidden."""

    def __init__(self, other: Table) -> None:
        """Beside another table, in the same schema."""
        columns = (
            Column("run_id", String(64), nullable=False),
            Column("change_number", Integer, nullable=False, autoincrement=False),
            Column("step", Integer, nullable=False, autoincrement=False),
            Column("entry_key", String(LONGEST_KEY)),
            Column("at", DateTime, nullable=False, server_default=func.now()),
        )
        key = PrimaryKeyConstraint("run_id", "change_number", "step")
        self.table = Table(NAME, MetaData(), *columns, key, schema=other.schema, mysql_engine="InnoDB")
        self._ready: bool | None = None

    def exists(self, connection: Connection) -> bool:
        return inspect(connection).has_table(NAME, self.table.schema)

    def ready(self, database: Database, deadline: float) -> bool:
        """Whether it can be written; made where it may be, and asked once. Raises TransientErrors."""
        if self._ready is None:
            self._ready = database.provider.applied_table and any(self._prepared(database, deadline) for _ in range(2))
        return self._ready

    def _prepared(self, database: Database, deadline: float) -> bool:
        """False also where another worker makes it at the same time."""
        try:
            with database.writing(deadline) as connection:
                if not self.exists(connection):
                    self.table.create(connection)
            with database.writing(deadline) as connection:
                savepoint = connection.begin_nested()
                self.add(connection, [(PROBE, "")])
                savepoint.rollback()
        except PermanentError:
            return False
        with suppress(PermanentError), database.writing(deadline) as connection:
            connection.execute(delete(self.table).where(self.table.c.at < utc_now().replace(tzinfo=None) - KEPT))
        return True

    def find(self, connection: Connection, marks: Collection[Mark]) -> set[Mark]:
        """Those of the marks that were committed."""
        columns = self.table.c
        of_runs: dict[str, list[Mark]] = {}
        for mark in marks:
            of_runs.setdefault(mark.run_id, []).append(mark)
        found = set()
        for run_id, some in of_runs.items():
            wanted = and_(columns.run_id == run_id, columns.change_number.in_(sorted({mark.number for mark in some})))
            for row in connection.execute(select(columns.change_number, columns.step).where(wanted)):
                found.add(Mark(run_id, row.change_number, row.step))
        return found & set(marks)

    def add(self, connection: Connection, marks: Collection[tuple[Mark, str]]) -> None:
        """Notes writes: each with the key of its entry. Raises the driver's error where one is there already."""
        rows = [
            {"run_id": mark.run_id, "change_number": mark.number, "step": mark.step, "entry_key": key[:LONGEST_KEY]}
            for mark, key in marks
        ]
        connection.execute(insert(self.table), rows)
