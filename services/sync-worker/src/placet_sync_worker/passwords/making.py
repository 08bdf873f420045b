"""A random password by a job's rules. Pure but for chance."""

import re
from collections.abc import Iterable
from secrets import SystemRandom

from placet_shared.objects import Password

SHORTEST_WORD = 3
"""Of a person's own names: Windows refuses a password that has one in it."""


def make_password(policy: Password, names: Iterable[str] = ()) -> str:
    """One of all the passwords that the rules allow, each as likely as the others; none has a word of `names` in it."""
    chance, alphabets = SystemRandom(), policy.alphabets
    characters = "".join(alphabets)
    words = {word.lower() for name in names for word in _words(name)}
    while True:
        made = "".join(chance.choices(characters, k=policy.length))
        if all(set(made) & set(one) for one in alphabets) and not any(word in made.lower() for word in words):
            return made


def _words(name: str) -> Iterable[str]:
    """The whole of a name, and its parts as Windows takes them apart."""
    return (word for word in (name, *re.split(r"[\s,.\-_#]+", name)) if len(word) >= SHORTEST_WORD)
