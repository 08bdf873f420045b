"""Values of Active Directory as texts and back: identities, times, references, flags (MS-ADTS 3.1.1.2.2). Pure.

A text gives the same octets again, so that the old value of a compare-and-set is the one that is there.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from unicodedata import combining, normalize
from uuid import UUID

from ..ldap.names import dn_key
from ..ldap.text import squeeze

NEVER = 0x7FFFFFFFFFFFFFFF
TICKS = 10_000_000
"""Of a second, in times since 1601."""

ACCOUNT_FLAGS: Mapping[str, int] = {
    "SCRIPT": 0x1, "ACCOUNTDISABLE": 0x2, "HOMEDIR_REQUIRED": 0x8, "LOCKOUT": 0x10, "PASSWD_NOTREQD": 0x20,
    "PASSWD_CANT_CHANGE": 0x40, "ENCRYPTED_TEXT_PWD_ALLOWED": 0x80, "TEMP_DUPLICATE_ACCOUNT": 0x100,
    "NORMAL_ACCOUNT": 0x200, "INTERDOMAIN_TRUST_ACCOUNT": 0x800, "WORKSTATION_TRUST_ACCOUNT": 0x1000,
    "SERVER_TRUST_ACCOUNT": 0x2000, "DONT_EXPIRE_PASSWORD": 0x10000, "MNS_LOGON_ACCOUNT": 0x20000,
    "SMARTCARD_REQUIRED": 0x40000, "TRUSTED_FOR_DELEGATION": 0x80000, "NOT_DELEGATED": 0x100000,
    "USE_DES_KEY_ONLY": 0x200000, "DONT_REQ_PREAUTH": 0x400000, "PASSWORD_EXPIRED": 0x800000,
    "TRUSTED_TO_AUTH_FOR_DELEGATION": 0x1000000, "PARTIAL_SECRETS_ACCOUNT": 0x4000000,
}  # fmt: skip
"""The bits of userAccountControl, by Microsoft's names."""

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_SID = re.compile(r"S-1-(\d+)((?:-\d+){0,15})", re.IGNORECASE)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(?:Z|\+00:00)?)?")
_WITH_OCTETS = re.compile(r"B:(\d+):([0-9A-Fa-f]*):(.+)", re.DOTALL)
_WITH_TEXT = re.compile(r"S:(\d+):", re.IGNORECASE)
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


def fold(text: str) -> str:
    """Equal texts for what a domain controller takes for the same name: case, accents, width, kinds of kana do not
    count. Windows compares by its own tables; where they are not known this finds rather too much equal than too
    little, which a plan then says."""
    if text.isascii():
        return squeeze(text.lower())
    bare = "".join(one for one in normalize("NFKD", text) if not combining(one))
    return squeeze("".join(map(_hiragana, bare.casefold().translate(_LETTERS))))


def _hiragana(character: str) -> str:
    return chr(ord(character) - 0x60) if "ァ" <= character <= "ヶ" else character


# ---- identities ------------------------------------------------------------------------------------------------------


def guid_text(octets: bytes) -> str:
    """Raises ValueError."""
    return str(UUID(bytes_le=octets))


def guid_octets(text: str) -> bytes:
    """Raises ValueError."""
    return UUID(text).bytes_le


def sid_text(octets: bytes) -> str:
    """`S-1-5-21-…`. Raises ValueError."""
    if len(octets) < 8 or octets[0] != 1 or len(octets) != 8 + 4 * octets[1]:
        raise ValueError("it is no SID")
    parts = [int.from_bytes(octets[at : at + 4], "little") for at in range(8, len(octets), 4)]
    return "-".join(["S-1", str(int.from_bytes(octets[2:8], "big")), *map(str, parts)])


def sid_octets(text: str) -> bytes:
    """Raises ValueError."""
    found = _SID.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no SID; write it as in S-1-5-21-1-2-3-1104")
    parts = [int(part) for part in found[2].split("-")[1:]]
    if any(part > 0xFFFFFFFF for part in parts):
        raise ValueError(f"{text!r} is no SID: a part of it is too large")
    head = bytes((1, len(parts))) + int(found[1]).to_bytes(6, "big")
    return head + b"".join(part.to_bytes(4, "little") for part in parts)


# ---- times -----------------------------------------------------------------------------------------------------------


def filetime_text(octets: bytes) -> str:
    """`2027-01-04T00:00:00Z`, or `never`; what is no time stays a number."""
    number = octets.decode(errors="backslashreplace")
    if number == str(NEVER):
        return "never"
    if not number.isascii() or not number.isdigit() or number == "0":
        return number
    seconds, ticks = divmod(int(number), TICKS)
    try:
        time = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return number
    return f"{time:%Y-%m-%dT%H:%M:%S}{f'.{ticks:07}' if ticks else ''}Z"


def filetime_octets(text: str) -> bytes:
    """A date, a time in UTC, `never` or a number. Raises ValueError."""
    if text.lower() == "never":
        return str(NEVER).encode()
    if re.fullmatch(r"-?\d+", text):
        return text.encode()
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time; write it as in 2027-01-04, 2027-01-04T02:30:00Z or never")
    whole = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00:00'}+00:00") - _EPOCH
    ticks = int((found[3] or "").ljust(7, "0"))
    return str((whole.days * 86_400 + whole.seconds) * TICKS + ticks).encode()


def filetime_form(text: str) -> str:
    """Equal texts for equal times; 0 and the largest number both mean never."""
    number = filetime_octets(text).decode()
    return "never" if number in ("0", str(NEVER)) else number


# ---- references ------------------------------------------------------------------------------------------------------


def reference(text: str) -> str:
    """Equal texts for equal DNs."""
    return dn_key(text, fold)


def reference_with_octets(text: str) -> str:
    """`B:8:00FF00FF:CN=…`: octets and a DN. Raises ValueError."""
    found = _WITH_OCTETS.fullmatch(text)
    if found is None or int(found[1]) != len(found[2]) or len(found[2]) % 2:
        raise ValueError(f"{text!r} is no DN with octets; write it as in B:4:00FF:CN=Ada,DC=corp,DC=example")
    return f"B:{found[1]}:{found[2].upper()}:{reference(found[3])}"


def reference_with_text(text: str) -> str:
    """`S:3:abc:CN=…`: a text and a DN. Raises ValueError."""
    found = _WITH_TEXT.match(text)
    end = found.end() + int(found[1]) if found else 0
    if found is None or text[end : end + 1] != ":":
        raise ValueError(f"{text!r} is no DN with a text; write it as in S:3:abc:CN=Ada,DC=corp,DC=example")
    return f"S:{found[1]}:{text[found.end() : end]}:{reference(text[end + 1 :])}"


# ---- flags and passwords ---------------------------------------------------------------------------------------------


def flag_text(octets: bytes, bit: int) -> str:
    """Raises ValueError."""
    return "TRUE" if int(octets) & bit else "FALSE"


def with_flags(number: int, flags: Mapping[int, bool]) -> int:
    """A number with these bits set and cleared, and the others as they were."""
    for bit, on in flags.items():
        number = number | bit if on else number & ~bit
    return number


def password_octets(password: str) -> bytes:
    """A password as `unicodePwd` takes it (MS-ADTS 3.1.1.3.1.5.1)."""
    return f'"{password}"'.encode("utf-16-le")
