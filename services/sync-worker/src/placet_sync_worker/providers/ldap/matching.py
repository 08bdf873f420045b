"""What a directory takes for equal: by matching rule for keys and names, by syntax for values (RFC 4517). Pure.

The functions give equal texts for equal values, and raise ValueError where the syntax does not allow a value. They do
what slapd does, which the contract suite compares.
"""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from .names import dn_key
from .text import compose, fold, squeeze

Form = Callable[[str], str]

_INTEGER = re.compile(r"-?\d+")
_TIME = re.compile(r"(\d{10})(\d\d)?(\d\d)?(?:[.,](\d+))?(?:Z|([+-])(\d\d)(\d\d)?)")
_UID = re.compile(r"(.*)#('[01]*'B)", re.DOTALL)


def exact(value: str) -> str:
    return squeeze(compose(value))


def numeric(value: str) -> str:
    digits = value.replace(" ", "")
    if digits and not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{value!r} is not made of digits and spaces")
    return digits


def telephone(value: str) -> str:
    """Spaces and hyphens do not count."""
    return value.replace(" ", "").replace("-", "")


def integer(value: str) -> str:
    if not _INTEGER.fullmatch(value) or not value.isascii():
        raise ValueError(f"{value!r} is no whole number")
    return str(int(value)) if len(value) < 4_000 else value


def boolean(value: str) -> str:
    if value.upper() not in ("TRUE", "FALSE"):
        raise ValueError(f"{value!r} is neither TRUE nor FALSE")
    return value.upper()


def generalized_time(value: str) -> str:
    """In UTC, without zeros at the end of a fraction: `20270104023000Z`."""
    found = _TIME.fullmatch(value)
    if found is None:
        raise ValueError(f"{value!r} is no time; write it as in 20270104023000Z")
    hours, minutes, seconds, fraction, sign, zone_hours, zone_minutes = found.groups()
    zone = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    offset = timezone(-zone if sign == "-" else zone)
    time = datetime.strptime(hours + (minutes or "00") + (seconds or "00"), "%Y%m%d%H%M%S").replace(tzinfo=offset)
    unit = 1 if seconds else 60 if minutes else 3600
    rest = Fraction(int(fraction or 0) * unit, 10 ** len(fraction or ""))
    whole = int(rest)
    utc = (time + timedelta(seconds=whole)).astimezone(UTC)
    part = rest - whole
    digits = f".{int(part * 10**9):09}".rstrip("0") if part else ""
    return f"{utc:%Y%m%d%H%M%S}{digits}Z"


def name_and_uid(value: str) -> str:
    """A DN, perhaps with a bit string (RFC 4517, 3.3.21)."""
    found = _UID.fullmatch(value)
    return f"{dn_key(found[1])}#{found[2]}" if found else dn_key(value)


def binary(value: str) -> str:
    """Octets, shown as base64."""
    try:
        return base64.b64encode(base64.b64decode(value, validate=True)).decode()
    except ValueError as error:
        raise ValueError("it is not base64, as octets are written") from error


def unchanged(value: str) -> str:
    return value


BY_RULE: dict[str, Form] = {
    "caseignorematch": fold, "2.5.13.2": fold,
    "caseignorelistmatch": fold, "2.5.13.11": fold,
    "caseignoreia5match": fold, "1.3.6.1.4.1.1466.109.114.2": fold,
    "caseexactmatch": exact, "2.5.13.5": exact,
    "caseexactia5match": exact, "1.3.6.1.4.1.1466.109.114.1": exact,
    "numericstringmatch": numeric, "2.5.13.8": numeric,
    "telephonenumbermatch": telephone, "2.5.13.20": telephone,
    "distinguishednamematch": dn_key, "2.5.13.1": dn_key,
    "uniquemembermatch": name_and_uid, "2.5.13.23": name_and_uid,
    "integermatch": integer, "2.5.13.14": integer,
    "booleanmatch": boolean, "2.5.13.13": boolean,
    "generalizedtimematch": generalized_time, "2.5.13.27": generalized_time,
    "objectidentifiermatch": str.lower, "2.5.13.0": str.lower,
    "uuidmatch": str.lower, "1.3.6.1.1.16.2": str.lower,
}  # fmt: skip
"""How equality rules compare, by their names in small letters and their OIDs; any other compares the texts."""

_SYNTAXES = "1.3.6.1.4.1.1466.115.121.1."

BY_SYNTAX: dict[str, Form] = {
    f"{_SYNTAXES}12": dn_key,
    f"{_SYNTAXES}34": name_and_uid,
    f"{_SYNTAXES}27": integer,
    f"{_SYNTAXES}7": boolean,
    f"{_SYNTAXES}24": generalized_time,
}
"""Syntaxes in which one value may be written in several ways."""

SAMPLES: dict[str, bytes] = {
    f"{_SYNTAXES}6": b"'0'B",
    f"{_SYNTAXES}7": b"TRUE",
    f"{_SYNTAXES}12": b"cn=0",
    f"{_SYNTAXES}24": b"19700101000000Z",
    f"{_SYNTAXES}27": b"0",
    f"{_SYNTAXES}34": b"cn=0",
    f"{_SYNTAXES}38": b"2.5.6.0",
}
"""A value that a syntax allows, where that is not `SAMPLE`."""

SAMPLE = b"00"
"""Allowed by all other syntaxes that are compared: a country has two characters."""

NAMES = frozenset(f"{_SYNTAXES}{number}" for number in (12, 34))
"""Syntaxes whose values are names of entries."""

BINARY = frozenset(f"{_SYNTAXES}{number}" for number in (4, 5, 8, 9, 10, 23, 28, 40, 49))
"""Syntaxes whose values are octets, not texts."""
