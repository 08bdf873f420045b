"""Filters (RFC 4515): parsed once to a tree, which is checked, encoded for the wire, or rendered. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from . import ber
from .errors import InvalidFilterError
from .names import escape_filter_value

DEEPEST = 100

_NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)(?:;[A-Za-z0-9-]+)*")
_OPERATOR = re.compile(r"(~=|>=|<=|=)")
_VALUE = re.compile(r"(?:[^\\*()\0]|\\[0-9A-Fa-f]{2})*")
_ESCAPE = re.compile(r"(?:\\[0-9A-Fa-f]{2})+")
_RULE = re.compile(r"(:dn)?(?::([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+))?:=", re.IGNORECASE)

Comparison = Literal["=", ">=", "<=", "~="]
_TAGS = {"=": 0xA3, ">=": 0xA5, "<=": 0xA6, "~=": 0xA8}


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; none: true."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds; none: false."""

    parts: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    part: "Filter"


@dataclass(frozen=True, slots=True)
class Present:
    attribute: str


@dataclass(frozen=True, slots=True)
class Compare:
    attribute: str
    how: Comparison
    value: bytes


@dataclass(frozen=True, slots=True)
class Substrings:
    """`pieces` are what stood between the stars; the first and the last may be empty."""

    attribute: str
    pieces: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Extensible:
    """A comparison by a rule of its own (RFC 4511, 4.5.1.7.7)."""

    attribute: str | None
    rule: str | None
    dn: bool
    value: bytes


Filter = All | Either | Not | Present | Compare | Substrings | Extensible


def all_of(parts: Sequence[Filter]) -> Filter:
    """Some parts together: a single one is itself."""
    return All(tuple(parts)) if len(parts) > 1 else parts[0]


def any_of(parts: Sequence[Filter]) -> Filter:
    """One of some parts: a single one is itself."""
    return Either(tuple(parts)) if len(parts) > 1 else parts[0]


def parse_filter(text: str) -> Filter:
    """The tree of a filter. Raises InvalidFilterError that names the column of the mistake."""
    start = len(text) - len(text.lstrip(" \n\t"))
    found, end = _parse(text, start, 0)
    if text[end:].strip(" \n\t"):
        raise _mistake(text, end, "there is something after the end of the filter")
    return found


def attributes_of(found: Filter) -> Iterator[str]:
    """The attributes that a filter looks at."""
    if isinstance(found, All | Either):
        for part in found.parts:
            yield from attributes_of(part)
    elif isinstance(found, Not):
        yield from attributes_of(found.part)
    elif found.attribute is not None:
        yield found.attribute


def render(found: Filter) -> str:
    """The filter as text."""
    match found:
        case All(parts):
            return f"(&{''.join(map(render, parts))})"
        case Either(parts):
            return f"(|{''.join(map(render, parts))})"
        case Not(part):
            return f"(!{render(part)})"
        case Present(attribute):
            return f"({attribute}=*)"
        case Compare(attribute, how, value):
            return f"({attribute}{how}{_render_value(value)})"
        case Substrings(attribute, pieces):
            return f"({attribute}={'*'.join(map(_render_value, pieces))})"
        case Extensible(attribute, rule, dn, value):
            return f"({attribute or ''}{':dn' if dn else ''}{f':{rule}' if rule else ''}:={_render_value(value)})"


def encode_filter(found: Filter) -> bytes:
    """The filter as it travels."""
    match found:
        case All(parts):
            return ber.sequence(*map(encode_filter, parts), tag=0xA0)
        case Either(parts):
            return ber.sequence(*map(encode_filter, parts), tag=0xA1)
        case Not(part):
            return ber.wrap(0xA2, encode_filter(part))
        case Present(attribute):
            return ber.wrap(0x87, attribute.encode())
        case Compare(attribute, how, value):
            return ber.sequence(ber.text(attribute), ber.octets(value), tag=_TAGS[how])
        case Substrings(attribute, pieces):
            return ber.sequence(ber.text(attribute), ber.sequence(*_encode_pieces(pieces)), tag=0xA4)
        case Extensible(attribute, rule, dn, value):
            parts_ = [ber.wrap(0x81, rule.encode())] if rule else []
            parts_ += [ber.wrap(0x82, attribute.encode())] if attribute else []
            parts_ += [ber.wrap(0x83, value)] + ([ber.boolean(True, 0x84)] if dn else [])
            return ber.sequence(*parts_, tag=0xA9)


def _encode_pieces(pieces: tuple[bytes, ...]) -> Iterator[bytes]:
    for place, piece in enumerate(pieces):
        if piece:
            yield ber.wrap(0x80 if place == 0 else 0x82 if place == len(pieces) - 1 else 0x81, piece)


def _render_value(value: bytes) -> str:
    try:
        return escape_filter_value(value.decode())
    except UnicodeDecodeError:
        return "".join(f"\\{octet:02x}" for octet in value)


# ---- parsing: each function gets the place where its part starts, and gives the part and the place after it ----------


def _parse(text: str, at: int, depth: int) -> tuple[Filter, int]:
    if depth > DEEPEST:
        raise _mistake(text, at, f"it is nested more than {DEEPEST} deep")
    if text[at : at + 1] != "(":
        raise _mistake(text, at, "an opening bracket is missing")
    kind = text[at + 1 : at + 2]
    found: Filter
    if kind in ("&", "|"):
        parts, end = _parts(text, at + 2, depth)
        found = All(parts) if kind == "&" else Either(parts)
    elif kind == "!":
        part, end = _parse(text, _skip(text, at + 2), depth + 1)
        found, end = Not(part), _skip(text, end)
    else:
        found, end = _item(text, at + 1)
    if text[end : end + 1] != ")":
        raise _mistake(text, end, "a closing bracket is missing")
    return found, end + 1


def _parts(text: str, at: int, depth: int) -> tuple[tuple[Filter, ...], int]:
    parts = []
    at = _skip(text, at)
    while text[at : at + 1] == "(":
        part, at = _parse(text, at, depth + 1)
        parts.append(part)
        at = _skip(text, at)
    return tuple(parts), at


def _item(text: str, at: int) -> tuple[Filter, int]:
    name = _NAME.match(text, at)
    after = name.end() if name else at
    if rule := _RULE.match(text, after):
        if name is None and rule[2] is None:
            raise _mistake(text, at, "an attribute or a matching rule is missing")
        pieces, end = _pieces(text, rule.end(), stars=False)
        return Extensible(name[0] if name else None, rule[2], rule[1] is not None, pieces[0]), end
    if name is None:
        raise _mistake(text, at, "an attribute is missing")
    operator = _OPERATOR.match(text, after)
    if operator is None:
        raise _mistake(text, after, "one of = >= <= ~= is missing")
    pieces, end = _pieces(text, operator.end(), stars=operator[0] == "=")
    if len(pieces) == 1:
        how: Comparison = operator[0]  # type: ignore[assignment]  # the expression gives these four alone
        return Compare(name[0], how, pieces[0]), end
    return (Present(name[0]) if pieces == (b"", b"") else Substrings(name[0], pieces)), end


def _pieces(text: str, at: int, *, stars: bool) -> tuple[tuple[bytes, ...], int]:
    """What stands between the stars of a value."""
    pieces = []
    while True:
        found = _VALUE.match(text, at)
        assert found is not None
        pieces.append(_value(found[0]))
        at = found.end()
        if text[at : at + 1] == "\\":
            raise _mistake(text, at, "a backslash needs two hexadecimal digits after it, as in \\2a for a star")
        if text[at : at + 1] in ("(", "\0"):
            raise _mistake(text, at, f"{text[at]!r} stands in a value; write \\{ord(text[at]):02x}")
        if text[at : at + 1] != "*":
            return tuple(pieces), at
        if not stars:
            raise _mistake(text, at, "a star is allowed after = alone; write \\2a for the character")
        at += 1


def _value(raw: str) -> bytes:
    if "\\" not in raw:
        return raw.encode()
    value, done = b"", 0
    for found in _ESCAPE.finditer(raw):
        value += raw[done : found.start()].encode() + bytes.fromhex(found[0].replace("\\", ""))
        done = found.end()
    return value + raw[done:].encode()


def _skip(text: str, at: int) -> int:
    """Past white space between the parts of a list, which people write though RFC 4515 has none."""
    while text[at : at + 1] in (" ", "\n", "\t"):
        at += 1
    return at


def _mistake(text: str, at: int, what: str) -> InvalidFilterError:
    shown = text if len(text) <= 60 else text[:60] + " …"
    return InvalidFilterError(f"the filter {shown} is not valid: column {at + 1}: {what}")
