"""The part of BER that LDAP uses (RFC 4511, 5.1): definite lengths, tags of one octet. Pure."""

OCTETS, BOOLEAN, INTEGER, ENUMERATED, SEQUENCE, SET = 0x04, 0x01, 0x02, 0x0A, 0x30, 0x31


def wrap(tag: int, content: bytes) -> bytes:
    """A tag, the length, the content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def octets(value: bytes) -> bytes:
    size = len(value)
    return _SHORT[size] + value if size < 0x80 else wrap(OCTETS, value)


_SHORT = [bytes((OCTETS, size)) for size in range(0x80)]
"""The heads of short octet strings: nearly all that is written to a directory."""


def text(value: str) -> bytes:
    return wrap(OCTETS, value.encode())


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Not negative."""
    return wrap(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value: bool, tag: int = BOOLEAN) -> bytes:
    return wrap(tag, b"\xff" if value else b"\0")


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    return wrap(tag, b"".join(parts))


def bounds(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at `at` starts and ends. Raises IndexError where the length is not there yet."""
    size = data[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    start = at + 2 + (size & 0x7F)
    if start > len(data):
        raise IndexError
    return start, start + int.from_bytes(data[at + 2 : start], "big")


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """The elements that follow each other in some content: tags and contents."""
    found, at = [], 0
    while at < len(data):
        start, end = bounds(data, at)
        found.append((data[at], data[start:end]))
        at = end
    return found
