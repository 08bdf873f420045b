"""Users, and what may be said about them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from placet_shared.events import UserChanged
from placet_shared.identity import Role
from placet_shared.objects import Name
from placet_shared.objects.job import Email

RESERVED = frozenset({"policy", "expiry", "schedule", "event", "startup", "console", "scheduler", "sync-worker"})
"""Names that stand where a user's could, but are nobody: a decision `by policy` is no person's."""

Group = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class UserDetails(BaseModel):
    """What an admin says about a user."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    email: Annotated[Email, StringConstraints(max_length=254)] | None = None
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    groups: tuple[Group, ...] = ()

    @field_validator("email")
    @classmethod
    def _ascii(cls, email: str | None) -> str | None:
        if email is not None and not (email.isascii() and email.isprintable()):
            raise ValueError("an e-mail address has ASCII characters alone; write the domain in its xn-- form")
        return email

    @field_validator("roles", "groups")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(names)))


class NewUser(UserDetails):
    """A user to be."""

    name: Name

    @field_validator("name")
    @classmethod
    def _a_person(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f"{name} is a part of Placet and no person; choose another name")
        return name


@dataclass(frozen=True)
class User:
    """A user as the console knows them. `altered`: not as it wrote them, so that they cannot sign in."""

    name: str
    email: str | None
    roles: tuple[Role, ...]
    groups: tuple[str, ...]
    version: int
    created_at: datetime
    disabled_at: datetime | None
    altered: bool = False

    def may_administer(self) -> bool:
        return "admin" in self.roles and self.disabled_at is None and not self.altered

    def says(self, details: UserDetails) -> bool:
        """Whether these details are already true."""
        return not self.altered and (self.email, self.roles, self.groups) == (
            details.email,
            details.roles,
            details.groups,
        )

    def announcement(self) -> dict[str, Any]:
        """The fields of user-changed."""
        known = UserChanged.model_fields.keys() & vars(self).keys()
        return {name: getattr(self, name) for name in known} | {"disabled": self.disabled_at is not None}


def next_version(version: int, now: datetime) -> int:
    """Larger than the one before, and also than any that a restored database has forgotten."""
    return max(version + 1, int(now.timestamp()))


def leaves_no_admin(users: Sequence[User], name: str) -> bool:
    """Whether nobody could administer users if this one could not."""
    return not any(user.may_administer() for user in users if user.name != name)
