"""LDAP messages (RFC 4511) to octets and back. Pure.

ldap3 connects and binds, but its messages cost many times what these cost, and do not say whether they were sent.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from ...ports import Entry, Modification, Operation
from . import ber
from .filter import encode_filter, parse_filter

ASSERTION, PAGED, POST_READ = "1.3.6.1.1.12", "1.2.840.113556.1.4.319", "1.3.6.1.1.13.2"
SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE, EXTENDED = 0x64, 0x65, 0x73, 0x78
UNBIND = b"\x42\x00"

Scope = Literal["base", "one", "subtree"]
_SCOPES = {"base": 0, "one": 1, "subtree": 2}
_HOW = {"add": 0, "delete": 1, "replace": 2}


class Message(Struct, frozen=True):
    """A message from the server: `tag` says what it is, `content` and `controls` are still encoded."""

    id: int
    tag: int
    content: bytes
    controls: bytes


class Ending(Struct, frozen=True):
    """How an operation ended (LDAPResult). `referrals` are URLs; `entry` is what a post-read control gave."""

    code: int
    matched: str
    diagnostic: str
    referrals: tuple[str, ...]
    entry: Entry | None = None


# ---- to the server -------------------------------------------------------------------------------------------------


def message(number: int, request: bytes, *controls: bytes) -> bytes:
    """A request with its number, ready to send."""
    return ber.sequence(ber.integer(number), request, *([ber.sequence(*controls, tag=0xA0)] if controls else []))


def control(oid: str, value: bytes | None, *, critical: bool) -> bytes:
    parts = [ber.text(oid), *([ber.boolean(True)] if critical else []), *([] if value is None else [ber.octets(value)])]
    return ber.sequence(*parts)


def paged(size: int, cookie: bytes) -> bytes:
    """Asks for a page (RFC 2696). Not critical: a server that does not know it gives everything at once."""
    return control(PAGED, ber.sequence(ber.integer(size), ber.octets(cookie)), critical=False)


def search_request(base: str, scope: Scope, found: bytes, attributes: Sequence[str]) -> bytes:
    """`found` is an encoded filter. No alias is followed; no limits of ours."""
    return ber.sequence(
        ber.text(base),
        ber.integer(_SCOPES[scope], ber.ENUMERATED),
        ber.integer(0, ber.ENUMERATED),
        ber.integer(0),
        ber.integer(0),
        ber.boolean(False),
        found,
        ber.sequence(*map(ber.text, attributes)),
        tag=0x63,
    )


def compare_request(dn: str, name: str, value: bytes) -> bytes:
    """Asks whether an attribute of an entry has a value."""
    return ber.sequence(ber.text(dn), ber.sequence(_name(name), ber.octets(value)), tag=0x6E)


def write_request(operation: Operation) -> tuple[bytes, ...]:
    """The request and its controls. A rename drops the old name's value."""
    controls = [control(oid, value, critical=oid == ASSERTION) for oid, value in write_controls(operation)]
    name = operation.address or operation.dn
    dn = ber.text(name)
    match operation.what:
        case "add":
            values = [_attribute(name, some) for name, some in operation.attributes.items() if some]
            return (ber.sequence(dn, ber.sequence(*values), tag=0x68), *controls)
        case "modify":
            return (ber.sequence(dn, ber.sequence(*map(_modification, operation.modifications)), tag=0x66), *controls)
        case "rename":
            superior = [] if operation.new_superior is None else [ber.wrap(0x80, operation.new_superior.encode())]
            return (
                ber.sequence(dn, ber.text(operation.new_rdn or ""), ber.boolean(True), *superior, tag=0x6C),
                *controls,
            )
        case "delete":
            return (ber.wrap(0x4A, name.encode()), *controls)


def write_controls(operation: Operation) -> list[tuple[str, bytes]]:
    """What travels with a write: control and value. The assertion is critical."""
    controls = []
    if operation.assertion is not None:
        controls.append((ASSERTION, encode_filter(parse_filter(operation.assertion))))
    if operation.read:
        controls.append((POST_READ, _names(operation.read)))
    return controls


@lru_cache(maxsize=64)
def _names(names: tuple[str, ...]) -> bytes:
    return ber.sequence(*map(ber.text, names))


def _attribute(name: str, values: Sequence[bytes]) -> bytes:
    return ber.wrap(ber.SEQUENCE, _name(name) + ber.wrap(ber.SET, b"".join([ber.octets(value) for value in values])))


@lru_cache(maxsize=1024)
def _name(name: str) -> bytes:
    return ber.text(name)


def _modification(modification: Modification) -> bytes:
    how = ber.integer(_HOW[modification.how], ber.ENUMERATED)
    return ber.sequence(how, _attribute(modification.attribute, modification.values))


# ---- from the server -----------------------------------------------------------------------------------------------


class Messages:
    """Puts messages together from what the socket gives."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are complete now. Raises ValueError where it is no LDAP."""
        data = self._rest + data if self._rest else data
        found, at, size = [], 0, len(data)
        while size - at > 1:
            if data[at] != ber.SEQUENCE:
                raise ValueError("no LDAP message")
            try:
                start, end = ber.bounds(data, at)
            except IndexError:
                break
            if end > size:
                break
            found.append(_message(data, start, end))
            at = end
        self._rest = data[at:]
        return found


def _message(data: bytes, at: int, end: int) -> Message:
    try:
        start, after = ber.bounds(data, at)
        number = int.from_bytes(data[start:after], "big")
        tag = data[after]
        start, stop = ber.bounds(data, after)
    except IndexError as error:
        raise ValueError("no LDAP message") from error
    if stop > end:
        raise ValueError("no LDAP message")
    return Message(number, tag, data[start:stop], data[stop:end])


def decode_entry(content: bytes, names: Mapping[bytes, str]) -> Entry:
    """An entry; `names` gives attribute names by the server's spelling in small letters.

    Inlined by hand, since nearly all time of a large read is spent here.
    """
    start, at = ber.bounds(content, 0)
    dn = content[start:at].decode()
    at, end = ber.bounds(content, at)
    attributes: dict[str, tuple[bytes, ...]] = {}
    while at < end:
        at = at + 2 if content[at + 1] < 0x80 else ber.bounds(content, at)[0]
        start = at + 2
        at = start + content[at + 1]
        raw = content[start:at]
        start, at = ber.bounds(content, at)
        values = []
        while start < at:
            size = content[start + 1]
            if size < 0x80:
                stop = start + 2 + size
                values.append(content[start + 2 : stop])
            else:
                first, stop = ber.bounds(content, start)
                values.append(content[first:stop])
            start = stop
        attributes[names.get(raw) or names.get(raw.lower()) or raw.decode()] = tuple(values)
    return Entry(dn, attributes)


def decode_ending(content: bytes, controls: bytes = b"") -> Ending:
    """How an operation ended. Raises ValueError where it is no LDAPResult."""
    entry = read_entry(control_value(controls, POST_READ)) if controls else None
    if content == SUCCESS:
        return Ending(0, "", "", (), entry)
    parts = ber.elements(content)
    if len(parts) < 3:
        raise ValueError("no LDAP result")
    referrals = next((ber.elements(value) for tag, value in parts[3:] if tag == 0xA3), [])
    code, matched, diagnostic = (value for _, value in parts[:3])
    urls = tuple(url.decode(errors="replace") for _, url in referrals)
    words = diagnostic.decode(errors="replace").strip("\0")
    return Ending(int.from_bytes(code, "big"), matched.decode(), words, urls, entry)


SUCCESS = bytes((ber.ENUMERATED, 1, 0, ber.OCTETS, 0, ber.OCTETS, 0))
"""The result of what simply worked, as nearly all servers write it."""


def read_entry(value: bytes | None) -> Entry | None:
    """The entry of a post-read control, with attributes named as the server spells them."""
    if not value:
        return None
    start, end = ber.bounds(value, 0)
    return decode_entry(value[start:end], {})


def next_cookie(controls: bytes) -> bytes:
    """The cookie of a page's control: empty at the last page, and where the server gives no pages."""
    value = control_value(controls, PAGED)
    return b"" if value is None else ber.elements(ber.elements(value)[0][1])[1][1]


def control_value(controls: bytes, wanted: str) -> bytes | None:
    """The value of one of a message's controls; None where it is not there, or has none."""
    for _, listed in ber.elements(controls):
        for _, one in ber.elements(listed):
            (_, oid), *rest = ber.elements(one)
            if oid == wanted.encode():
                return next((value for tag, value in rest if tag == ber.OCTETS), None)
    return None
