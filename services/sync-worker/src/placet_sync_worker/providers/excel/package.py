"""The parts of a workbook of the kind .xlsx (ECMA-376): where sheets stand, how numbers are shown, what else is."""

import posixpath
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

WORKBOOK = "xl/workbook.xml"
LARGEST_PART = 2 << 30
"""Octets of one part when it is unpacked: more is rather an attack than a sheet."""

_SECTION = re.compile(r"0{2,}")

Element = tuple[str, Mapping[str, str]]
"""The name of an element, without its prefix, and its attributes."""


class BrokenPackageError(Exception):
    """The file is no whole workbook."""


@dataclass(frozen=True)
class Package:
    """An open workbook. Raises BrokenPackageError."""

    zip: ZipFile

    @classmethod
    def open(cls, path: Path) -> "Package":
        try:
            return cls(ZipFile(path))
        except BadZipFile as error:
            raise BrokenPackageError(str(error)) from error

    def close(self) -> None:
        self.zip.close()

    def part(self, name: str) -> bytes:
        """The octets of a part."""
        try:
            if self.zip.getinfo(name).file_size > LARGEST_PART:
                raise BrokenPackageError(f"{name} is larger than 2 GiB")
            return self.zip.read(name)
        except (KeyError, BadZipFile, zlib.error, EOFError) as error:
            raise BrokenPackageError(f"{name}: {error}") from error

    def has(self, name: str) -> bool:
        return name in self.zip.NameToInfo

    def sheet(self, name: str) -> str:
        """The part of a sheet."""
        ids = {
            attributes["name"]: next(value for key, value in attributes.items() if key.endswith(":id"))
            for element, attributes in elements(self.part(WORKBOOK))
            if element == "sheet"
        }
        return self.related(WORKBOOK)[ids[name]][1]

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to, by id: the kind, and the part."""
        folder, name = posixpath.split(part)
        relations = posixpath.join(folder, "_rels", f"{name}.rels")
        if not self.has(relations):
            return {}
        found = [attributes for element, attributes in elements(self.part(relations)) if element == "Relationship"]
        inside = [one for one in found if one.get("TargetMode") != "External"]
        return {
            one["Id"]: (
                posixpath.basename(one["Type"]),
                posixpath.normpath(posixpath.join("/", folder, one["Target"]))[1:],
            )
            for one in inside
        }

    @cached_property
    def dates_from_1904(self) -> bool:
        found = (a for element, a in elements(self.part(WORKBOOK)) if element == "workbookPr")
        return any(attributes.get("date1904") in ("1", "true") for attributes in found)

    @cached_property
    def padded(self) -> Mapping[int, int]:
        """The styles that show whole numbers with leading zeros, and with how many digits."""
        styles = next((part for kind, part in self.related(WORKBOOK).values() if kind == "styles"), None)
        if styles is None:
            return {}
        formats, found, within, number = dict[str, str](), dict[int, int](), False, 0
        for element, attributes in elements(self.part(styles)):
            if element == "numFmt":
                formats[attributes["numFmtId"]] = attributes["formatCode"]
            elif element in ("cellXfs", "cellStyles", "dxfs"):
                within = element == "cellXfs"
            elif element == "xf" and within:
                code = formats.get(attributes.get("numFmtId", "0"), "")
                if _SECTION.fullmatch(code):
                    found[number] = len(code)
                number += 1
        return found


def elements(octets: bytes) -> list[Element]:
    """All elements of a small part, in order."""
    found: list[Element] = []
    parser = parser_of()
    parser.StartElementHandler = lambda name, attributes: found.append((name.rpartition(":")[2], attributes))
    parse(parser, octets)
    return found


def parser_of() -> expat.XMLParserType:
    """A parser that takes no document type: with one come entities."""

    def refuse(*_: object) -> None:
        raise BrokenPackageError("it has a document type, which no workbook has")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    return parser


def parse(parser: expat.XMLParserType, octets: bytes) -> None:
    try:
        parser.Parse(octets, True)
    except expat.ExpatError as error:
        raise BrokenPackageError(f"its XML is broken: {error}") from error
