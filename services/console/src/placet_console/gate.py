"""Who is calling: a token becomes a user, as they are at this very moment."""

from datetime import timedelta
from time import monotonic

from fastapi import HTTPException, Request

from placet_shared.clock import utc_now
from placet_shared.work import Database

from . import store
from .errors import not_signed_in, too_many_failures
from .hashing import SecretHasher
from .sealing import RowSeals
from .throttle import FailureLimit
from .tokens import Token, TokenRecord, read_token
from .users import User

USED_AT_MOST_EVERY = timedelta(minutes=1)
"""A token's last use is known to the minute, so that most calls write nothing."""


class Gate:
    """Lets through who has a token. The token's and the user's rows are read for every call, so that disabling,
    revoking and changed roles count at once; what is remembered is only that a secret fits its hash. Wrong secrets
    count by address and token, so that nobody is kept out by what others try, and unknown tokens by address."""

    def __init__(self, database: Database, seals: RowSeals, hasher: SecretHasher, failures: FailureLimit) -> None:
        self._database = database
        self._seals = seals
        self._hasher = hasher
        self._failures = failures

    async def __call__(self, request: Request) -> User:
        """The caller. Raises a 401, or a 429 after many wrong tokens."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise not_signed_in()
        token, now = read_token(text.strip()), monotonic()
        found = await self._look_up(token) if token else None
        if token is None or found is None:
            raise self._failure(request, "", now)
        record, user = found
        if not self._hasher.remembers(token.secret, record.hash, now):
            self._require_patience(request, record.id, now)
        if not await self._hasher.holds(token.secret, record.hash, now):
            raise self._failure(request, record.id, now)
        await self._note_use(record)
        return user

    async def _look_up(self, token: Token) -> tuple[TokenRecord, User] | None:
        """The token's row and its user, if it can be used now."""
        async with self._database.transaction() as work:
            found = await store.token_with_user(work, self._seals, token.id)
            return found if found and found[0].usable(work.now) and found[1].disabled_at is None else None

    async def _note_use(self, record: TokenRecord) -> None:
        if record.last_used_at is None or record.last_used_at < utc_now() - USED_AT_MOST_EVERY:
            async with self._database.transaction() as work:
                await store.note_use(work, record.id)

    def _failure(self, request: Request, token_id: str, now: float) -> HTTPException:
        self._require_patience(request, token_id, now)
        self._failures.note(_guesser(request, token_id), now)
        return not_signed_in()

    def _require_patience(self, request: Request, token_id: str, now: float) -> None:
        if seconds := self._failures.wait(_guesser(request, token_id), now):
            raise too_many_failures(seconds)


def _guesser(request: Request, token_id: str) -> str:
    return f"{request.client.host if request.client else 'unknown'} {token_id}"
