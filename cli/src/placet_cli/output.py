"""What a command prints: a table for people, one JSON or YAML document for programs."""

import json
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_A_PIPE = 1_000_000
"""Nothing wraps for programs that read lines."""
GAP, NARROW, WORD = 2, 12, 24
"""Of tables: between columns; what a column needs that wraps; the longest word that stays whole."""


class Form(StrEnum):
    """`--output`."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Printer = Callable[["Console"], None]


def show(document: Any, form: Form, people: Printer) -> None:
    """Prints the document for programs, or what `people` prints for people."""
    if form is Form.JSON:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    elif form is Form.YAML:
        sys.stdout.write(to_yaml(document))
    else:
        from rich.console import Console  # programs do not need it, and it loads slowly

        console = Console(highlight=False, soft_wrap=True)
        if not console.is_terminal:
            console.width = WIDTH_OF_A_PIPE
        people(console)


def to_yaml(document: Any) -> str:
    import yaml  # as above

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], nothing: str = "", whole: Sequence[str] = ("id", "name")
) -> Printer:
    """A printer of rows; `nothing` is said when there are none.

    Columns in `whole` are there to be copied: they never wrap, and on a narrow terminal the last columns make room.
    """
    cells = [[_cell(column, row.get(column)) for column in columns] for row in rows]
    kept = [column in whole for column in columns]

    def print_rows(console: "Console") -> None:
        titles = [_title(column) for column in columns]
        shown = how_many_fit(titles, cells, kept, console.width)
        _print(console, titles[:shown], [row[:shown] for row in cells], kept, nothing)

    return print_rows


def data_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], nothing: str) -> Printer:
    """A printer of people's data: all columns, each called as it is."""
    cells = [[_cell("", value) for value in row] for row in rows]

    def print_rows(console: "Console") -> None:
        _print(console, [visible(column) for column in columns], cells, [False] * len(columns), nothing)

    return print_rows


def _print(
    console: "Console", titles: Sequence[str], cells: Sequence[Sequence[str]], whole: Sequence[bool], nothing: str
) -> None:
    from rich.table import Table  # as above
    from rich.text import Text

    if not cells:
        console.print(nothing, style="dim", markup=False)
        return
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for title, kept in zip(titles, whole, strict=False):
        drawn.add_column(Text(title), overflow="fold", no_wrap=kept)
    for row in cells:
        drawn.add_row(*map(Text, row))
    console.print(drawn, soft_wrap=False)


def how_many_fit(titles: Sequence[str], cells: Sequence[Sequence[str]], whole: Sequence[bool], width: int) -> int:
    """Columns from the left that fit into a width, when all but whole ones may wrap between words; one at least."""
    used = 0
    for number, title in enumerate(titles):
        texts = [title, *(row[number] for row in cells)]
        longest = max(map(len, texts))
        words = max(len(word) for text in texts for word in text.split() or [""])
        used += longest if whole[number] else max(min(longest, NARROW), min(words, WORD))
        if number and used > width:
            return number
        used += GAP
    return len(titles)


def _title(column: str) -> str:
    return column.replace("_", " ")


def fields(document: Mapping[str, Any]) -> Printer:
    """A printer of one document, a line a field; what is not there is left out."""
    cells = {name: _cell(name, value) for name, value in document.items()}

    def print_fields(console: "Console") -> None:
        width = max((len(name) for name in cells), default=0)
        for name, cell in cells.items():
            if cell:
                label = f"{_title(name):<{width}}  "
                console.print(label, style="bold", end="")
                console.print(beside(label, cell, console), markup=False)

    return print_fields


def beside(label: str, text: str, console: "Console") -> str:
    """What to print after a label: as many lines as it takes, indented. Words stay whole, as ids do."""
    if len(label) + len(text) <= console.width:
        return text
    indent = " " * len(label)
    lines = textwrap.fill(
        text, console.width, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return lines.removeprefix(indent)


def visible(text: str) -> str:
    """Text from elsewhere, which must not steer the terminal: what does not print is written as an escape."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def nothing(_console: "Console") -> None:
    """Prints nothing: what there is to say was said on standard error."""


def moment(text: str) -> str:
    """A time of the API for people."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _cell(name: str, value: Any) -> str:
    """A value in words: people read no JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        between = "; " if any(isinstance(one, Mapping) for one in value) else ", "
        return between.join(_cell("", one) for one in value)
    if isinstance(value, Mapping):
        given = {inner: one for inner, one in value.items() if one not in (0, None, [], "")}
        return ", ".join(f"{_title(inner)} {_cell(inner, one)}" for inner, one in given.items())
    if isinstance(value, str) and (name == "at" or name.endswith("_at")):
        return moment(value)
    return "" if value is None else visible(str(value))
