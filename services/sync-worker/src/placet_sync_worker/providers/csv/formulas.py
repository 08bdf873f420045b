"""Cells that a spreadsheet would take for formulas: a name such as `=cmd|…` is run by who opens the file there.

They get an apostrophe when they are written, as OWASP advises, and lose it when they are read. Pure.
"""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]\d+([.,]\d+)?")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")


def escaped(value: str) -> str:
    """The value as it is written; numbers with a sign are no formulas."""
    return f"'{value}" if _FORMULA.match(value) and not _NUMBER.fullmatch(value) else value


def unescaped(cell: str) -> str:
    """What `escaped` was given."""
    return cell[1:] if _ESCAPED.match(cell) else cell
