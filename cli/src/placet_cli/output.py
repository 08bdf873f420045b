"""What a command prints: a table for people, one JSON or YAML document for programs."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table


class Form(StrEnum):
    """`--output`."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def show(document: Any, form: Form, people: Callable[[Console], None]) -> None:
    """Prints the document for programs, or what `people` prints for people."""
    if form is Form.JSON:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    elif form is Form.YAML:
        sys.stdout.write(to_yaml(document))
    else:
        people(Console(highlight=False, soft_wrap=True))


def to_yaml(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], nothing: str) -> Callable[[Console], None]:
    """A printer of rows; `nothing` is said when there are none."""

    def print_rows(console: Console) -> None:
        if not rows:
            console.print(nothing, style="dim")
            return
        drawn = Table(box=None, header_style="bold", pad_edge=False)
        for column in columns:
            drawn.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            drawn.add_row(*(_cell(row.get(column)) for column in columns))
        Console(highlight=False).print(drawn)

    return print_rows


def fields(document: Mapping[str, Any]) -> Callable[[Console], None]:
    """A printer of one document, a line a field."""

    def print_fields(console: Console) -> None:
        width = max((len(name) for name in document), default=0)
        for name, value in document.items():
            console.print(f"[bold]{name.replace('_', ' '):<{width}}[/bold]  {_cell(value)}")

    return print_fields


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(inner)}" for name, inner in value.items() if inner not in (0, None, []))
    return str(value).replace("[", "\\[")
