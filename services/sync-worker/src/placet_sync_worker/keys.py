"""A key as people see it and links remember it: one text, another one for another key, whatever stands in its parts.

The same as text, as SQL of DuckDB, and taken apart again. Pure.
"""

import re
from collections.abc import Sequence


def shown_key(parts: Sequence[str]) -> str:
    """The text of a key."""
    if len(parts) == 1:
        return parts[0]
    return ", ".join(part.replace("\\", "\\\\").replace(",", "\\,") for part in parts)


def shown_key_sql(parts: Sequence[str]) -> str:
    """The expression of that text; `parts` are expressions of texts. NULL where one is NULL."""
    if len(parts) == 1:
        return parts[0]
    return " || ', ' || ".join(rf"replace(replace({part}, '\', '\\'), ',', '\,')" for part in parts)


def split_key(shown: str, parts: int) -> tuple[str, ...]:
    """The parts that `shown_key` put together."""
    if parts == 1:
        return (shown,)
    found = [""]
    for escaped, between, plain in _PIECE.findall(shown):
        if between:
            found.append("")
        else:
            found[-1] += escaped or plain
    return tuple(found)


_PIECE = re.compile(r"\\(.)|(, )|([^\\,]+)", re.DOTALL)
