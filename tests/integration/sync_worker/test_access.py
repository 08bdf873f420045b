"""Access databases: what their columns hold, what they refuse, and what is said where they cannot be opened."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from placet_shared.objects import AccessProvider
from placet_sync_worker.errors import EmptySourceError, SourceFileError, UnknownColumnError
from placet_sync_worker.ports import RECORD
from placet_sync_worker.providers.access import jackcess as access_jackcess
from placet_sync_worker.providers.access.jackcess import jackcess, java, new_database, open_database
from placet_sync_worker.providers.access.provider import AccessFormat, open_access, try_access
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.files.source import FileSource
from placet_sync_worker.providers.files.tables import Edits
from placet_sync_worker.providers.surroundings import Surroundings
from tests.support.files import install_jars

TYPES = {
    "id": "TEXT", "name": "TEXT", "notes": "MEMO", "small": "BYTE", "short": "INT", "long": "LONG", "pay": "MONEY",
    "ratio": "NUMERIC", "single": "FLOAT", "double": "DOUBLE", "born": "SHORT_DATE_TIME", "active": "BOOLEAN",
    "guid": "GUID", "photo": "OLE",
}  # fmt: skip
GUID = "{01234567-89AB-CDEF-0123-456789ABCDEF}"


@pytest.fixture(autouse=True, scope="module")
def _jars() -> None:
    install_jars()


@pytest.fixture(params=["accdb", "mdb"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database with a column of each type, an automatic number, a required column, and a unique index."""
    made = tmp_path / f"people.{request.param}"
    package = jackcess()
    with closing(new_database(made)) as database:
        table = package.TableBuilder("People")
        for name, kind in TYPES.items():
            column = package.ColumnBuilder(name, getattr(package.DataType, kind))
            if name == "name":
                column.setLengthInUnits(10).putProperty("Required", package.DataType.BOOLEAN, True)
            if kind == "NUMERIC":
                column.setPrecision(8).setScale(2)
            table.addColumn(column)
        table.addColumn(package.ColumnBuilder("number", package.DataType.LONG).setAutoNumber(True))
        table.addIndex(package.IndexBuilder("one").addColumns("id").setUnique())
        table.toTable(database)
        package.TableBuilder("Units").addColumn(package.ColumnBuilder("unit", package.DataType.TEXT)).toTable(database)
    return made


def provider(path: Path, **settings: Any) -> AccessProvider:
    return AccessProvider.model_validate(
        {"name": "hr", "type": "access", "path": path.name, "table": "People", **settings}
    )


def surroundings(path: Path) -> Surroundings:
    return Surroundings(FilesFolder(path.parent), path.parent, {"PLACET_SECRET_HR": "secret"}, path.parent)


def source_of(path: Path, **settings: Any) -> FileSource:
    return open_access(provider(path, **settings), surroundings(path))


def rows_of(source: FileSource, *columns: str, query: str | None = None) -> list[dict[str, Any]]:
    names = columns or source.columns(query)
    return [row for page in source.read(names, query) for row in page.records.to_pylist()]


def edited(path: Path, edits: Edits) -> tuple[Path, dict[str | int, str]]:
    new = path.with_name(f"new-{path.name}")
    return new, dict(AccessFormat(provider(path)).rewrite(path, new, edits))


@pytest.mark.parametrize(
    ("column", "written", "read"),
    [
        ("name", "Łódź", "Łódź"),
        ("notes", "a\nb" * 500, "a\nb" * 500),
        ("small", "255", "255"),
        ("short", "-007", "-7"),
        ("long", "2147483647", "2147483647"),
        ("pay", "12.50", "12.5"),
        ("pay", "-1000", "-1000"),
        ("ratio", "0.25", "0.25"),
        ("single", "1.1", "1.1"),
        ("double", "0.1", "0.1"),
        ("double", "5", "5"),
        ("born", "2024-01-31", "2024-01-31"),
        ("born", "2024-01-31T08:30:59", "2024-01-31T08:30:59"),
        ("active", "true", "TRUE"),
        ("active", "FALSE", "FALSE"),
        ("guid", GUID.lower(), GUID),
    ],
)
def test_values_are_written_and_read_back(path: Path, column: str, written: str, read: str) -> None:
    form = AccessFormat(provider(path)).open(path).attribute(column).decode
    assert form is not None
    assert form(written) == read
    new, refused = edited(path, Edits(creates=[{"id": "007", "name": "Ann", column: written}]))
    assert refused == {}
    (row,) = rows_of(source_of(new))
    assert (row[RECORD], row["id"], row[column], row["number"]) == ("record 1", "007", read, "1")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("name", "Maximiliana", "name holds 10 characters"),
        ("small", "256", "whole numbers from 0 to 255"),
        ("long", "1.5", "invalid literal"),
        ("pay", "1.00001", "4 decimal places"),
        ("pay", "1e400", "numbers such as"),
        ("ratio", "much", "numbers such as"),
        ("double", "nan", "finite numbers"),
        ("born", "31.01.2024", "Invalid isoformat"),
        ("born", "2024-01-31T08:30:00+01:00", "without a zone"),
        ("active", "maybe", "TRUE or FALSE"),
        ("guid", "12", "a GUID such as"),
    ],
)
def test_what_a_column_cannot_hold_is_not_allowed(path: Path, column: str, value: str, reason: str) -> None:
    with closing(AccessFormat(provider(path)).open(path)) as tables:
        form = tables.attribute(column).decode
        assert form is not None
        with pytest.raises(ValueError, match=reason):
            form(value)


def test_what_the_database_refuses_is_refused_alone(path: Path) -> None:
    new, _ = edited(path, Edits(creates=[{"id": "1", "name": "Ann", "active": "TRUE"}, {"id": "2", "name": "Bob"}]))
    path.unlink()
    new.rename(path)
    edits = Edits({"record 1": {"active": ""}, "record 2": {"name": "Rob"}},
                  creates=[{"id": "1", "name": "Again"}, {"id": "3"}, {"id": "4", "name": "Dan"}])  # fmt: skip
    new, refused = edited(path, edits)
    assert refused.keys() == {"record 1", 0, 1}
    assert "never empty" in refused["record 1"]
    assert [(row["id"], row["name"]) for row in rows_of(source_of(new))] == [("1", "Ann"), ("2", "Rob"), ("4", "Dan")]


def test_columns_say_what_may_be_written_and_what_is_needed(path: Path) -> None:
    with closing(AccessFormat(provider(path)).open(path)) as tables:
        assert tables.required() == {"name"}
        assert not tables.attribute("number").writable
        assert "photo" not in tables.columns("People")


def test_tables_are_chosen_by_name_or_the_only_one(path: Path) -> None:
    with pytest.raises(SourceFileError, match="has several tables: People, Units; set `table` to one"):
        source_of(path, table=None).columns()
    with pytest.raises(SourceFileError, match=r"has no table Peple; did you mean People\? It has People, Units"):
        source_of(path, table="Peple").columns()
    with pytest.raises(UnknownColumnError, match="table People has no column nam; did you mean name"):
        rows_of(source_of(path), "nam")


def test_tables_are_tables_of_queries(path: Path) -> None:
    with closing(open_database(path, None, read_only=False)) as database:
        for unit in ("Sales", "Temp"):
            database.getTable("Units").addRow(unit)
    new, _ = edited(
        path, Edits(creates=[{"id": str(number), "name": f"N{number}", "notes": "Sales"} for number in range(3)])
    )
    query = "SELECT id, unit FROM People JOIN Units ON notes = unit WHERE name <> 'N1'"
    assert [(row["id"], row["unit"]) for row in rows_of(source_of(new), query=query)] == [
        ("0", "Sales"),
        ("2", "Sales"),
    ]


def test_tables_of_other_files_are_not_followed(tmp_path: Path) -> None:
    for name in ("other", "people"):
        with closing(new_database(tmp_path / f"{name}.accdb")) as database:
            column = jackcess().ColumnBuilder("id", jackcess().DataType.TEXT)
            jackcess().TableBuilder(name).addColumn(column).toTable(database)
    with closing(open_database(tmp_path / "people.accdb", None, read_only=False)) as database:
        database.createLinkedTable("linked", str(tmp_path / "other.accdb"), "other")
    source = source_of(tmp_path / "people.accdb", table=None)
    assert source.columns() == ["id"]
    with pytest.raises(SourceFileError, match="has no table linked"):
        source_of(tmp_path / "people.accdb", table="linked").columns()


@pytest.mark.parametrize("octets", [b"", b"id,name\n", b"\0\1\0\0Standard ACE DB\0" + bytes(300)])
def test_what_is_no_whole_database_is_one_sentence(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "people.accdb").write_bytes(octets)
    with pytest.raises(SourceFileError, match=r"hr: people.accdb: it is no Access database, is broken, or not wholly"):
        rows_of(source_of(tmp_path / "people.accdb"))


def test_a_database_that_is_cut_off_is_one_sentence(path: Path) -> None:
    new, _ = edited(path, Edits(creates=[{"id": str(n), "name": "x", "notes": "y" * 500} for n in range(200)]))
    new.write_bytes(new.read_bytes()[: new.stat().st_size // 2])
    with pytest.raises(SourceFileError, match=f"hr: {new.name}: it is no Access database, is broken, or not wholly"):
        rows_of(source_of(new))


def test_a_database_without_tables_is_empty(tmp_path: Path) -> None:
    new_database(tmp_path / "people.accdb").close()
    with pytest.raises(EmptySourceError, match="has no tables of its own"):
        source_of(tmp_path / "people.accdb").columns()


def test_the_password_comes_from_a_secret(path: Path) -> None:
    (described, read) = try_access(provider(path, password={"env": "PLACET_SECRET_HR"}), surroundings(path))
    assert (described["ok"], read["message"]) == (True, "read a page of 0 records")
    (step,) = try_access(provider(path, password={"env": "PLACET_SECRET_GONE"}), surroundings(path))
    assert (step["step"], step["ok"]) == ("secret", False)


def test_a_database_that_somebody_has_open_is_not_replaced(path: Path) -> None:
    made = AccessFormat(provider(path))
    assert made.in_use(path) is None
    path.with_suffix(".laccdb").touch()
    assert "close it there, or remove people.laccdb if it is not" in str(made.in_use(path))


def test_a_missing_part_of_the_installation_says_how_to_get_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_jackcess, "JARS", path.parent / "nowhere")
    jackcess.cache_clear()
    with pytest.raises(
        SourceFileError, match=r"Access databases need Jackcess; run `make access`, or see docs/tables-in-files.md"
    ):
        source_of(path).columns()
    monkeypatch.setitem(__import__("sys").modules, "jpype", None)
    with pytest.raises(SourceFileError, match=r"Access databases need JPype; run `make access`"):
        source_of(path).columns()


def test_java_is_there_again_after_that() -> None:
    assert java("java.lang.String")("x") == "x"
