"""Who is calling: the console checks the token and signs, for this very call, who it is; the services verify that."""

import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from .chain import Verifier
from .clock import utc_now
from .envelope import holds_nul
from .errors import ForbiddenError, ForgedEventError, InvalidError, NotFoundError

HEADER = "Placet-Identity"
LIFETIME = timedelta(seconds=60)
SKEW = timedelta(seconds=5)

Role = Literal["viewer", "editor", "approver", "operator", "admin"]


class NotSignedInError(ForbiddenError):
    """The call does not come through the console."""


class Identity(BaseModel):
    """A caller, bound to one call: method, target (path and query) and the body's hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    user: str
    email: str | None
    groups: tuple[str, ...] = ()
    roles: tuple[Role, ...]
    method: str
    target: str
    body: str
    issued_at: datetime

    def may(self, *roles: Role) -> bool:
        """True for an admin and for anyone with one of the roles."""
        return "admin" in self.roles or any(role in self.roles for role in roles)

    def require(self, *roles: Role) -> None:
        """Raises ForbiddenError for whom `may` is false."""
        if not self.may(*roles):
            raise ForbiddenError(f"{self.user} needs the role {' or '.join(roles)} for this; ask an admin")


def body_hash(body: bytes) -> str:
    """How a body stands in an identity."""
    return hashlib.sha256(body).hexdigest()


def verify_identity(
    verifier: Verifier, token: str, method: str, target: str, body: bytes, now: datetime, issuer: str = "console"
) -> Identity:
    """The caller of exactly this call, in the words of the service that signed it. Raises NotSignedInError."""
    try:
        identity = Identity.model_validate_json(verifier.read_bytes(token, issuer, "Identity"))
    except (ForgedEventError, ValidationError) as error:
        raise NotSignedInError(f"the identity does not hold: {error}; call the console's address") from error
    if (identity.method, identity.target, identity.body) != (method, target, body_hash(body)):
        raise NotSignedInError("the identity was signed for another call")
    if not identity.issued_at - SKEW <= now <= identity.issued_at + LIFETIME:
        raise NotSignedInError("the identity was signed for another time; check the clocks")
    return identity


CallerDependency = Callable[[Request], Coroutine[Any, Any, Identity]]
"""What FastAPI calls to learn who calls."""


def caller_of(verifier: Verifier, issuer: str = "console") -> CallerDependency:
    """A FastAPI dependency that gives the caller; `issuer` is `scheduler` for what only the scheduler may call."""

    async def caller(request: Request) -> Identity:
        token, target, body = request.headers.get(HEADER, ""), _target(request), await request.body()
        identity = verify_identity(verifier, token, request.method, target, body, utc_now(), issuer)
        if "\0" in request.scope["path"]:  # PostgreSQL cannot be asked for such a text
            raise NotFoundError("nothing has a NUL character in its name")
        if body and "json" in request.headers.get("content-type", ""):
            _require_text(body)
        return identity

    return caller


def _require_text(body: bytes) -> None:
    """Raises InvalidError for JSON whose texts nobody can keep or send on: a NUL, or half of a surrogate pair."""
    try:
        from_json(body)
    except ValueError as error:
        raise InvalidError(f"the body must be JSON in UTF-8: {error}") from error
    if holds_nul(body):
        raise InvalidError("the body has a NUL character in one of its texts; leave it out")


def _target(request: Request) -> str:
    """As it came over the wire: what is decoded may stand for several targets."""
    path, query = request.scope["raw_path"], request.scope["query_string"]
    return bytes(path + b"?" + query if query else path).decode("latin-1")
