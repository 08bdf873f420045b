"""What somebody may have meant by a name that is not there. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The one that is most like it; None where none is (`cutoff`: 1 is alike in all)."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


def hint(name: str, known: Iterable[str]) -> str:
    """The second half of a sentence: the nearest name, or else all that there are."""
    names = list(known)
    near = nearest(name, names)
    return f"did you mean {near}?" if near else f"it has {', '.join(names)}"
