"""CSV files as people save them. (Files are I/O: not among the unit tests.)"""

from collections.abc import Callable
from pathlib import Path

import pytest

from placet_shared.objects import CsvProvider
from placet_sync_worker.changes import Rejected
from placet_sync_worker.errors import EmptySourceError, SourceFileError, SourceMovedError, UnknownColumnError
from placet_sync_worker.ports import RECORD, Page
from placet_sync_worker.providers.csv.provider import CsvFormat, open_csv, try_csv
from placet_sync_worker.providers.csv.tables import PAGE_ROWS
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.files.source import FileSource
from placet_sync_worker.providers.files.tables import Edits
from placet_sync_worker.providers.surroundings import Surroundings

Source = Callable[..., FileSource]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A source over a file with these bytes."""

    def make(content: bytes | str, **settings: object) -> FileSource:
        (tmp_path / "people.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        provider = CsvProvider.model_validate({"name": "hr", "type": "csv", "path": "people.csv", **settings})
        return open_csv(provider, Surroundings(FilesFolder(tmp_path), tmp_path, {}, tmp_path))

    return make


def rows(pages: list[Page]) -> list[dict[str, object]]:
    return [row for page in pages for row in page.records.to_pylist()]


def rejected(pages: list[Page]) -> list[Rejected]:
    return [one for page in pages for one in page.rejected]


def read(source: FileSource, *columns: str) -> list[Page]:
    return list(source.read(columns or source.columns(), None))


def test_gives_the_columns_asked_for_with_the_line_of_each_record(source: Source) -> None:
    assert rows(read(source("id,name,x\n1,Ann,u\n2,Zoë,v\n"), "name", "id")) == [
        {RECORD: "line 2", "name": "Ann", "id": "1"},
        {RECORD: "line 3", "name": "Zoë", "id": "2"},
    ]


def test_cells_are_trimmed_and_empty_ones_are_no_values(source: Source) -> None:
    assert rows(read(source("id , name\n 1 ,   \n")))[0] == {RECORD: "line 2", "id": "1", "name": None}


def test_rows_without_anything_are_blank_lines(source: Source) -> None:
    pages = read(source("id,name\n1,Ann\n,\n , \n,,,\n\n2,Bob\n"))
    assert [(row[RECORD], row["id"]) for row in rows(pages)] == [("line 2", "1"), ("line 7", "2")]
    assert rejected(pages) == []


def test_trim_can_be_switched_off(source: Source) -> None:
    assert rows(read(source("id,name\n 1 ,\n", trim=False)))[0] == {RECORD: "line 2", "id": " 1 ", "name": None}


def test_quotes_commas_and_newlines_in_cells_keep_the_lines_right(source: Source) -> None:
    found = rows(read(source('id,name\r\n1,"O\'Hara, ""Kit""\r\nJr."\r\n\r\n2,Ann\r\n')))
    assert found == [
        {RECORD: "line 2", "id": "1", "name": 'O\'Hara, "Kit"\r\nJr.'},
        {RECORD: "line 5", "id": "2", "name": "Ann"},
    ]


def test_delimiter_and_quote_are_settings(source: Source) -> None:
    assert rows(read(source("id;name\n1;'a;b'\n", delimiter=";", quote="'")))[0]["name"] == "a;b"


def test_without_a_header_columns_are_numbers(source: Source) -> None:
    made = source("1,Ann\n2,Bob\n", header=False)
    assert made.columns() == ["1", "2"]
    assert rows(read(made, "2")) == [{RECORD: "line 1", "2": "Ann"}, {RECORD: "line 2", "2": "Bob"}]


@pytest.mark.parametrize("line", ["1", "1,2,3", '1,"x"y'])
def test_a_record_whose_cells_may_have_shifted_is_rejected_without_a_key(source: Source, line: str) -> None:
    pages = read(source(f"id,name\n1,Ann\n{line}\n2,Bob\n"))
    assert [row["id"] for row in rows(pages)] == ["1", "2"]
    (one,) = rejected(pages)
    assert (one.record, one.key, one.attribute) == ("line 3", None, None)


def test_the_reason_of_a_ragged_row_says_what_was_found(source: Source) -> None:
    assert rejected(read(source("id,name\n1\n")))[0].reason == "has 1 cells where the first line has 2"


@pytest.mark.parametrize("tail", ['3,"never closed\n4,Bob\n', '3,"' + "x" * (1 << 21) + '"\n'])
def test_a_quote_that_is_never_closed_ends_the_reading(source: Source, tail: str) -> None:
    with pytest.raises(SourceFileError, match=r"provider hr: people\.csv: line 3: a quote is opened and never closed"):
        read(source("id,name\n1,Ann\n" + tail))


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_an_error(source: Source, content: str) -> None:
    with pytest.raises(EmptySourceError, match=r"people\.csv is empty"):
        read(source(content), "id")


@pytest.mark.parametrize(
    ("mark", "encoding"), [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]
)
def test_a_byte_order_mark_is_recognised_and_stripped(source: Source, mark: bytes, encoding: str) -> None:
    made = source(mark + "id,name\n1,Łódź\n".encode(encoding))
    assert made.columns() == ["id", "name"]
    assert rows(read(made))[0]["name"] == "Łódź"


def test_another_encoding_is_a_setting(source: Source) -> None:
    assert rows(read(source("id,name\n1,Łódź\n".encode("cp1250"), encoding="cp1250")))[0]["name"] == "Łódź"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("padding", [0, 3_000_000])
def test_a_wrong_encoding_is_named_with_line_and_offset(source: Source, mark: bytes, padding: int) -> None:
    start = mark + b"id,name\n1,Ann\r\n" + b"2," + b"x\r\n2," * (padding // 5)
    with pytest.raises(SourceFileError) as caught:
        read(source(start + b"\xb3 and on\n"))
    line = 3 + padding // 5
    expected = f"people.csv is not written in utf-8: byte 0xb3 on line {line}, offset {len(start)}"
    assert expected in str(caught.value)


def test_a_missing_column_is_named_with_the_nearest(source: Source) -> None:
    with pytest.raises(UnknownColumnError, match="has no column first_nam; did you mean first_name"):
        read(source("id,first_name\n1,Ann\n"), "first_nam")


def test_a_name_that_stands_twice_in_the_header_cannot_be_used(source: Source) -> None:
    made = source("id,name,name\n1,a,b\n")
    assert rows(read(made, "id"))[0]["id"] == "1"
    twice = r"people\.csv: name stands twice in the header, in columns 2 \(B\) and 3 \(C\); rename all but one of them"
    with pytest.raises(UnknownColumnError, match=twice):
        read(made, "name")


def test_pages_are_bounded_and_nothing_is_lost_between_them(source: Source) -> None:
    count = PAGE_ROWS * 2 + 7
    pages = read(source("id\n" + "".join(f"{n}\n" for n in range(count))))
    assert [page.records.num_rows for page in pages] == [PAGE_ROWS, PAGE_ROWS, 7]
    assert [row["id"] for row in rows(pages)] == [str(n) for n in range(count)]


def test_a_file_that_changes_while_it_is_read_is_read_again(source: Source, tmp_path: Path) -> None:
    pages = source("id\n" + "1\n" * (PAGE_ROWS + 1)).read(["id"], None)
    next(pages)
    other = tmp_path / "other.csv"
    other.write_text("id\n1\n")
    other.replace(tmp_path / "people.csv")
    with pytest.raises(SourceMovedError, match="was changed while it was read"):
        list(pages)


def test_a_file_with_a_header_alone_has_no_records_to_try(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,name\n")
    provider = CsvProvider(name="hr", type="csv", path="people.csv")
    header, read = try_csv(provider, Surroundings(FilesFolder(tmp_path), tmp_path, {}))
    assert header["ok"]
    assert read == {"step": "read", "ok": True, "message": "read a page of 0 records"}


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("id;name\n1;Ann\n", {}, "columns id;name; that is one column: is the delimiter ';'?"),
        ("id\tname\n1\tAnn\n", {}, "columns id\tname; that is one column: is the delimiter '\\t'?"),
        ("id,name\n1,Ann\n", {"delimiter": ";"}, "columns id,name; that is one column: is the delimiter ','?"),
        ("id;name\n1;Ann\n", {"delimiter": ";"}, "columns id, name"),
        ("id\n1\n", {}, "columns id"),
    ],
)
def test_a_delimiter_that_seems_to_be_another_is_asked_about(
    tmp_path: Path, text: str, fields: dict[str, str], message: str
) -> None:
    (tmp_path / "people.csv").write_text(text)
    provider = CsvProvider.model_validate({"name": "hr", "type": "csv", "path": "people.csv", **fields})
    header, read = try_csv(provider, Surroundings(FilesFolder(tmp_path), tmp_path, {}))
    assert (header["ok"], header["message"], read["ok"]) == (True, message, True)


def test_the_apostrophe_before_a_formula_is_taken_off(source: Source) -> None:
    text = "id,name\n1,'=1+1\n2,'tis\n3,''=x\n"
    assert [row["name"] for row in rows(read(source(text)))] == ["=1+1", "'tis", "'=x"]
    assert [row["name"] for row in rows(read(source(text, escape_formulas=False)))] == ["'=1+1", "'tis", "''=x"]


def test_a_missing_file_a_folder_and_a_forbidden_path_are_one_sentence_each(tmp_path: Path) -> None:
    inside = tmp_path / "files"
    (inside / "folder").mkdir(parents=True)
    (tmp_path / "outside.csv").write_text("id\n1\n")
    (inside / "link.csv").symlink_to(tmp_path / "outside.csv")
    folder = FilesFolder(inside)
    for path, reason in [
        ("gone.csv", "there is no file"),
        ("folder", "is not a file"),
        ("../outside.csv", "leads out of"),
        ("link.csv", "leads out of"),
        (str(tmp_path / "outside.csv"), "is absolute"),
    ]:
        with pytest.raises(SourceFileError, match=reason):
            folder.find("hr", path)


def test_absolute_paths_can_be_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n")
    assert FilesFolder(tmp_path / "files", allow_absolute=True).find("hr", str(tmp_path / "a.csv")).name == "a.csv"


# ---- written ---------------------------------------------------------------------------------------------------------

MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., bytes]:
    """What a file of these bytes becomes."""

    def edit(content: bytes | str, edits: Edits, **settings: object) -> bytes:
        old, new = tmp_path / "old.csv", tmp_path / "new.csv"
        old.write_bytes(content if isinstance(content, bytes) else content.encode())
        provider = CsvProvider.model_validate({"name": "out", "type": "csv", "path": "old.csv", **settings})
        assert CsvFormat(provider).rewrite(old, new, edits) == {}
        return new.read_bytes()

    return edit


ONE_NEW = Edits(creates=[{"id": "9", "name": "New"}])
EDIT = Edits({"line 3": {"name": "x"}}, frozenset({"line 5"}), [{"id": "9", "name": "New"}])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('id,name\n1,a\n2,"b"\n\n3,c\n', 'id,name\n1,a\n2,"x"\n\n9,New\n', id="quotes"),
        pytest.param("id,name\r\n1, a \r\n2,b\r\n,,,\r\n3,c", "id,name\r\n1, a \r\n2,x\r\n,,,\r\n9,New\r\n", id="ends"),
        pytest.param('id,name\n"1","a\nb"\n', 'id,name\n"1","a\nb"\n"9","New"\n', id="lines-in-cells"),
        pytest.param("id,name\n1,a\n2,b\n7\n3,c\n\n\n", "id,name\n1,a\n2,x\n7\n\n\n9,New\n", id="ragged"),
        pytest.param("id,name", "id,name\r\n9,New", id="header"),
        pytest.param("id,name\n1,a\n2,b\n3,c\n3,d", "id,name\n1,a\n2,x\n3,c\n9,New\n", id="last-line-goes"),
    ],
)
def test_lines_that_are_not_edited_keep_their_bytes(edited: Callable[..., bytes], before: str, after: str) -> None:
    lines = before.count("\n")
    assert edited(before, EDIT if lines > 2 and "a\nb" not in before else ONE_NEW).decode() == after


@pytest.mark.parametrize(("encoding", "mark"), [*MARKS.items(), ("cp1250", b""), ("utf-8", b""), ("utf-16-le", b"")])
def test_encoding_and_byte_order_mark_stay(edited: Callable[..., bytes], encoding: str, mark: bytes) -> None:
    configured = encoding if not mark else "utf-8"
    found = edited(mark + "id;name\n1;Łódź\n".encode(encoding), Edits(creates=[{"id": "2", "name": "Żory"}]),
                   encoding=configured, delimiter=";")  # fmt: skip
    assert found == mark + "id;name\n1;Łódź\n2;Żory\n".encode(encoding)


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("+1+1", "'+1+1"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("'=1", "''=1"), ("-5", "-5"), ("+48600100200", "+48600100200"), ("-1.5", "-1.5"),
        ("a=b", "a=b"), ("'tis", "'tis"),
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_is_escaped(edited: Callable[..., bytes], value: str, escaped: str) -> None:
    new = Edits(creates=[{"id": "1", "name": value}])
    assert edited("id,name\n", new) == f"id,name\n1,{escaped}\n".encode()
    assert edited("id,name\n", new, escape_formulas=False) == f"id,name\n1,{value}\n".encode()
    assert edited("id,name\n1,old\n", Edits({"line 2": {"name": value}})) == f"id,name\n1,{escaped}\n".encode()


def test_text_whose_bytes_cannot_be_kept_is_not_rewritten(tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    old.write_bytes(b"id,name\n1,+AGE-\n")
    provider = CsvProvider(name="out", type="csv", path="old.csv", encoding="utf-7")
    with pytest.raises(SourceMovedError, match="its bytes are not those of utf-7 text"):
        CsvFormat(provider).rewrite(old, tmp_path / "new.csv", ONE_NEW)


@pytest.mark.parametrize(
    ("value", "reason"),
    [("日本", "cp1250 has no '日'"), ("  ", "nothing but spaces"), ("a\0b", "NUL"), ("x" * (1 << 20), "too long")],
)
def test_what_the_file_cannot_hold_is_not_allowed(tmp_path: Path, value: str, reason: str) -> None:
    (tmp_path / "people.csv").write_bytes(b"id,name\n")
    provider = CsvProvider(name="out", type="csv", path="people.csv", encoding="cp1250")
    form = CsvFormat(provider).open(tmp_path / "people.csv").attribute("name").decode
    assert form is not None
    assert form(" Ann ") == "Ann"
    with pytest.raises(ValueError, match=reason):
        form(value)
