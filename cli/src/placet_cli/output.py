"""What a command prints: a table for people, one JSON or YAML document for programs."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_A_PIPE = 160


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

        people(Console(highlight=False, soft_wrap=True))


def to_yaml(document: Any) -> str:
    import yaml  # as above

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], nothing: str = "") -> Printer:
    """A printer of rows; `nothing` is said when there are none."""

    def print_rows(console: "Console") -> None:
        from rich.table import Table  # as above
        from rich.text import Text

        if not rows:
            console.print(nothing, style="dim", markup=False)
            return
        drawn = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            drawn.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(_cell(column, row.get(column))) for column in columns))
        console.print(drawn, soft_wrap=False, width=None if console.is_terminal else WIDTH_OF_A_PIPE)

    return print_rows


def fields(document: Mapping[str, Any]) -> Printer:
    """A printer of one document, a line a field; what is not there is left out."""
    cells = {name: _cell(name, value) for name, value in document.items()}

    def print_fields(console: "Console") -> None:
        width = max((len(name) for name in cells), default=0)
        for name, cell in cells.items():
            if cell:
                console.print(f"{name.replace('_', ' '):<{width}}", style="bold", end="  ")
                console.print(cell, markup=False)

    return print_fields


def nothing(_console: "Console") -> None:
    """Prints nothing: what there is to say was said on standard error."""


def _cell(name: str, value: Any) -> str:
    """A value in words: people read no JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_cell("", one) for one in value)
    if isinstance(value, Mapping):
        given = {inner: one for inner, one in value.items() if one not in (0, None, [], "")}
        return ", ".join(f"{inner.replace('_', ' ')} {_cell(inner, one)}" for inner, one in given.items())
    if isinstance(value, str) and name.endswith("_at"):
        return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return "" if value is None else str(value)
