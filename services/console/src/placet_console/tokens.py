"""Tokens: `placet_<id>_<secret>`. The secret has 256 random bits and is kept as its argon2id hash alone. Pure."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

_FORM = re.compile(r"placet_([0-9a-f]{16})_([0-9a-f]{64})")


@dataclass(frozen=True)
class Token:
    """A token as its owner has it."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"placet_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"Token({self.id})"


@dataclass(frozen=True)
class TokenRecord:
    """A token as the console has it."""

    id: str
    user: str
    hash: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def usable(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def new_token() -> Token:
    """A token that nobody has."""
    return Token(secrets.token_hex(8), secrets.token_hex(32))


def read_token(text: str) -> Token | None:
    """The token in a text, or None when it has another form."""
    found = _FORM.fullmatch(text)
    return Token(found[1], found[2]) if found else None
