"""Who is calling: a token becomes a user, as they are at this very moment."""

from datetime import timedelta
from time import monotonic

from fastapi import Request

from placet_shared.clock import utc_now
from placet_shared.work import Database

from . import store
from .errors import not_signed_in, too_many_failures
from .hashing import SecretHasher
from .throttle import FailureLimit
from .tokens import Token, TokenRecord, read_token
from .users import User

USED_AT_MOST_EVERY = timedelta(minutes=1)
"""A token's last use is known to the minute, so that most calls write nothing."""


class Gate:
    """Lets through who has a token. The token's and the user's rows are read for every call, so that disabling,
    revoking and changed roles count at once; what is remembered is only that a secret fits its hash."""

    def __init__(self, database: Database, hasher: SecretHasher) -> None:
        self._database = database
        self._hasher = hasher
        self._failures = FailureLimit()

    async def __call__(self, request: Request) -> User:
        """The caller. Raises a 401, or a 429 when the address sent many wrong tokens."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise not_signed_in()
        address = request.client.host if request.client else "unknown"
        user = await self._user_of(read_token(text.strip()), address)
        if user is None:
            self._failures.note(address, monotonic())
            raise not_signed_in()
        return user

    async def _user_of(self, token: Token | None, address: str) -> User | None:
        record, user = await self._look_up(token)
        known = token is not None and record is not None and self._hasher.remembers(token.secret, record.hash)
        if not known and (seconds := self._failures.wait(address, monotonic())):
            raise too_many_failures(seconds)
        if token is None or record is None or not await self._hasher.holds(token.secret, record.hash):
            return None
        await self._note_use(record)
        return user

    async def _look_up(self, token: Token | None) -> tuple[TokenRecord | None, User | None]:
        """What is known about the token, if it can be used now."""
        if token is None:
            return None, None
        async with self._database.transaction() as work:
            found = await store.token_with_user(work, token.id)
            if found is None or not found[0].usable(work.now) or found[1].disabled_at is not None:
                return None, None
            return found

    async def _note_use(self, record: TokenRecord) -> None:
        now = utc_now()
        if record.last_used_at is None or record.last_used_at < now - USED_AT_MOST_EVERY:
            async with self._database.transaction() as work:
                await store.note_use(work, record.id)
