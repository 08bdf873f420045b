"""Calls that are refused before any service sees them."""

from fastapi import HTTPException

from placet_shared.errors import ConflictError, NotFoundError, TransientError


class ServiceAwayError(TransientError):
    """A service does not answer."""


class NoSuchPathError(NotFoundError):
    """There is nothing at this path; see /api/v1/openapi.json."""


class NoSuchUserError(NotFoundError):
    """There is no such user; see `placet user list`."""


class UserExistsError(ConflictError):
    """There is such a user already."""


class AlteredUserError(ConflictError):
    """The user was altered in the database and cannot sign in; say anew who they are with PUT /api/v1/users/…."""


class LastAdminError(ConflictError):
    """This is the last admin who can sign in; make another one first."""


def not_signed_in() -> HTTPException:
    """The same words for every reason: who guesses learns nothing."""
    detail = "the token is missing, not valid, expired or revoked; ask an admin for one (`placet token create`)"
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def too_many_failures(seconds: int) -> HTTPException:
    """For who sent many wrong tokens."""
    detail = f"too many wrong tokens; try again in {seconds} s"
    return HTTPException(429, detail, {"Retry-After": str(seconds)})


def too_large(most: int) -> HTTPException:
    """For a body that is not read to its end."""
    return HTTPException(413, f"the body has more than {most:,} bytes; send it in parts")


def too_slow(seconds: int) -> HTTPException:
    """For a body that does not come to its end."""
    return HTTPException(408, f"the body did not come within {seconds} s; send it again")
