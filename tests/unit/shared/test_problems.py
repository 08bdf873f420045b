"""Errors: what they say by themselves, and how they leave as problem documents (RFC 9457). And pauses between tries."""

from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from httpx2 import ASGITransport, AsyncClient
from pydantic import BaseModel
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from placet_shared import errors
from placet_shared.api import install_problem_documents
from placet_shared.errors import (
    ConflictError,
    ForbiddenError,
    ForgedEventError,
    InvalidError,
    NotFoundError,
    PermanentError,
    PlacetError,
    PreconditionError,
    ReplayedEventError,
    SecretMissingError,
    TransientError,
)
from placet_shared.identity import NotSignedInError
from placet_shared.keys import KeyUnusableError
from placet_shared.letters import LONGEST_REASON, storable
from placet_shared.work import EventTooLargeError

OURS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PlacetError)]


@pytest.mark.parametrize("kind", OURS)
def test_an_error_says_its_condition_by_itself_or_what_it_is_told(kind: type[PlacetError]) -> None:
    assert str(kind()) == (kind.__doc__ or "").strip()
    assert str(kind()).endswith(".")
    assert str(kind("the file is empty")) == "the file is empty"


@pytest.mark.parametrize("kind", [kind for kind in OURS if kind is not PlacetError])
def test_whether_trying_again_helps_is_a_type(kind: type[PlacetError]) -> None:
    assert issubclass(kind, TransientError) is not issubclass(kind, PermanentError)


# ---- problem documents -----------------------------------------------------------------------------------------------


class Named(BaseModel):
    name: str
    inner: dict[str, int] = {}


async def answer_to(error: Exception | None, **request: Any) -> Any:
    app = FastAPI()
    install_problem_documents(app)

    @app.post("/")
    async def fail(_named: Named, limit: int = 1) -> int:
        if error is not None:
            raise error
        return limit

    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.request("POST", request.pop("url", "/"), **({"json": {"name": "x"}} | request))


DATABASE: tuple[str, dict[str, Any], Exception] = ("select secret from users", {}, Exception("password=hush"))
PROBLEMS: list[tuple[Exception, int, str]] = [
    (NotFoundError("no job"), 404, "Not found"),
    (ConflictError("no job"), 409, "Conflict"),
    (PreconditionError("no job"), 412, "Changed meanwhile"),
    (ForbiddenError("no job"), 403, "Forbidden"),
    (NotSignedInError("no job"), 403, "Forbidden"),
    (InvalidError("no job"), 422, "Invalid"),
    (TransientError("no job"), 503, "Try again"),
    (PermanentError("no job"), 400, "Not possible"),
    (SecretMissingError("no job"), 400, "Not possible"),
    (KeyUnusableError("no job"), 400, "Not possible"),
    (ForgedEventError("no job"), 400, "Not possible"),
    (ReplayedEventError("no job"), 400, "Not possible"),
    (EventTooLargeError("no job"), 400, "Not possible"),
    (PlacetError("no job"), 400, "Not possible"),
    (HTTPException(405, "no job"), 405, "Method Not Allowed"),
]


@pytest.mark.parametrize(
    ("error", "status", "title"), PROBLEMS, ids=lambda part: type(part).__name__ if isinstance(part, Exception) else ""
)
async def test_an_error_leaves_as_a_problem_document(error: Exception, status: int, title: str) -> None:
    answer = await answer_to(error)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json() == {"type": "about:blank", "title": title, "status": status, "detail": "no job"}


async def test_the_field_at_fault_is_named() -> None:
    answer = await answer_to(InvalidError("name: too long", field="name"))
    assert (answer.status_code, answer.json()["field"]) == (422, "name")


@pytest.mark.parametrize(
    "error",
    [OperationalError(*DATABASE), InterfaceError(*DATABASE), PoolTimeoutError()],
    ids=lambda one: type(one).__name__,
)
async def test_a_database_that_is_away_is_told_without_its_words(error: Exception) -> None:
    answer = await answer_to(error)
    assert answer.status_code == 503
    assert answer.json()["detail"] == "the database does not answer"


async def test_a_fault_of_ours_is_no_outage_and_tells_nothing() -> None:
    answer = await answer_to(ProgrammingError(*DATABASE))
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "hush" not in answer.text


async def test_a_callers_words_that_are_no_text_are_said_as_far_as_they_can_be() -> None:
    answer = await answer_to(InvalidError("kind: '\ud800' is unknown", field="\ud800"))
    assert (answer.status_code, answer.json()["detail"], answer.json()["field"]) == (422, "kind: '?' is unknown", "?")


async def test_headers_of_an_error_are_kept() -> None:
    error = HTTPException(401, "sign in", {"WWW-Authenticate": "Bearer"})
    assert (await answer_to(error)).headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"json": {}}, "name"),
        ({"json": {"name": "x", "inner": {"a": "b"}}}, "inner.a"),
        ({"url": "/?limit=many"}, "limit"),
    ],
    ids=str,
)
async def test_what_a_caller_sent_wrong_is_named_by_its_path(request_: dict[str, Any], field: str) -> None:
    answer = await answer_to(None, **request_)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["field"] == field
    assert answer.json()["detail"].startswith(f"{field}: ")


# ---- letters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "stored"),
    [("it was wrong", "it was wrong"), ("a\0b", "a\ufffdb"), ("a\ud800b", "a?b"), ("ż" * 5_000, "ż" * LONGEST_REASON)],
)
def test_a_reason_is_made_fit_for_the_database(reason: str, stored: str) -> None:
    assert storable(reason) == stored
