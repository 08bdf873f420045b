"""What the signatures of the console's rows are over: all that says who somebody is, and by which token they come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from placet_shared.chain import Signer, Verifier
from placet_shared.seals import Seals


@dataclass(frozen=True)
class RowSeals:
    """For both kinds of rows."""

    users: Seals
    tokens: Seals


def row_seals(signer: Signer, verifier: Verifier) -> RowSeals:
    return RowSeals(Seals(signer, verifier, "ConsoleUser"), Seals(signer, verifier, "ConsoleToken"))


def user_content(
    name: str, email: str | None, roles: Sequence[str], groups: Sequence[str], version: int, disabled: bool
) -> Mapping[str, Any]:
    """Of a row of `users`."""
    lists = {"roles": list(roles), "groups": list(groups)}
    return {"name": name, "email": email, **lists, "version": version, "disabled": disabled}


def token_content(
    token_id: str, user: str, hashed: str, expires_at: datetime | None, revoked: bool
) -> Mapping[str, Any]:
    """Of a row of `tokens`."""
    until = expires_at.astimezone(UTC).isoformat() if expires_at else None
    return {"id": token_id, "user": user, "hash": hashed, "expires_at": until, "revoked": revoked}
