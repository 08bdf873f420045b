"""Every error of an HTTP API as a problem document (RFC 9457)."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from .complaints import complaint
from .errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PlacetError,
    PreconditionError,
    TransientError,
)


def problem(status: int, title: str, detail: str, field: str | None = None) -> JSONResponse:
    """A problem document. What no UTF-8 can hold of a caller's own words becomes a question mark."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": _in_utf8(detail)}
    said = body | ({"field": _in_utf8(field)} if field else {})
    return JSONResponse(said, status, media_type="application/problem+json")


def _in_utf8(text: str) -> str:
    return text.encode(errors="replace").decode()


def install_problem_documents(app: FastAPI) -> None:
    """Every error of ours leaves as a problem document."""

    @app.exception_handler(PlacetError)
    async def _ours(_request: Request, error: PlacetError) -> JSONResponse:
        status, title = next(found for kind, found in _STATUS if isinstance(error, kind))
        return problem(status, title, str(error), getattr(error, "field", None))

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeoutError)
    async def _database(_request: Request, _error: Exception) -> JSONResponse:
        return problem(503, "Try again", "the database does not answer")

    @app.exception_handler(Exception)
    async def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
        return problem(500, "Went wrong", "this should not happen; the service's log says more")

    @app.exception_handler(RequestValidationError)
    async def _body(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return problem(422, "Invalid", f"{field}: {complaint(first)}", field)


_STATUS: list[tuple[type[PlacetError], tuple[int, str]]] = [
    (NotFoundError, (404, "Not found")),
    (ConflictError, (409, "Conflict")),
    (PreconditionError, (412, "Changed meanwhile")),
    (ForbiddenError, (403, "Forbidden")),
    (InvalidError, (422, "Invalid")),
    (TransientError, (503, "Try again")),
    (PlacetError, (400, "Not possible")),
]
