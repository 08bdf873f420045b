"""How slapd prepares texts before it compares them (RFC 4518, as far as OpenLDAP carries it out). Pure."""

import re
from functools import cache
from unicodedata import ucd_3_2_0

_SPACES = re.compile(" {2,}")


def squeeze(text: str) -> str:
    """Without spaces at both ends, and with one where there were several; a text of spaces alone is one space."""
    squeezed = text.strip(" ")
    if "  " in squeezed:
        squeezed = _SPACES.sub(" ", squeezed)
    return squeezed or (" " if text else "")


def compose(text: str) -> str:
    """Compatible characters made one, as caseExactMatch has it."""
    return text if text.isascii() else ucd_3_2_0.normalize("NFKC", text)


def lower(text: str) -> str:
    """As caseIgnoreMatch has it: each character to one small one, so `Straße` is not `strasse`."""
    if text.isascii():
        return text.lower()
    return ucd_3_2_0.normalize("NFKC", "".join(map(_small, text)))


def fold(text: str) -> str:
    """Equal texts for what caseIgnoreMatch takes for equal."""
    return squeeze(lower(text))


@cache
def _small(character: str) -> str:
    """slapd makes letters small one for one, as far as Unicode 3.2 has both."""
    small = character.lower()[0]
    both = ucd_3_2_0.category(character) in ("Lu", "Lt") and ucd_3_2_0.category(small) != "Cn"
    return small if both else character
