"""Keys and values in the form in which equal ones are equal texts. Pure."""

from collections.abc import Callable, Sequence

import pyarrow as pa

from ..mapping.columns import Column, of_values
from ..ports import Attribute
from .comparing import lenient

BETWEEN = "\x1f"
"""Stands between the parts of a folded key."""

Form = Callable[[str], str]


def folded(texts: Sequence[str | None], fold: Form) -> list[str | None]:
    """The folded texts; None for what is absent, or what the syntax does not allow."""
    try:
        return [None if text is None or "\0" in text else fold(text) for text in texts]
    except ValueError:
        return [_folded_or_none(text, fold) for text in texts]


def folded_lists(column: Column, fold: Form) -> Column:
    """The folded values of each row, without those that the syntax does not allow."""
    flat = folded(column.flatten().to_pylist(), fold)
    if None not in flat:
        return pa.ListArray.from_arrays(column.offsets, pa.array(flat, pa.string()))
    rows = (folded(row, fold) for row in column.to_pylist())
    return of_values([[text for text in row if text is not None] for row in rows])


def _folded_or_none(text: str | None, fold: Form) -> str | None:
    try:
        return None if text is None or "\0" in text else fold(text)
    except ValueError:
        return None


def formed(column: Column, form: Form) -> Column:
    """The forms of all values. Raises ValueError."""
    flat = [form(value) for value in column.flatten().to_pylist()]
    return pa.ListArray.from_arrays(column.offsets, pa.array(flat, pa.string()))


def decoded(column: Column, form: Form) -> tuple[Column, dict[int, str]]:
    """The forms of all values, and the rows with a value that the syntax does not allow, with the reason."""
    try:
        return formed(column, form), {}
    except ValueError:
        return formed(column, lenient(form)), _not_allowed(column, form)


def _not_allowed(column: Column, form: Form) -> dict[int, str]:
    problems: dict[int, str] = {}
    for row, values in enumerate(column.to_pylist()):
        try:
            for value in values:
                form(value)
        except ValueError as error:
            problems[row] = f"{', '.join(values)} is not allowed here: {error}"
    return problems


def alike(column: Column, rows: Sequence[int], attribute: Attribute) -> dict[int, str]:
    """Those of the rows with values that differ as texts but not to the server, which would refuse them."""
    fold, problems = lenient(attribute.fold), {}
    for row in rows:
        texts = set(column[row].as_py())
        if len({fold(text) for text in texts}) < len(texts):
            problems[row] = f"the server takes some of these values for the same: {', '.join(sorted(texts))}"
    return problems
