"""What the types of databases hold, as texts: which are allowed, which are equal, what a driver is given. Pure."""

import base64
import math
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any

TRUE, FALSE = frozenset({"true", "t", "yes", "y", "1"}), frozenset({"false", "f", "no", "n", "0"})
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
"""The usual one keeps 28 digits, and exponents of six."""


@dataclass(frozen=True)
class Kind:
    """One type. `parse` gives the value for the driver and raises ValueError for what the type does not hold; `form`
    gives equal texts for equal values (None: the text itself); `longest`: characters of a text."""

    parse: Callable[[str], Any]
    form: Callable[[str], str] | None = None
    longest: int | None = None


def whole(least: int, most: int) -> Kind:
    """Whole numbers of a range."""

    def parse(text: str) -> int:
        if re.fullmatch(r"[+-]?[0-9]{1,40}", text.strip()) is None:
            raise ValueError("it is no whole number")
        if not least <= int(text) <= most:
            raise ValueError(f"the column holds {least} to {most}")
        return int(text)

    return Kind(parse, lambda text: str(parse(text)))


def decimal(precision: int | None, scale: int | None) -> Kind:
    """Exact numbers; a digit more than the column keeps would be rounded away without a word."""

    def parse(text: str) -> Decimal:
        try:
            number = Decimal(text.strip())
        except InvalidOperation as error:
            raise ValueError("it is no number") from error
        if not number.is_finite():
            raise ValueError("it is no number")
        if precision is None:
            _check_size(float(number), may_be_zero=not number)
        else:
            _check_digits(number, precision, scale)
        return number or Decimal(0)

    def form(text: str) -> str:
        return shown_decimal(parse(text))

    return Kind(parse, form)


def _check_size(number: float, *, may_be_zero: bool = True) -> None:
    """That the float which keeps it is near it."""
    if math.isinf(number) or not (number or may_be_zero):
        raise ValueError("it is beyond what the column holds, or nearer to 0; correct the record")


def _check_digits(number: Decimal, precision: int, scale: int | None) -> None:
    _, digits, exponent = number.normalize(_EXACT).as_tuple()
    assert isinstance(exponent, int)
    if -exponent > (scale or 0):
        raise ValueError(f"the column keeps {scale or 0} digits after the point")
    if any(digits) and len(digits) + exponent > precision - (scale or 0):
        raise ValueError(f"the column keeps {precision - (scale or 0)} digits before the point")


def shown_decimal(number: Decimal) -> str:
    """Without an exponent and without zeros at its end; there is one zero."""
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def floating(*, single: bool) -> Kind:
    """Numbers of 64 or 32 bits: texts of the same one are equal."""

    def parse(text: str) -> float:
        try:
            number = float(text)
            kept = float(struct.unpack("f", struct.pack("f", number))[0]) if single else number
        except (ValueError, OverflowError) as error:
            raise ValueError("it is no number that the column holds") from error
        if any(map(str.isdigit, text)):  # `inf` itself is for the database to judge
            _check_size(kept, may_be_zero=not any(digit in "123456789" for digit in text.lower().partition("e")[0]))
        return kept

    return Kind(parse, lambda text: repr(parse(text)))


def _boolean(text: str) -> bool:
    known = text.strip().lower()
    if known not in TRUE | FALSE:
        raise ValueError("it is neither TRUE nor FALSE")
    return known in TRUE


BOOLEAN = Kind(_boolean, lambda text: "TRUE" if _boolean(text) else "FALSE")


def _flag(text: str) -> int:
    known = text.strip().lower()
    return int(known in TRUE) if known in TRUE | FALSE else int(whole(-128, 127).parse(text))


FLAG = Kind(_flag, lambda text: str(_flag(text)))
"""A small number that stands for a truth value, as MySQL has it."""


def _date(text: str) -> date:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError("it is no date such as 2026-01-31") from error
    if found.time() != time() or found.tzinfo is not None:
        raise ValueError("the column keeps a date without a time")
    return found.date()


DATE = Kind(_date, lambda text: _date(text).isoformat())


def timestamp(*, aware: bool, digits: int | None) -> Kind:
    """Dates with times; `digits` of a second are kept (None: 6). An aware one is an instant and needs an offset."""
    step = 10 ** (6 - min(6 if digits is None else digits, 6))

    def parse(text: str) -> datetime:
        try:
            found = datetime.fromisoformat(text.strip())
        except ValueError as error:
            raise ValueError("it is no time such as 2026-01-31T08:30:00") from error
        if aware and found.tzinfo is None:
            raise ValueError("it says no offset; write it as in 2026-01-31T08:30:00+01:00")
        if not aware and found.tzinfo is not None:
            raise ValueError("it has an offset, and the column keeps none")
        found = found.replace(microsecond=found.microsecond // step * step)
        return found.astimezone(UTC) if aware else found

    return Kind(parse, lambda text: shown(parse(text)))


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError("it is no time of day such as 08:30:00") from error


TIME = Kind(_time, lambda text: shown(_time(text)))


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("it is not written in base64") from error


def octets(length: int | None) -> Kind:
    """Bytes, in base64."""

    def parse(text: str) -> bytes:
        found = _octets(text)
        if length is not None and len(found) > length:
            raise ValueError(f"the column holds {length} bytes, and these are {len(found)}")
        return found

    return Kind(parse, lambda text: base64.b64encode(parse(text)).decode())


def words(length: int | None, *, padded: bool = False) -> Kind:
    """Texts, to the letter; blanks at the end of a padded one are no part of it."""
    if length is None:
        return ANYTHING

    def parse(text: str) -> str:
        kept = text.rstrip(" ") if padded else text
        if len(kept) > length:
            raise ValueError(f"the column holds {length} characters, and these are {len(kept)}")
        return kept

    return Kind(parse, parse if padded else None, length)


def one_of(known: Sequence[str]) -> Kind:
    """A list of texts."""

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(f"the column holds one of {', '.join(known)}")
        return text

    return Kind(parse, parse)


ANYTHING = Kind(str)
"""What only the database can judge."""


def shown(value: Any) -> str:
    """A value that a driver gave, as text: numbers without an exponent, and whole ones of a column of floats without a
    point; times in ISO 8601, bytes in base64."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float) and math.isfinite(value):
        return shown_decimal(Decimal(repr(value)))
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, datetime | time):
        return _without_zeros(value.isoformat())
    return value.isoformat() if isinstance(value, date) else str(value)


def _without_zeros(text: str) -> str:
    """Fractions of a second end with a digit that says something."""
    return re.sub(r"(\.\d*?)0+(?!\d)", lambda found: found[1].rstrip("."), text)


def _duration(value: timedelta) -> str:
    sign, micros = ("-", -value) if value < timedelta() else ("", value)
    seconds = micros.days * 86400 + micros.seconds
    whole_seconds = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return _without_zeros(f"{whole_seconds}.{micros.microseconds:06}") if micros.microseconds else whole_seconds
