"""Tables and lines for people: what is to be copied stays whole, and nothing steers the terminal."""

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import pytest
import yaml
from rich.console import Console

from placet_cli.output import Form, Printer, data_table, fields, nothing, show, table, visible

RUN = "c10c440b-1c82-496f-b188-689b08f1d941"
ROW = {
    "id": RUN,
    "job": "people-of-the-north",
    "state": "succeeded with errors",
    "requested_at": "2026-11-24T03:14:26.348536+01:00",
    "requested_by": "ada@corp.example",
    "trigger": "manual",
}


def printed(printer: Printer, width: int) -> list[str]:
    out = StringIO()
    printer(Console(file=out, width=width, force_terminal=True, no_color=True, highlight=False, soft_wrap=True))
    return [line.rstrip() for line in _plain(out.getvalue()).splitlines()]


def _plain(text: str) -> str:
    return text.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[2m", "")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_an_id_is_whole_at_every_width(width: int) -> None:
    lines = printed(table([ROW, ROW], tuple(ROW)), width)
    assert max(map(len, lines)) <= width
    assert [RUN in line for line in lines].count(True) == 2


def test_on_a_narrow_terminal_the_last_columns_make_room_and_words_stay_whole() -> None:
    lines = printed(table([ROW], tuple(ROW)), 80)
    assert lines[0].split() == ["id", "job", "state"]
    assert "people-of-the-north" in lines[1]
    assert "requested by" in printed(table([ROW], tuple(ROW)), 140)[0]


def test_nothing_is_wrapped_or_dropped_for_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    show([ROW], Form.TABLE, table([ROW], tuple(ROW)))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].split()[-1] == "manual"


def test_a_table_of_data_shows_all_its_columns_under_their_own_names() -> None:
    rows = [["x" * 50, "y" * 50, "soon", "[b]", None, 7]]
    header, first, *_ = printed(data_table(["id", "last_name", "left_at", "[b]", "id", "age"], rows, ""), 400)
    assert header.split() == ["id", "last_name", "left_at", "[b]", "id", "age"]
    assert first.split() == ["x" * 50, "y" * 50, "soon", "[b]", "7"]
    assert "last_name" in printed(data_table(["id", "last_name"], [row[:2] for row in rows], ""), 40)[0]
    assert printed(data_table(["id"], [], "the query gives nothing"), 80) == ["the query gives nothing"]


def test_no_rows_are_said_in_words() -> None:
    assert printed(table([], ("id",), "nothing has run yet"), 80) == ["nothing has run yet"]


def test_fields_leave_out_what_is_not_there_and_say_the_rest_in_words() -> None:
    document: Mapping[str, Any] = {
        "id": RUN,
        "requested_at": ROW["requested_at"],
        "reason": None,
        "preview": False,
        "counts": {"create": 3, "delete": 0},
        "votes": [{"user": "bob", "at": "2026-11-24T02:14:29Z"}, {"user": "eve"}],
        "roles": ["editor", "operator"],
    }
    assert printed(fields(document), 80) == [
        f"id            {RUN}",
        "requested at  2026-11-24 02:14:26 UTC",
        "preview       no",
        "counts        create 3",
        "votes         user bob, at 2026-11-24 02:14:29 UTC; user eve",
        "roles         editor, operator",
    ]


@pytest.mark.parametrize(("width", "lines"), [(50, 3), (1000, 1)])
def test_a_long_field_goes_on_below_itself(width: int, lines: int) -> None:
    found = printed(fields({"reason": "word " * 12 + RUN}), width)
    assert len(found) == lines
    assert found[-1].endswith(RUN)
    assert all(line.startswith("        ") for line in found[1:])


@pytest.mark.parametrize(
    ("text", "seen"),
    [("José Ćosić 東京", "José Ćosić 東京"), ("a\x1b[1Ab", "a\\x1b[1Ab"), ("a\nb", "a\\nb"), ("x\u202ey", "x\\u202ey")],
)
def test_what_does_not_print_is_seen_and_not_obeyed(text: str, seen: str) -> None:
    assert visible(text) == seen
    assert printed(fields({"name": text}), 80) == [f"name  {seen}"]


@pytest.mark.parametrize("form", [Form.JSON, Form.YAML])
def test_programs_get_one_document(form: Form, capsys: pytest.CaptureFixture[str]) -> None:
    document: Sequence[Any] = [{"name": "José", "at": "2026-11-24T02:14:29Z", "none": None}]
    show(document, form, nothing)
    out = capsys.readouterr().out
    assert (json.loads(out) if form is Form.JSON else yaml.safe_load(out)) == document
    assert "José" in out
