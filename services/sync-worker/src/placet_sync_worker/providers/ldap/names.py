"""Distinguished names (RFC 4514) and values in filters (RFC 4515). Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...errors import InvalidNameError
from ...ports import Attribute
from .text import fold

Form = Callable[[str], str]
"""How values in names are folded."""

_RDN = re.compile(r"((?:[^\\,]|\\.)+)(?:,(.*))?", re.DOTALL)
_PLUS = re.compile(r"(?:[^\\+]|\\.)*", re.DOTALL)
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+")
_ESCAPED = re.compile(r"\\([ \"#+,;<=>\\])|((?:\\[0-9A-Fa-f]{2})+)|\\")
_SPECIAL = re.compile(r"[\"+,;<>\\]")
_BARE = re.compile(r"[\";<>\0]")
_IN_FILTER = re.compile(r"[\\*()\0]")
_IN_KEY = re.compile(r"[\\,+=]")

_FIRST_NAMES = {
    "commonname": "cn", "2.5.4.3": "cn", "surname": "sn", "2.5.4.4": "sn", "localityname": "l", "2.5.4.7": "l",
    "stateorprovincename": "st", "2.5.4.8": "st", "organizationname": "o", "2.5.4.10": "o",
    "organizationalunitname": "ou", "2.5.4.11": "ou", "countryname": "c", "2.5.4.6": "c", "streetaddress": "street",
    "2.5.4.9": "street", "domaincomponent": "dc", "0.9.2342.19200300.100.1.25": "dc", "userid": "uid",
    "0.9.2342.19200300.100.1.1": "uid",
}  # fmt: skip
"""Other names of the types that RFC 4514 lists, in small letters."""


def split_rdn(dn: str) -> tuple[str, str]:
    """The first RDN and the rest, both as they are written; the rest is empty at the top. Raises InvalidNameError."""
    found = _RDN.fullmatch(dn)
    if found is None or found[2] == "":
        raise InvalidNameError(f"{dn!r} is no distinguished name; write it as in cn=Ada,ou=People,dc=example,dc=org")
    return found[1], (found[2] or "").lstrip(" ")


def parse_rdn(rdn: str) -> list[tuple[str, str]]:
    """Attribute types as written, with unescaped values; a multi-valued RDN has several. Raises InvalidNameError."""
    parts, start = [], 0
    while start <= len(rdn):
        found = _PLUS.match(rdn, start)
        assert found is not None
        parts.append(_type_and_value(found[0], rdn))
        start = found.end() + 1
    return parts


def join_rdn(parts: Sequence[tuple[str, str]]) -> str:
    """The RDN of types and values."""
    return "+".join(f"{name}={escape_rdn_value(value)}" for name, value in parts)


def escape_rdn_value(value: str) -> str:
    """A value as it stands in a DN."""
    escaped = _SPECIAL.sub(r"\\\g<0>", value).replace("\0", r"\00")
    if escaped.endswith(" "):
        escaped = escaped[:-1] + r"\ "
    return f"\\{escaped}" if escaped.startswith((" ", "#")) else escaped


def escape_filter_value(value: str) -> str:
    """A value as it stands in a filter."""
    return _IN_FILTER.sub(lambda found: f"\\{ord(found[0]):02x}", value)


def dn_key(dn: str, folding: Form = fold) -> str:
    """Equal texts for equal DNs: RDN by RDN, values with case and spaces folded. Raises InvalidNameError."""
    return dn_keys(dn, folding)[0]


def dn_keys(dn: str, folding: Form = fold) -> tuple[str, str]:
    """The keys of an entry and of the one above it, which is empty at the top. Raises InvalidNameError."""
    rdn, parent = split_rdn(dn)
    if not parent:
        return _rdn_key(rdn, folding), ""
    above = _parent_key(parent, folding)
    return f"{_rdn_key(rdn, folding)},{above}", above


def is_within(dn: str, base: str, folding: Form = fold) -> bool:
    """Whether an entry is the base or stands below it. Raises InvalidNameError."""
    if not base:
        return True
    key, base_key = dn_key(dn, folding), _parent_key(base, folding)
    return key == base_key or key.endswith(f",{base_key}")


@lru_cache(maxsize=4096)
def _parent_key(dn: str, folding: Form) -> str:
    return dn_key(dn, folding)


def _rdn_key(rdn: str, folding: Form) -> str:
    """In a key, `,` and `+` stand between RDNs and their parts alone."""
    parts = [(kind.lower(), folding(value)) for kind, value in parse_rdn(rdn)]
    return "+".join(sorted(f"{_FIRST_NAMES.get(kind, kind)}={_IN_KEY.sub(_as_hex, value)}" for kind, value in parts))


def _as_hex(found: re.Match[str]) -> str:
    return f"\\{ord(found[0]):02x}"


def _type_and_value(part: str, rdn: str) -> tuple[str, str]:
    name, equals, raw = part.partition("=")
    name = name.strip(" ")
    if not equals or not _TYPE.fullmatch(name):
        raise InvalidNameError(f"{rdn!r} is no part of a name: it needs an attribute, `=` and a value")
    return name, _unescaped(raw)


def _unescaped(raw: str) -> str:
    value = raw.lstrip(" ")
    stripped = value.rstrip(" ")
    if stripped != value and (len(stripped) - len(stripped.rstrip("\\"))) % 2:  # the last backslash escapes a space
        stripped += " "
    if stripped.startswith("#"):
        return _from_ber(stripped)
    if found := _BARE.search(_ESCAPED.sub("", stripped)):
        raise InvalidNameError(f"{raw!r} has {found[0]!r} in it; write a backslash before it")
    return _ESCAPED.sub(_one_unescaped, stripped) if "\\" in stripped else stripped


def _one_unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    if not found[2]:
        raise InvalidNameError("a backslash stands before a character that needs none; remove it or double it")
    try:
        return bytes.fromhex(found[2].replace("\\", "")).decode()
    except UnicodeDecodeError as error:
        raise InvalidNameError(f"{found[2]} is not UTF-8") from error


def _from_ber(value: str) -> str:
    """The text of `#04024869`: an octet string or UTF-8 string in BER with a short length; else the value as it is."""
    try:
        octets = bytes.fromhex(value[1:])
        if octets[0] in (0x04, 0x0C, 0x13) and octets[1] == len(octets) - 2 < 0x80:
            return octets[2:].decode()
    except (ValueError, IndexError) as error:
        raise InvalidNameError(f"{value!r} is no value in hexadecimal; write a backslash before the `#`") from error
    return value


@dataclass(frozen=True)
class LdapNaming:
    """A `Naming`. `attribute` looks up types that stand in names; it may raise UnknownAttributeError."""

    attribute: Callable[[str], Attribute]
    folding: Form = fold

    def key(self, name: str) -> str:
        return dn_key(name, self.folding)

    def split(self, name: str) -> tuple[dict[str, str], str]:
        rdn, above = split_rdn(name)
        return {self.attribute(kind).name: value for kind, value in parse_rdn(rdn)}, above

    def join(self, parts: Mapping[str, str], above: str) -> str:
        return f"{join_rdn(list(parts.items()))},{above}"

    def within(self, name: str, above: str) -> bool:
        return is_within(name, above, self.folding)
