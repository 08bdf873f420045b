"""Pages and their cursors: what one page gives, the next one takes, and nothing else is taken."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from placet_shared.api import install_problem_documents
from placet_shared.paging import Limit, MomentCursor, NumberCursor, Page, _moment, moment_cursor, page_of


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """Lists that say which cursor came."""
    app = FastAPI()
    install_problem_documents(app)

    @app.get("/numbers")
    async def numbers(before: NumberCursor, limit: Limit = 2) -> Page[Any]:
        return page_of([before] * 3, limit, str, lambda number: number)

    @app.get("/moments")
    async def moments(before: MomentCursor) -> Any:
        return before

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://lists") as client:
        yield client


def test_one_row_too_many_says_that_there_is_a_next_page() -> None:
    rows = [1, 2, 3]
    assert page_of(rows, 2, str, float) == Page(items=[1.0, 2.0], next="2")
    assert page_of(rows, 3, str, float) == Page(items=[1.0, 2.0, 3.0], next=None)
    assert page_of([], 3, str, float) == Page(items=[], next=None)


def test_what_is_not_shown_leaves_no_gap_in_the_pages() -> None:
    assert page_of([1, 2, 3], 2, str, lambda row: None if row == 2 else row) == Page(items=[1], next="2")


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2286, 1, 1), timezones=st.just(UTC)))
def test_a_moment_comes_back_to_the_microsecond(at: datetime) -> None:
    assert _moment(moment_cursor(at, "placet.run-triggers-0-12-ab")) == (at, "placet.run-triggers-0-12-ab")


async def test_a_number_comes_back(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/numbers?cursor=999999999999999999&limit=3")
    assert answer.json() == {"items": [999999999999999999] * 3, "next": None}


@pytest.mark.parametrize(
    "target",
    [
        *(f"/numbers?cursor={bad}" for bad in ("", "x", "-1", "1.5", "1e9", "٣", "9" * 19, "9" * 5000, "%00", "1'--")),
        *(f"/moments?cursor={bad}" for bad in ("", "x", "1", "1-", "-1-x", "1e9-x", "9" * 17 + "-x", "1-%00", "٣-x")),
    ],
)
async def test_a_cursor_of_nobodys_is_refused(client: httpx2.AsyncClient, target: str) -> None:
    answer = await client.get(target)
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")
