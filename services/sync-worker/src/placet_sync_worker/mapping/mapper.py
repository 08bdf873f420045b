"""Applies a job's fields to a page of records."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from placet_shared.objects import Field

from ..errors import ScriptError
from ..ports import RECORD
from .columns import Column, as_lists, constant, of_values, part, split
from .script import Cells, Failure, ScriptEngine

Problems = dict[int, str]
"""Why rows of a page have no value."""


@dataclass(frozen=True)
class Mapped:
    """One attribute of all records of a page. A row with a problem has no values."""

    values: Column
    problems: Problems = field(default_factory=dict)


def map_field(field: Field, records: pa.RecordBatch, scripts: ScriptEngine) -> Mapped:
    """The values that the records want for one attribute. Raises ScriptError that names it."""
    match field.transform:
        case "from":
            column = as_lists(records.column(str(field.from_)))
            return Mapped(column if field.split is None else split(column, field.split))
        case "static":
            given = (field.static,) if isinstance(field.static, str) else field.static or ()
            return Mapped(constant([value for value in given if value], records.num_rows))
        case "join":
            return _joined([records.column(name) for name in field.join or ()], field)
        case "left":
            assert field.left is not None
            return Mapped(part(as_lists(records.column(field.left.from_)), 1, field.left.length))
        case "substring":
            assert field.substring is not None
            some = field.substring
            return Mapped(part(as_lists(records.column(some.from_)), some.start, some.length))
        case "password":  # it is made when it is written
            return Mapped(constant([], records.num_rows))
        case _:
            return _scripted(str(field.script), field.to, records, scripts)


def _joined(columns: Sequence[pa.Array], field: Field) -> Mapped:
    """The parts that are not empty, with the separator between them."""
    rows: list[list[str]] = []
    problems: Problems = {}
    for row, cells in enumerate(zip(*(as_lists(column).to_pylist() for column in columns), strict=True)):
        text = field.separator.join(value for values in cells for value in values)
        if any(len(values) > 1 for values in cells):
            problems[row], text = "a part to join has several values", ""
        rows.append([text] if text else [])
    return Mapped(of_values(rows), problems)


def _scripted(script: str, attribute: str, records: pa.RecordBatch, scripts: ScriptEngine) -> Mapped:
    try:
        answers = scripts.run(script, _cells(records))
    except ScriptError as error:
        raise ScriptError(f"{attribute}: {error}") from error
    problems = {row: answer.reason for row, answer in enumerate(answers) if isinstance(answer, Failure)}
    return Mapped(of_values([() if isinstance(answer, Failure) else answer for answer in answers]), problems)


def _cells(records: pa.RecordBatch) -> list[Cells]:
    names = [name for name in records.schema.names if name != RECORD]
    columns = [[_cell(value) for value in records.column(name).to_pylist()] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _cell(value: str | list[str] | None) -> str | list[str]:
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    return value or ""
