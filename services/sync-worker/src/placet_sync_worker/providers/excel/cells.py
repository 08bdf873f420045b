"""Values of spreadsheet cells as text, and text as cells. Pure."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal

Value = str | float | int | bool | date | datetime | time | timedelta | None
Kind = Literal["text", "number", "date", "bool"]

MOST_DIGITS = 1e15
"""A cell keeps 15 digits of a number; an id that is longer has lost its end already."""

LONGEST_CELL = 32_767
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FIRST_SAFE = datetime(1900, 3, 1)
"""Before it the days of the 1900 system are off by one: it has a 29th of February 1900."""


def text_of(value: Value) -> str:
    """What a person takes the value for: whole numbers without a point, dates and times as ISO 8601 says."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return value
        case int() | float():
            return _number(value)
        case datetime():
            return _rounded(value).isoformat()
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case _:
            return value.isoformat()


def kind_of(value: Value) -> Kind | None:
    """What a column is made of; None for nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "date" if isinstance(value, date) else "text"


def as_number(text: str) -> str | None:
    """The text of a number cell that is read back as this text; None where there is none, as for `007`."""
    return text if _NUMBER.fullmatch(text) and text_of(float(text)) == text else None


def as_serial(text: str, *, system_1904: bool) -> str | None:
    """The number of a date or time stamp; None where it is none that a cell keeps."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    epoch = datetime(1904, 1, 1) if system_1904 else datetime(1899, 12, 30)
    if moment.tzinfo is not None or moment < max(_FIRST_SAFE, epoch):
        return None
    days = (moment - epoch) / timedelta(days=1)
    return _number(days) if text == text_of(moment if "T" in text else moment.date()) else None


def form(text: str) -> str:
    """Lines end with a line feed in a cell. Raises ValueError for what a cell cannot hold."""
    if len(text) > LONGEST_CELL or _FORBIDDEN.search(text):
        raise ValueError(f"a cell holds {LONGEST_CELL} characters, and no control characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _number(value: float) -> str:
    if value == int(value) and abs(value) < MOST_DIGITS:
        return str(int(value))
    return format(Decimal(f"{value:.15g}"), "f")


def _rounded(moment: datetime) -> datetime:
    """A time of day is a fraction of a day, which is a little more or less than the second that is meant."""
    return (moment + timedelta(milliseconds=0.5)).replace(microsecond=0) if _near_a_second(moment) else moment


def _near_a_second(moment: datetime) -> bool:
    return moment.microsecond < 500 or moment.microsecond > 999_499
