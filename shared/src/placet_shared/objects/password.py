"""Passwords that are made for new entries: of what, for whom, and for how long they are kept."""

from datetime import timedelta
from math import log2
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from .base import ADDRESS, Duration, Part, spelled

CharacterClass = Literal["upper", "lower", "digit", "symbol"]

CHARACTERS: dict[CharacterClass, str] = {
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "digit": "0123456789",
    "symbol": "!#$%&*+-./:=?@_",
}
"""The characters of each class: those alone that every keyboard has, and that mean nothing in a DN or a CSV."""

SHORTEST, LONGEST = 12, 127
"""Windows takes 127 characters."""

FEWEST_BITS = 64
"""What a password must be worth: it is set by a machine, and lies where somebody may try many."""

MOST_KEPT = timedelta(days=90)

Receiver = Annotated[str, spelled(rf"group:\S+|{ADDRESS}|[^\s:@]+", "a user's name, an e-mail address or group:NAME")]


def _not_for_ever(kept: timedelta) -> timedelta:
    if not timedelta(hours=1) <= kept <= MOST_KEPT:
        raise ValueError(f"a password is kept for 1h at least and {MOST_KEPT.days}d at most")
    return kept


class Password(Part):
    """A random password. It has a character of each of `classes`, and none of `exclude`. Admins may take it once it is
    written, and who is named in `deliver_to`; what nobody took after `expires_after` is erased."""

    length: Annotated[int, Field(ge=SHORTEST, le=LONGEST)] = 20
    classes: Annotated[tuple[CharacterClass, ...], Field(min_length=1)] = ("upper", "lower", "digit", "symbol")
    exclude: str = ""
    deliver_to: tuple[Receiver, ...] = ()
    expires_after: Annotated[Duration, AfterValidator(_not_for_ever)] = timedelta(days=7)

    @property
    def alphabets(self) -> tuple[str, ...]:
        """The characters of each class that are left."""
        return tuple(
            "".join(one for one in CHARACTERS[name] if one not in self.exclude) for name in dict.fromkeys(self.classes)
        )

    @model_validator(mode="after")
    def _enough(self) -> Self:
        for name, left in zip(dict.fromkeys(self.classes), self.alphabets, strict=True):
            if not left:
                raise ValueError(f"exclude: it leaves no character of the class {name}; exclude fewer")
        bits = self.length * log2(len("".join(self.alphabets)))
        if bits < FEWEST_BITS:
            raise ValueError(
                f"{self.length} of these characters are worth {int(bits)} bits, and a password needs {FEWEST_BITS};"
                " make it longer, or give it more classes"
            )
        return self
