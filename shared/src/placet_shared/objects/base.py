"""What all kinds have in common."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    model_validator,
)


def spelled(pattern: str, how: str, *, shown: bool = True) -> AfterValidator:
    """Holds a text to a pattern; the error says in words how to write it. What may be a secret is not `shown`."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"{repr(text) if shown else 'this'} is not {how}")
        return text

    return AfterValidator(check)


Name = Annotated[
    str,
    spelled(r"[a-z0-9][a-z0-9._-]{0,62}", "a name: up to 63 of a-z, 0-9, dot, _ and -, the first a letter or digit"),
]
"""An object's name, as in the interface."""

Text = Annotated[str, StringConstraints(min_length=1)]
"""Words that must be there."""

ADDRESS = r"[^@\s<>]+@[^@\s<>]+"
"""Of e-mail, as far as its form goes."""

_TYPE = r"\s*(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*="
_REST = r"(?:[^\\,]|\\.)*"
DistinguishedName = Annotated[
    str, spelled(f"(?s:{_TYPE}{_REST}(?:,{_TYPE}{_REST})*)", "a distinguished name such as ou=People,dc=example,dc=org")
]
"""An entry's name in a directory (RFC 4514), as far as its form goes."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


LONGEST = timedelta(days=3650)


def parse_duration(text: object) -> timedelta:
    """`90s`, `15m`, `48h` or `7d` as a timedelta, which may be given too."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, str) and (found := re.fullmatch(r"(\d{1,9})\s*([smhd])", text.strip())):
        seconds = int(found[1]) * _UNITS[found[2]]
        if seconds <= LONGEST.total_seconds():
            return timedelta(seconds=seconds)
    raise ValueError(f"write a length of time such as 90s, 15m, 48h or 7d, at most {LONGEST.days}d")


def format_duration(value: timedelta) -> str:
    """The shortest whole form that `parse_duration` reads back."""
    seconds = int(value.total_seconds())
    unit = next(unit for unit in "dhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]
"""A length of time, written `15m`."""


class Part(BaseModel):
    """A piece of an object: frozen, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Object(Part):
    """One document: a kind and a name, then its fields."""

    kind: str
    name: Name


_VARIABLE = spelled(r"PLACET_SECRET_[A-Z0-9_]+", "a variable such as PLACET_SECRET_LDAP", shown=False)
_FILE_NAME = spelled(r"[A-Za-z0-9][A-Za-z0-9._-]*", "a name in the secrets folder", shown=False)


class SecretRef(Part):
    """A reference to a secret, never the secret: an environment variable or a file in the secrets folder."""

    env: Annotated[str, _VARIABLE] | None = None
    file: Annotated[str, _FILE_NAME] | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_secret_itself(cls, given: object) -> object:
        if isinstance(given, str | int | float):
            raise ValueError(
                "a secret never stands in a file; write {env: PLACET_SECRET_…}, or {file: NAME} in the secrets folder"
            )
        return given

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give one of env (PLACET_SECRET_…) or file (a name in the secrets folder)")
        return self

    def __str__(self) -> str:
        return f"environment variable {self.env}" if self.env else f"file {self.file} in the secrets folder"


Security = Literal["none", "starttls", "tls"]
