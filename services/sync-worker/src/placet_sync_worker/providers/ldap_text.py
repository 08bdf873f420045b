"""How slapd prepares texts before it compares them (RFC 4518, as far as OpenLDAP carries it out). Pure."""

import re
from unicodedata import normalize

_SPACES = re.compile(" {2,}")


def squeeze(text: str) -> str:
    """Without spaces at both ends, and with one where there were several; a text of spaces alone is one space."""
    squeezed = text.strip(" ")
    if "  " in squeezed:
        squeezed = _SPACES.sub(" ", squeezed)
    return squeezed or (" " if text else "")


def compose(text: str) -> str:
    """Compatible characters made one, as caseExactMatch has it."""
    return text if text.isascii() else normalize("NFKC", text)


def lower(text: str) -> str:
    """As caseIgnoreMatch has it: each character to one small one, so `Straße` is not `strasse`."""
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFKD", text).replace("Σ", "σ").lower())


def fold(text: str) -> str:
    """Equal texts for what caseIgnoreMatch takes for equal."""
    return squeeze(lower(text))
