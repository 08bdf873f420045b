"""CSV files as people save them. (Files are I/O: not among the unit tests.)"""

from collections.abc import Callable
from pathlib import Path

import pytest

from placet_shared.objects import CsvProvider
from placet_sync_worker.changes import Rejected
from placet_sync_worker.errors import EmptySourceError, SourceFileError, SourceMovedError, UnknownColumnError
from placet_sync_worker.ports import RECORD, Page
from placet_sync_worker.providers.csv import PAGE_ROWS, CsvSource, try_csv
from placet_sync_worker.providers.files import FilesFolder
from placet_sync_worker.providers.surroundings import Surroundings

Source = Callable[..., CsvSource]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A source over a file with these bytes."""

    def make(content: bytes | str, **settings: object) -> CsvSource:
        (tmp_path / "people.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        provider = CsvProvider.model_validate({"name": "hr", "type": "csv", "path": "people.csv", **settings})
        return CsvSource(provider, FilesFolder(tmp_path))

    return make


def rows(pages: list[Page]) -> list[dict[str, object]]:
    return [row for page in pages for row in page.records.to_pylist()]


def rejected(pages: list[Page]) -> list[Rejected]:
    return [one for page in pages for one in page.rejected]


def read(source: CsvSource, *columns: str) -> list[Page]:
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


def test_an_unknown_encoding_is_one_sentence(source: Source) -> None:
    with pytest.raises(SourceFileError, match="unknown encoding: klingon"):
        read(source("id\n1\n", encoding="klingon"))


def test_a_missing_column_is_named_with_the_nearest(source: Source) -> None:
    with pytest.raises(UnknownColumnError, match="has no column first_nam; did you mean first_name"):
        read(source("id,first_name\n1,Ann\n"), "first_nam")


def test_a_name_that_stands_twice_in_the_header_cannot_be_used(source: Source) -> None:
    made = source("id,name,name\n1,a,b\n")
    assert rows(read(made, "id"))[0]["id"] == "1"
    with pytest.raises(UnknownColumnError, match="has 2 columns named name"):
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


def test_a_query_is_refused(source: Source) -> None:
    with pytest.raises(SourceFileError, match="a file takes no query"):
        list(source("id\n1\n").read(["id"], "SELECT 1"))


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
