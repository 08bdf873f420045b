"""The text of a delimited file: its encoding, and where it breaks it."""

import codecs
import io
from pathlib import Path

CHUNK = 1 << 20

BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""A byte order mark says more surely than a setting what a file is written in. (UTF-32 is not met in the wild.)"""


def encoding_of(path: Path, configured: str) -> str:
    """The codec of a file: as its byte order mark says, else as configured. Raises LookupError for an unknown one."""
    io.TextIOWrapper(io.BytesIO(), encoding=configured)
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for mark, name in BOMS if start.startswith(mark)), configured)


def writing_of(path: Path, encoding: str) -> tuple[str, bytes]:
    """The codec that writes text as a file has it, and the byte order mark that the file begins with."""
    with path.open("rb") as file:
        start = file.read(4)
    mark = next((mark for mark, _ in BOMS if start.startswith(mark)), b"")
    name = codecs.lookup(encoding).name
    if name == "utf-16":
        return ("utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"), mark
    return name.removesuffix("-sig"), mark


def first_bad_byte(path: Path, encoding: str) -> tuple[int, int, int] | None:
    """(line, offset in the file, the byte) of the first byte that the encoding does not know."""
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))()
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    line, fed = 1, 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            held = len(decoder.getstate()[0])
            try:
                line += lines.decode(chunk, final=not chunk).count("\n")
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(error.encoding)
                line += io.IncrementalNewlineDecoder(None, translate=True).decode(before).count("\n")
                return line, fed - held + error.start, error.object[error.start]
            if not chunk:
                return None
            fed += len(chunk)
