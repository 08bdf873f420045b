"""Values of Access columns as text and back, by the type of the column."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ..excel.cells import text_of
from .jackcess import java

WHOLE = {
    "BYTE": (0, 255),
    "INT": (-(2**15), 2**15 - 1),
    "LONG": (-(2**31), 2**31 - 1),
    "BIG_INT": (-(2**63), 2**63 - 1),
}
DECIMAL = {"MONEY", "NUMERIC"}
FLOATING = {"FLOAT", "DOUBLE"}
DATES = {"SHORT_DATE_TIME", "EXT_DATE_TIME"}
TEXTS = {"TEXT", "MEMO"}
KNOWN = frozenset({*WHOLE, *DECIMAL, *FLOATING, *DATES, *TEXTS, "BOOLEAN", "GUID"})
"""Types whose values are texts to us; the others hold octets, or several values."""

_GUID = re.compile(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}")
_YES, _NO = frozenset({"true", "yes", "1", "-1"}), frozenset({"false", "no", "0"})


@dataclass(frozen=True)
class Column:
    """A column of a table. `length` counts characters, `scale` decimal places."""

    name: str
    type: str
    length: int
    scale: int
    writable: bool
    required: bool

    @classmethod
    def of(cls, column: Any) -> "Column":
        kind = str(column.getType())
        return cls(
            name=str(column.getName()),
            type=kind,
            length=int(column.getLengthInUnits()),
            scale=4 if kind == "MONEY" else int(column.getScale()),
            writable=not (column.isAutoNumber() or column.isCalculated()),
            required=bool(column.getProperties().getValue("Required")),
        )

    def text(self, value: Any) -> str:
        """A value of the database as text."""
        if value is None:
            return ""
        if self.type == "BOOLEAN":
            return "TRUE" if value else "FALSE"
        if self.type in WHOLE:
            return str(int(value) & 0xFF if self.type == "BYTE" else int(value))
        if self.type in DECIMAL:
            return _plain(Decimal(str(value.toPlainString())))
        if self.type == "FLOAT":
            return text_of(float(f"{float(value):.7g}"))
        if self.type == "DOUBLE":
            return text_of(float(value))
        return _moment(datetime.fromisoformat(str(value)[:26])) if self.type in DATES else str(value)

    def form(self, text: str) -> str:
        """The text under which a value is read back. Raises ValueError for what the column cannot hold."""
        return self._forms()(text)

    def value(self, text: str) -> Any:
        """What is written for a text that has a form; None for the empty one."""
        if not text:
            return None
        text = self.form(text)
        if self.type == "BOOLEAN":
            return text == "TRUE"
        if self.type in WHOLE:
            return java("java.lang.Long")(int(text))
        if self.type in DECIMAL:
            return java("java.math.BigDecimal")(text)
        if self.type in FLOATING:
            return float(text)
        if self.type in DATES:
            return java("java.time.LocalDateTime").parse(text if "T" in text else f"{text}T00:00")
        return text

    def _forms(self) -> Callable[[str], str]:
        if self.type == "BOOLEAN":
            return _boolean
        if self.type in WHOLE:
            return self._whole
        if self.type in DECIMAL:
            return self._decimal
        if self.type in FLOATING:
            return self._floating
        return {"GUID": _guid, "TEXT": self._short}.get(self.type, _moment_of if self.type in DATES else _as_it_is)

    def _whole(self, text: str) -> str:
        number, (least, most) = int(text), WHOLE[self.type]
        if not least <= number <= most:
            raise ValueError(f"{self.name} holds whole numbers from {least} to {most}")
        return str(number)

    def _decimal(self, text: str) -> str:
        try:
            number = Decimal(text)
            whole = number.is_finite() and number == round(number, self.scale)
        except InvalidOperation as error:
            raise ValueError(f"{self.name} holds numbers such as 12.50") from error
        if not whole:
            raise ValueError(f"{self.name} holds numbers with {self.scale} decimal places")
        return _plain(number)

    def _floating(self, text: str) -> str:
        number = float(text)
        if number in (float("inf"), float("-inf")) or number != number:
            raise ValueError(f"{self.name} holds finite numbers")
        return text_of(float(f"{number:.7g}") if self.type == "FLOAT" else number)

    def _short(self, text: str) -> str:
        if len(text) > self.length:
            raise ValueError(f"{self.name} holds {self.length} characters")
        return text


def _as_it_is(text: str) -> str:
    return text


def _boolean(text: str) -> str:
    if text.lower() not in _YES | _NO:
        raise ValueError("write TRUE or FALSE")
    return "TRUE" if text.lower() in _YES else "FALSE"


def _guid(text: str) -> str:
    wanted = "{" + text.strip("{}").upper() + "}"
    if not _GUID.fullmatch(wanted):
        raise ValueError("write a GUID such as {01234567-89AB-CDEF-0123-456789ABCDEF}")
    return wanted


def _moment_of(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None or moment.year < 100:
        raise ValueError("write a date such as 2024-01-31 or 2024-01-31T08:30:00, without a zone")
    return _moment(moment)


def _moment(moment: datetime) -> str:
    whole = moment.replace(microsecond=0)
    return whole.date().isoformat() if whole.time() == datetime.min.time() else whole.isoformat()


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
