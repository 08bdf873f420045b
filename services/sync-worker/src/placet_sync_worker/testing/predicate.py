"""Filters as conditions on values that are here already. Pure."""

from collections.abc import Callable

from ..providers.ldap.filter import All, Compare, Either, Extensible, Filter, Not, Present, Substrings

Values = Callable[[str], tuple[str, ...]]
"""An attribute's values as texts."""

Folds = Callable[[str], Callable[[str], str]]
"""How an attribute's values are folded; the function may raise ValueError."""


def matches(found: Filter, values: Values, folds: Folds) -> bool:
    """Whether an entry is meant. What cannot be decided counts as no, at each comparison."""
    match found:
        case All(parts):
            return all(matches(part, values, folds) for part in parts)
        case Either(parts):
            return any(matches(part, values, folds) for part in parts)
        case Not(part):
            return not matches(part, values, folds)
        case Present(attribute):
            return bool(values(attribute))
        case Compare(attribute, how, value):
            wanted = _folded(folds(attribute), value.decode(errors="replace"))
            there = [_folded(folds(attribute), one) for one in values(attribute)]
            return wanted is not None and any(one is not None and _compare(one, how, wanted) for one in there)
        case Substrings(attribute, pieces):
            fold = folds(attribute)
            return any(_has_pieces(fold(one), [fold(piece.decode()) for piece in pieces]) for one in values(attribute))
        case Extensible(attribute, rule, dn, value) if attribute and not rule and not dn:
            return matches(Compare(attribute, "=", value), values, folds)
        case Extensible():
            return False


def _folded(fold: Callable[[str], str], value: str) -> str | None:
    try:
        return fold(value)
    except ValueError:
        return None


def _compare(there: str, how: str, wanted: str) -> bool:
    if how == ">=":
        return _ordered(there, wanted)
    if how == "<=":
        return _ordered(wanted, there)
    return there == wanted


def _ordered(one: str, other: str) -> bool:
    """Whether one is at least the other; numbers by their size."""
    if one.lstrip("-").isdigit() and other.lstrip("-").isdigit():
        return int(one) >= int(other)
    return one >= other


def _has_pieces(text: str, pieces: list[str]) -> bool:
    first, *middle, last = pieces
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(text) - len(last) >= at and text.endswith(last)
