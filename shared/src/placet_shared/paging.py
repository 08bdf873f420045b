"""Lists over HTTP, page by page: `?cursor=&limit=`.

A cursor names the last item of the page before, by its number or by its moment and id; what no list can have given is
refused.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from .errors import InvalidError

MOST_PER_PAGE = 500

RowT = TypeVar("RowT")
ItemT = TypeVar("ItemT")

Limit = Annotated[int, Query(ge=1, le=MOST_PER_PAGE)]


class Page(BaseModel, Generic[ItemT]):
    """One page of a list; `next` is the cursor of the page after it, null on the last one."""

    items: list[ItemT]
    next: str | None


def page_of(
    rows: Sequence[RowT], limit: int, cursor_of: Callable[[RowT], str], show: Callable[[RowT], ItemT | None]
) -> Page[ItemT]:
    """A page of `limit` rows; one more of them says that there is another page. What is shown as None is left out."""
    shown = rows[:limit]
    items = [item for item in map(show, shown) if item is not None]
    return Page(items=items, next=cursor_of(shown[-1]) if len(rows) > limit else None)


def _number(cursor: str | None = None) -> int | None:
    if cursor is None:
        return None
    if not _NUMBER.fullmatch(cursor):
        raise _not_ours()
    return int(cursor)


NumberCursor = Annotated[int | None, Depends(_number)]
"""The number that a cursor names."""


def moment_cursor(at: datetime, item_id: str) -> str:
    """The cursor after an item of that moment and id."""
    return f"{(at - _EPOCH) // _MICROSECOND}-{item_id}"


def _moment(cursor: str | None = None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    found = _MOMENT.fullmatch(cursor)
    if found is None:
        raise _not_ours()
    return _EPOCH + int(found[1]) * _MICROSECOND, found[2]


MomentCursor = Annotated[tuple[datetime, str] | None, Depends(_moment)]
"""The moment and id that a cursor names."""

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_NUMBER = re.compile(r"[0-9]{1,18}")
_MOMENT = re.compile(r"([0-9]{1,16})-([!-~]{1,300})")
"""So few digits that PostgreSQL and the calendar have room for them; in the id no character that a text cannot have."""


def _not_ours() -> InvalidError:
    return InvalidError("the cursor is none that this list gave", "cursor")
