"""A file with another hand at work, of each format, for tests that all must pass; and jobs that write to it."""

import csv
import io
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from openpyxl import Workbook, load_workbook

from placet_shared.clock import boot_seconds
from placet_shared.objects import Job, parse_object
from placet_sync_worker.app import CONNECTORS
from placet_sync_worker.applying.files import FileWriter
from placet_sync_worker.changes import Change
from placet_sync_worker.connections import Connections
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.planner import plan_run
from placet_sync_worker.providers.access.jackcess import JARS, jackcess, new_database, open_database
from placet_sync_worker.providers.files.destination import FileDestination
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.surroundings import Surroundings
from placet_sync_worker.tasks import Outcome, Task
from placet_sync_worker.testing.links import FakeLinks
from placet_sync_worker.testing.scripts import NoScripts
from placet_sync_worker.testing.source import FakeSource

ROOT = Path(__file__).parents[2]
COLUMNS = ("id", "name", "dept")
FIELDS = [{"to": "id", "from": "id"}, {"to": "name", "from": "name"}, {"to": "dept", "from": "dept"}]
Row = Mapping[str, str]


class FileKind(Protocol):
    """How one format is written and read by somebody else than Placet."""

    name: str
    second: str
    """Where the second row stands."""

    def document(self) -> dict[str, Any]:
        """Its provider."""
        ...

    def put(self, path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None: ...

    def rows(self, path: Path) -> list[dict[str, str]]: ...


class CsvKind:
    name = "csv"
    second = "line 3"

    def document(self) -> dict[str, Any]:
        return {"type": "csv", "path": "people.csv"}

    def put(self, path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)

    def rows(self, path: Path) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


class ExcelKind:
    """The sheet stands between two others."""

    name = "xlsx"
    second = "row 3"

    def document(self) -> dict[str, Any]:
        return {"type": "excel", "path": "people.xlsx", "sheet": "People"}

    def put(self, path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
        book = Workbook()
        sheet, after = book.create_sheet("People"), book.create_sheet("After")
        book.active.append(["before"])
        after.append(["after"])
        sheet.append(list(columns))
        for row in rows:
            sheet.append([row[name] or None for name in columns])
        for cell in (one for row in sheet.iter_rows() for one in row):
            cell.data_type = "s" if cell.value is not None else cell.data_type
        book.save(path)

    def rows(self, path: Path) -> list[dict[str, str]]:
        header, *rows = load_workbook(path)["People"].iter_rows(values_only=True)
        return [{str(name): str(cell or "") for name, cell in zip(header, row, strict=True)} for row in rows]


class AccessKind:
    """The table stands beside another one."""

    name = "accdb"
    second = "record 2"

    def __init__(self, suffix: str = "accdb") -> None:
        install_jars()
        self.suffix = suffix

    def document(self) -> dict[str, Any]:
        return {"type": "access", "path": f"people.{self.suffix}", "table": "People"}

    def put(self, path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
        path.unlink(missing_ok=True)
        text = jackcess().DataType.TEXT
        with closing(new_database(path)) as database:
            for name in ("Other", "People"):
                table = jackcess().TableBuilder(name)
                for column in columns:
                    table.addColumn(jackcess().ColumnBuilder(column, text))
                made = table.toTable(database)
            for row in rows:
                made.addRow(*(row[name] or None for name in columns))

    def rows(self, path: Path) -> list[dict[str, str]]:
        with closing(open_database(path, None, read_only=True)) as database:
            return [{str(name): str(value or "") for name, value in row.items()} for row in database.getTable("People")]


KINDS: Mapping[str, Callable[[], FileKind]] = {"csv": CsvKind, "xlsx": ExcelKind, "accdb": AccessKind}


def install_jars() -> None:
    """What `make test` does, for a test that is run alone."""
    if not (JARS / "complete").exists():
        subprocess.run([ROOT / "scripts" / "access-jars", sys.prefix], check=True)


@dataclass
class FileWorld:
    """A folder with one file, and a job that writes to it."""

    folder: Path
    kind: FileKind
    links: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    plans: int = 0

    def __post_init__(self) -> None:
        self.files, self.spool = self.folder / "files", self.folder / "spool"
        self.files.mkdir(exist_ok=True)
        self.spool.mkdir(exist_ok=True)

    @property
    def path(self) -> Path:
        return self.files / str(self.kind.document()["path"])

    def put(self, *rows: Row, columns: Sequence[str] = COLUMNS) -> None:
        """Somebody writes the file."""
        self.kind.put(self.path, columns, rows)

    def rows(self) -> list[dict[str, str]]:
        return self.kind.rows(self.path)

    def connections(self) -> Connections:
        return Connections(CONNECTORS, Surroundings(FilesFolder(self.files), self.folder, {}, self.spool))

    def provider(self) -> Any:
        return parse_object({"kind": "provider", "name": "out", **self.kind.document(), **self.settings})

    def open(self, keys: Sequence[str] = ("id",)) -> FileDestination:
        job = self.job(key=[{"source": key, "destination": key} for key in keys])
        opened = self.connections().destination(self.provider(), job)
        assert isinstance(opened, FileDestination)
        return opened

    def job(self, **job: Any) -> Job:
        document = {
            "name": "people",
            "source": {"provider": "hr"},
            "destination": {"provider": "out"},
            "key": [{"source": "id", "destination": "id"}],
            "fields": FIELDS,
            **job,
        }
        return Job.model_validate(document)

    def plan(self, *rows: Mapping[str, str | None], **job: Any) -> tuple[list[Change], dict[str, str]]:
        """What a run would do: changes, and rejected records with their reasons."""
        self.plans += 1
        folder = self.folder / f"plan-{self.plans}"
        folder.mkdir()
        made = self.job(**job)
        with closing(self.connections().destination(self.provider(), made)) as store:
            planned = plan_run(
                made, FakeSource(rows, [*COLUMNS, "city"]), store, FakeLinks(self.links), folder,
                scripts=NoScripts(), options=Options.of(self.provider()),
            )  # fmt: skip
            with planned:
                return [one.change() for one in planned.changes()], {r.record: r.reason for r in planned.rejected}

    def apply(self, changes: Sequence[Change], *, again: bool = False, look_only: bool = False) -> list[Outcome]:
        """What became of the changes, one by one."""
        keys = ("id",)
        with closing(self.open(keys)) as store:
            return FileWriter(store, keys).apply(tasks(changes, again), boot_seconds() + 60, look_only=look_only)

    def run(self, *rows: Mapping[str, str | None], **job: Any) -> list[tuple[str, str, str]]:
        """(operation, key, result) of a plan that is carried out at once."""
        changes, _ = self.plan(*rows, **job)
        outcomes = self.apply(changes)
        self.links |= {str(o.entry_id): c.key for o, c in zip(outcomes, changes, strict=True) if o.entry_id}
        return [(c.op, c.key, str(o.result)) for o, c in zip(outcomes, changes, strict=True)]


def tasks(changes: Sequence[Change], again: bool = False) -> list[Task]:
    """The steps of changes, as a batch has them."""
    return [
        Task(number, position, change, again, change.version, change.dn)
        for number, change in enumerate(changes)
        for position in range(len(change.steps))
    ]


def person(id: str, name: str = "Ann", dept: str = "Sales") -> dict[str, str]:
    return {"id": id, "name": name, "dept": dept}
