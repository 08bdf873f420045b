"""Workbooks as people keep them: what is read of them, what is refused, what stays when they are written."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msoffcrypto.format.ooxml
import pytest
import xlsxwriter
import xlwt
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.table import Table

from placet_shared.objects import ExcelProvider
from placet_sync_worker.errors import EmptySourceError, SourceFileError, SourceMovedError, UnknownColumnError
from placet_sync_worker.ports import RECORD, Page
from placet_sync_worker.providers.excel.provider import ExcelFormat, open_excel, try_excel
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.files.source import FileSource
from placet_sync_worker.providers.files.tables import Edits
from placet_sync_worker.providers.surroundings import Surroundings

FillSheet = Callable[[Any], None]


def surroundings(folder: Path) -> Surroundings:
    return Surroundings(FilesFolder(folder), folder, {}, folder)


def source_of(path: Path, **settings: Any) -> FileSource:
    provider = ExcelProvider.model_validate({"name": "hr", "type": "excel", "path": path.name, **settings})
    return open_excel(provider, surroundings(path.parent))


def workbook(path: Path, *rows: list[Any], fill: FillSheet | None = None) -> Path:
    """A workbook whose first sheet has these rows."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    if fill:
        fill(book.active)
    book.save(path)
    return path


def pages_of(source: FileSource, *columns: str) -> list[Page]:
    return list(source.read(columns or source.columns(), None))


def rows_of(source: FileSource, *columns: str) -> list[dict[str, Any]]:
    return [row for page in pages_of(source, *columns) for row in page.records.to_pylist()]


def faults_of(source: FileSource, *columns: str) -> list[tuple[int, str, str]]:
    return [(one.row, one.column, one.reason) for page in pages_of(source, *columns) for one in page.faults]


# ---- read ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (7.0, None, "7"),
        (1.5, None, "1.5"),
        (0.1 + 0.2, None, "0.3"),
        (-5, None, "-5"),
        (999_999_999_999_999, None, "999999999999999"),
        (1e-7, None, "0.0000001"),
        ("007", None, "007"),
        (7, "000", "007"),
        (1234, "00000", "01234"),
        ("1.0", None, "1.0"),
        ("31.01.2024", None, "31.01.2024"),
        (date(2024, 1, 31), None, "2024-01-31"),
        (datetime(2024, 1, 31, 8, 30), None, "2024-01-31T08:30:00"),
        (datetime(2024, 1, 31, 8, 30, 59), None, "2024-01-31T08:30:59"),
        (date(1900, 1, 1), None, "1900-01-01"),
        (time(8, 30), None, "08:30:00"),
        (timedelta(hours=30, minutes=15), None, "30:15:00"),
        (True, None, "TRUE"),
        (" Ann ", None, "Ann"),
        ("_x0041_\nb", None, "_x0041_\nb"),
        ("  ", None, None),
    ],
)
def test_cells_come_through_as_people_see_them(
    tmp_path: Path, value: object, number_format: str | None, text: str | None
) -> None:
    path = tmp_path / "people.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "value"])
        sheet.write(1, 0, "1")
        if isinstance(value, str):
            sheet.write_string(1, 1, value)
        elif number_format:
            sheet.write(1, 1, value, book.add_format({"num_format": number_format}))
        else:
            style = book.add_format({"num_format": "[h]:mm:ss"}) if isinstance(value, timedelta) else None
            sheet.write(1, 1, value, style)
    assert rows_of(source_of(path)) == [{RECORD: "row 2", "id": "1", "value": text}]


@pytest.mark.parametrize("system_1904", [False, True])
def test_both_date_systems_are_known(tmp_path: Path, system_1904: bool) -> None:
    book = Workbook()
    if system_1904:
        book.epoch = CALENDAR_MAC_1904
    book.active.append(["id", "born"])
    book.active.append(["1", date(2024, 1, 31)])
    book.save(tmp_path / "people.xlsx")
    assert rows_of(source_of(tmp_path / "people.xlsx"), "born")[0]["born"] == "2024-01-31"


def test_cells_are_trimmed_unless_it_is_switched_off(tmp_path: Path) -> None:
    path = workbook(tmp_path / "hr.xlsx", ["id", "name"], [" 1 ", "Ann  Low "])
    for trim, row in ((True, ("1", "Ann  Low")), (False, (" 1 ", "Ann  Low "))):
        assert [(one["id"], one["name"]) for one in rows_of(source_of(path, trim=trim))] == [row]


def test_an_xls_file_is_read_alike(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("People")
    for column, name in enumerate(["id", "born", "zip", "error", "flag", "merged"]):
        sheet.write(0, column, name)
    sheet.write(1, 0, 7.0)
    sheet.write(1, 1, date(2024, 1, 31), xlwt.easyxf(num_format_str="DD.MM.YYYY"))
    sheet.write(1, 2, 1234, xlwt.easyxf(num_format_str="00000"))
    sheet.write(1, 4, True)
    sheet.row(2).set_cell_error(3, 0x2A)
    sheet.write(2, 0, "008")
    sheet.write_merge(1, 2, 5, 5, "both")
    book.save(str(tmp_path / "people.xls"))
    source = source_of(tmp_path / "people.xls")
    first, second = rows_of(source)
    assert first == {RECORD: "row 2", "id": "7", "born": "2024-01-31", "zip": "01234", "error": None, "flag": "TRUE",
                     "merged": "both"}  # fmt: skip
    assert (second["id"], second["error"]) == ("008", None)
    assert faults_of(source) == [
        (1, "error", "D3: it has the error #N/A"),
        (1, "merged", "F3: it is merged with F2 (F2:F3); unmerge the cells"),
    ]


def test_sheets_are_chosen_by_name_or_the_first_visible_one(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "Notes"
    book.active.sheet_state = "hidden"
    book.create_sheet("People").append(["id"])
    book.create_sheet("Old people").append(["number"])
    book.save(tmp_path / "people.xlsx")
    assert source_of(tmp_path / "people.xlsx").columns() == ["id"]
    assert source_of(tmp_path / "people.xlsx", sheet="Old people").columns() == ["number"]
    with pytest.raises(SourceFileError, match=r"no sheet Peple; did you mean People\? It has People, Old"):
        source_of(tmp_path / "people.xlsx", sheet="Peple").columns()


def test_a_table_may_stand_anywhere(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet["B2"] = "Staff 2024"
        for column, texts in {"C": ["id", "1", None, "2"], "D": ["name", "Ann", None, "Bob"]}.items():
            for row, text in enumerate(texts, 4):
                sheet[f"{column}{row}"] = text

    path = workbook(tmp_path / "people.xlsx", fill=fill)
    found = rows_of(source_of(path, skip_rows=3), "id", "name")
    assert found == [{RECORD: "row 5", "id": "1", "name": "Ann"}, {RECORD: "row 7", "id": "2", "name": "Bob"}]


def test_without_a_header_columns_are_numbers(tmp_path: Path) -> None:
    source = source_of(workbook(tmp_path / "people.xlsx", ["1", "Ann"], ["2", "Bob"]), header=False)
    assert source.columns() == ["1", "2"]
    assert [row["2"] for row in rows_of(source)] == ["Ann", "Bob"]


@pytest.mark.parametrize(
    ("fill", "reason"),
    [
        pytest.param(lambda s: s.__setitem__("B2", "#N/A"), "B2: it has the error #N/A", id="error"),
        pytest.param(lambda s: s.__setitem__("B2", "=A2&1"), "B2: it is a formula that was never calc", id="formula"),
        pytest.param(lambda s: s.__setitem__("B2", 12345678901234567), "B2: it has more than 15 digits", id="digits"),
        pytest.param(lambda s: s.merge_cells("A2:B2"), "B2: it is merged with A2 (A2:B2)", id="merged"),
    ],
)
def test_a_cell_that_cannot_be_trusted_rejects_its_record(tmp_path: Path, fill: FillSheet, reason: str) -> None:
    path = workbook(tmp_path / "people.xlsx", ["id", "name", "dept"], ["1", "Ann", "IT"], ["2", "Bob", "IT"], fill=fill)
    ((row, column, why),) = faults_of(source_of(path))
    assert (row, column) == (0, "name")
    assert why.startswith(reason)
    assert faults_of(source_of(path), "id", "dept") == []
    (page,) = source_of(path).read(["id"], "SELECT id FROM records")
    assert (page.rejected[0].record, page.records.num_rows) == ("row 2", 1)


def test_a_formula_that_gave_the_empty_text_is_an_empty_cell(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "people.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "name", "sum"])
        sheet.write_row(1, 0, ["1"])
        sheet.write_formula(1, 1, '=IF(A2="1","","x")', None, "")
        sheet.write_formula(1, 2, "=1+1", None, 2)
    assert rows_of(source_of(tmp_path / "people.xlsx")) == [{RECORD: "row 2", "id": "1", "name": None, "sum": "2"}]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-300])


def spoiled(path: Path) -> None:
    with ZipFile(path) as book:
        start = book.getinfo("xl/worksheets/sheet1.xml").header_offset + 80
    octets = path.read_bytes()
    path.write_bytes(octets[:start] + bytes(100) + octets[start + 100 :])


def encrypted(path: Path) -> None:
    plain = path.rename(path.with_suffix(".plain"))
    with plain.open("rb") as file, path.open("wb") as target:
        msoffcrypto.format.ooxml.OOXMLFile(file).encrypt("secret", target)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (cut, "broken, or not wholly written|not a zip file|File is not a zip"),
        (spoiled, "it is broken, or not wholly written: .*corrupt"),
        (encrypted, "it is protected by a password; save it without one"),
        (lambda path: path.write_text("id,name\n1,Ann\n"), "it is no workbook of the kind"),
        (lambda path: path.write_bytes(b""), "it is no workbook of the kind"),
    ],
)
def test_what_is_no_whole_workbook_is_one_sentence(tmp_path: Path, harm: Callable[[Path], None], reason: str) -> None:
    path = workbook(tmp_path / "people.xlsx", ["id", "name"], ["1", "Ann"])
    harm(path)
    with pytest.raises(SourceFileError, match=f"provider hr: people.xlsx.*({reason})"):
        rows_of(source_of(path))


def test_a_broken_xls_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "people.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(2000))
    with pytest.raises(SourceFileError, match="it is broken, or not wholly written"):
        rows_of(source_of(tmp_path / "people.xls"))


def test_an_empty_sheet_and_a_renamed_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(EmptySourceError, match="sheet Sheet is empty"):
        source_of(workbook(tmp_path / "people.xlsx")).columns()
    path = workbook(tmp_path / "people.xlsx", ["id", "first name", "x", "x"], ["1", "Ann", "", ""])
    with pytest.raises(UnknownColumnError, match="has no column first_name; did you mean first name"):
        rows_of(source_of(path), "first_name")
    with pytest.raises(UnknownColumnError, match=r"sheet Sheet: x stands twice in the header, in columns 3 \(C\) and"):
        rows_of(source_of(path), "x")


def test_a_workbook_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    path = workbook(tmp_path / "people.xlsx", ["id"], *[[str(number)] for number in range(6_000)])
    pages = source_of(path).read(["id"], None)
    next(pages)
    workbook(path, ["id"])
    with pytest.raises(SourceMovedError, match="was changed while it was read"):
        list(pages)


def test_sheets_are_tables_of_queries(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "People"
    for row in (["id", "unit"], [1, "a"], [2, "b"]):
        book.active.append(row)
    for row in (["unit", "title"], ["a", "Sales"], ["b", "Temp"]):
        book.create_sheet("Units 2024") if "Units 2024" not in book.sheetnames else None
        book["Units 2024"].append(row)
    book.create_sheet("Empty")
    book.save(tmp_path / "people.xlsx")
    source = source_of(tmp_path / "people.xlsx")
    query = """SELECT id, title FROM People JOIN "Units 2024" USING (unit) WHERE title <> 'Temp'"""
    assert [row for page in source.read(["id", "title"], query) for row in page.records.to_pylist()] == [
        {RECORD: "row 1 of the query", "id": "1", "title": "Sales"}
    ]
    assert source.columns("SELECT * FROM records") == ["id", "unit"]
    other = source_of(tmp_path / "people.xlsx", sheet="Units 2024")
    assert other.columns("SELECT * FROM records") == ["unit", "title"]


def test_provider_test_reads_a_page(tmp_path: Path) -> None:
    path = workbook(tmp_path / "people.xlsx", ["id"], ["1"])
    provider = ExcelProvider(name="hr", type="excel", path=path.name)
    assert [step["ok"] for step in try_excel(provider, surroundings(tmp_path))] == [True, True]
    cut(path)
    assert [step["ok"] for step in try_excel(provider, surroundings(tmp_path))] == [False]


# ---- written ---------------------------------------------------------------------------------------------------------


def rewritten(path: Path, edits: Edits, **settings: Any) -> tuple[Path, dict[str | int, str]]:
    provider = ExcelProvider.model_validate({"name": "out", "type": "excel", "path": path.name, **settings})
    new = path.with_name(f"new-{path.name}")
    return new, dict(ExcelFormat(provider).rewrite(path, new, edits))


ALL_KINDS = Edits(
    {"row 3": {"name": 'Rob <&> "_x"', "born": "2001-02-03", "pay": "0071"}},
    frozenset({"row 2"}),
    [{"id": "9", "name": "=1+1", "born": "1999-12-31", "pay": "12.5", "flag": "TRUE"}],
)


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """A workbook with a chart, a filter, a table, widths, colours, a frozen header, a second sheet with formulas."""
    path = tmp_path / "people.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, other = book.add_worksheet("People"), book.add_worksheet("Totals")
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "dd.mm.yyyy", "bg_color": "yellow"})
        sheet.write_row(0, 0, ["id", "name", "born", "pay", "flag"], bold)
        for row in range(1, 4):
            sheet.write_row(row, 0, [row, f"Name {row}"])
            sheet.write_datetime(row, 2, datetime(2000, 1, row), day)
            sheet.write(row, 3, row * 10)
            sheet.write_boolean(row, 4, row == 1)
        sheet.set_column(1, 1, 33)
        sheet.set_row(3, 44)
        sheet.freeze_panes(1, 0)
        header = [{"header": name} for name in ("id", "name", "born", "pay", "flag")]
        sheet.add_table(0, 0, 3, 4, {"name": "Staff", "columns": header})
        sheet.conditional_format("D2:D4", {"type": "cell", "criteria": ">", "value": 15, "format": bold})
        sheet.data_validation("E2:E4", {"validate": "list", "source": ["TRUE", "FALSE"]})
        other.write_formula(0, 0, "=SUM(People!D2:D4)", None, 60)
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=People!$D$2:$D$4"})
        other.insert_chart("C3", chart)
        other.insert_textbox("C20", "Mind the gap")
        sheet.add_sparkline("G2", {"range": "People!D2:D4"})
    return path


def test_all_parts_but_the_sheet_keep_their_octets(rich: Path) -> None:
    new, refused = rewritten(rich, ALL_KINDS, sheet="People")
    assert refused == {}
    with ZipFile(rich) as before, ZipFile(new) as after:
        assert before.namelist() == after.namelist()
        changed = {name for name in before.namelist() if before.read(name) != after.read(name)}
        assert changed == {"xl/worksheets/sheet1.xml"}
        assert b'ref="A1:E4"' in after.read("xl/tables/table1.xml")
        assert any("chart" in name for name in after.namelist())
        assert b"sparkline" in after.read("xl/worksheets/sheet1.xml")


def test_values_get_the_kind_and_the_format_of_their_column(rich: Path) -> None:
    new, _ = rewritten(rich, ALL_KINDS, sheet="People")
    sheet = load_workbook(new)["People"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["id", "name", "born", "pay", "flag"],
        [2, 'Rob <&> "_x"', datetime(2001, 2, 3), "0071", False],
        [3, "Name 3", datetime(2000, 1, 3), 30, False],
        [9, "=1+1", datetime(1999, 12, 31), 12.5, True],
    ]
    assert sheet["B4"].data_type != "f"
    assert {sheet[f"C{row}"].number_format for row in (2, 3, 4)} == {"dd.mm.yyyy"}
    assert sheet["C4"].fill.fgColor.rgb == "FFFFFF00"
    assert (sheet.column_dimensions["B"].width > 30, round(sheet.row_dimensions[3].height)) == (True, 44)
    assert (sheet.freeze_panes, sheet.dimensions) == ("A2", "A1:E4")
    assert [str(one.sqref) for one in sheet.data_validations.dataValidation] == ["E2:E3"]
    assert [str(one.sqref) for one in sheet.conditional_formatting] == ["D2:D3"]


def test_new_rows_alone_make_a_table_grow(rich: Path) -> None:
    new, _ = rewritten(rich, Edits(creates=[{"id": "4"}, {"id": "5"}]), sheet="People")
    assert load_workbook(new)["People"].tables["Staff"].ref == "A1:E6"
    with ZipFile(rich) as before, ZipFile(new) as after:
        old, made = (zipped.read("xl/worksheets/sheet1.xml") for zipped in (before, after))
    assert old[old.index(b"<sheetData>") : old.index(b"</sheetData>")] in made


@pytest.mark.parametrize(
    ("fill", "refused"),
    [
        pytest.param(lambda s: s.__setitem__("B2", "=A2&1"), {"row 2": "B2 is a formula"}, id="formula"),
        pytest.param(lambda s: s.merge_cells("B2:B3"), {"row 3": "B3: it is merged with B2"}, id="merged"),
    ],
)
def test_what_would_be_lost_or_unseen_is_not_written(tmp_path: Path, fill: FillSheet, refused: dict[str, str]) -> None:
    path = workbook(tmp_path / "people.xlsx", ["id", "name"], ["1", "Ann"], ["2", "Bob"], ["3", "Cyd"], fill=fill)
    edits = Edits({f"row {row}": {"id": f"n{row}", "name": "new"} for row in (2, 3, 4)})
    new, found = rewritten(path, edits)
    assert {place: reason[: len(refused[str(place)])] for place, reason in found.items()} == refused
    sheet = load_workbook(new).active
    kept = {int(place.removeprefix("row ")) for place in refused}
    assert [sheet.cell(row, 1).value for row in (2, 3, 4)] == [str(r - 1) if r in kept else f"n{r}" for r in (2, 3, 4)]


@pytest.mark.parametrize(
    "fill",
    [
        pytest.param(lambda s: s.__setitem__("D2", "=A2"), id="formula"),
        pytest.param(lambda s: setattr(s["A3"], "comment", Comment("?", "Ann")), id="comment"),
    ],
)
def test_rows_stay_where_formulas_or_comments_would_stand_beside_others(tmp_path: Path, fill: FillSheet) -> None:
    path = workbook(tmp_path / "people.xlsx", ["id", "name"], ["1", "Ann"], ["2", "Bob"], fill=fill)
    new, refused = rewritten(path, Edits({"row 3": {"name": "Rob"}}, frozenset({"row 2"})))
    assert "take the row out by hand" in refused["row 2"]
    assert [[cell.value for cell in row[:2]] for row in load_workbook(new).active.iter_rows(min_row=2)] == [
        ["1", "Ann"], ["2", "Rob"],
    ]  # fmt: skip


def test_formulas_that_wait_below_the_rows_stay_and_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "people.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "name", "label"])
        sheet.write_row(1, 0, ["1", "Ann"])
        for row in (1, 2, 3):
            sheet.write_formula(row, 2, f'=IF(A{row + 1}="","",B{row + 1})', None, "Ann" if row == 1 else "")
    edits = Edits(creates=[{"id": "2", "label": "x"}, {"id": "3", "name": "Cyd"}, {"id": "4"}])
    new, refused = rewritten(path, edits)
    assert {which: reason[:17] for which, reason in refused.items()} == {0: "C3 is a formula, "}
    rows = list(load_workbook(new).active.iter_rows(min_row=3, values_only=True))
    assert rows == [(None, None, '=IF(A3="","",B3)'), ("3", "Cyd", '=IF(A4="","",B4)'), ("4", None, None)]


def test_formulas_elsewhere_are_calculated_anew(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["id"])
    book.create_sheet("Sum")["A1"] = "=COUNTA(Sheet!A:A)"
    book.save(tmp_path / "people.xlsx")
    new, _ = rewritten(tmp_path / "people.xlsx", Edits(creates=[{"id": "1"}]))
    assert load_workbook(new).calculation.fullCalcOnLoad is True


def test_dates_of_the_1904_system_and_other_prefixes_are_written_right(tmp_path: Path) -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["id", "born"])
    book.active.append(["1", date(2024, 1, 31)])
    book.save(tmp_path / "plain.xlsx")
    path = tmp_path / "people.xlsx"
    with ZipFile(tmp_path / "plain.xlsx") as plain, ZipFile(path, "w") as prefixed:
        for name in plain.namelist():
            octets = plain.read(name)
            if name == "xl/worksheets/sheet1.xml":
                octets = re.sub(rb"<(/?)(?=[a-zA-Z])", rb"<\1x:", octets).replace(b"xmlns=", b"xmlns:x=")
                octets = re.sub(rb"<x:(c|row) r=\"[A-Z0-9]+\"", rb"<x:\1", octets)
            prefixed.writestr(name, octets)
    new, _ = rewritten(path, Edits({"row 2": {"id": "7"}}, creates=[{"id": "2", "born": "2024-02-01T06:00:00"}]))
    assert rows_of(source_of(new)) == [
        {RECORD: "row 2", "id": "7", "born": "2024-01-31"},
        {RECORD: "row 3", "id": "2", "born": "2024-02-01T06:00:00"},
    ]


def test_a_new_workbook_is_text_alone(tmp_path: Path) -> None:
    provider = ExcelProvider(name="out", type="excel", path="new.xlsx", new_file=("id", "x"))
    rows = [{"id": "007", "x": "=1+1"}, {"id": "2", "x": "https://example.org"}]
    ExcelFormat(provider).rewrite(None, tmp_path / "new.xlsx", Edits(creates=rows))
    sheet = load_workbook(tmp_path / "new.xlsx")["new"]
    assert [[(cell.value, cell.data_type) for cell in row] for row in sheet.iter_rows()] == [
        [("id", "s"), ("x", "s")], [("007", "s"), ("=1+1", "s")], [("2", "s"), ("https://example.org", "s")],
    ]  # fmt: skip


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "plain.xlsx", ["id"], ["=1"], fill=lambda s: setattr(s["A1"], "font", Font(bold=True)))
    with ZipFile(path) as plain, ZipFile(tmp_path / "people.xlsx", "w") as bad:
        for name in plain.namelist():
            octets = plain.read(name)
            if name == "xl/worksheets/sheet1.xml":
                octets = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + octets
            bad.writestr(name, octets)
    with pytest.raises(SourceFileError, match=r"it has a document type|broken"):
        rows_of(source_of(tmp_path / "people.xlsx"))


def test_a_table_with_totals_does_not_grow(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        table = Table(displayName="Staff", ref="A1:A3", totalsRowCount=1)
        sheet.add_table(table)

    path = workbook(tmp_path / "people.xlsx", ["id"], ["1"], ["Total"], fill=fill)
    new, _ = rewritten(path, Edits(creates=[{"id": "2"}]))
    with ZipFile(new) as after:
        assert b'ref="A1:A3"' in after.read("xl/tables/table1.xml")
