"""Checks secrets against their argon2id hashes; one that held is remembered for a while, by its SHA-256 alone."""

import asyncio
from collections import OrderedDict
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

REMEMBER_SECONDS = 300.0
MOST_REMEMBERED = 10_000
AT_ONCE = 2
"""Checks that run at the same time: each takes a core and 19 MiB."""


class SecretHasher:
    """Argon2id with the parameters that OWASP recommends: 19 MiB, 2 passes. `now` is any steady clock's seconds."""

    def __init__(self) -> None:
        self._argon2 = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._held: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def hash(self, secret: str) -> str:
        """What is stored for a secret."""
        async with self._turns:
            return await asyncio.to_thread(self._argon2.hash, secret)

    def remembers(self, secret: str, hashed: str, now: float) -> bool:
        """Whether this secret held against this hash a short while ago."""
        known, until = self._held.get(_key(secret), ("", now))
        return known == hashed and now < until

    async def holds(self, secret: str, hashed: str, now: float) -> bool:
        """Whether the secret is the one that was hashed."""
        if self.remembers(secret, hashed, now):
            return True
        async with self._turns:
            held = await asyncio.to_thread(self._check, secret, hashed)
        if held:
            self._remember(secret, hashed, now + REMEMBER_SECONDS)
        return held

    def _check(self, secret: str, hashed: str) -> bool:
        try:
            return self._argon2.verify(hashed, secret)
        except (VerificationError, InvalidHashError):
            return False

    def _remember(self, secret: str, hashed: str, until: float) -> None:
        self._held[_key(secret)] = (hashed, until)
        while len(self._held) > MOST_REMEMBERED:
            self._held.popitem(last=False)


def _key(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
