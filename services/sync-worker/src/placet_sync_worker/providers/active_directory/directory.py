"""A connection to a domain controller: values that come in parts are put together, refusals get words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from msgspec.structs import replace

from ...ports import Answer, Directory, Entry, Operation
from ..ldap.columns import columns_of
from ..ldap.errors import DirectoryBusyError, ProtocolError
from ..ldap.wire import Scope
from .values import guid_text
from .words import explained

DOMAIN_SCOPE = "1.2.840.113556.1.4.1339"
"""The control by which other domains and the configuration are not pointed to: they are not below this base."""

ID, VERSION = "objectGUID", "uSNChanged"
TRIES = 5

_RANGE = re.compile(r"(.+);range=(\d+)-(\d+|\*)", re.IGNORECASE)


@dataclass(frozen=True)
class AdDirectory:
    """A `Directory`. Of an attribute with many values a server gives the first 1,500 alone, the others when asked."""

    directory: Directory

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        """See `Directory`. Entries whose values come in parts are given last: a search is read to its end before the
        next begins."""
        parted: list[Entry] = []
        for page in self.directory.search(base, scope, filter, attributes):
            parted += [entry for entry in page if _ranges(entry)]
            yield [entry for entry in page if not _ranges(entry)]
        for entry in parted:
            yield [self._whole(entry, attributes)]

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `Directory`."""
        for page in self.search(base, scope, filter, attributes):
            yield columns_of(page, attributes)

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        """See `Directory`."""
        return self.directory.compare(dn, values)

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        """See `Directory`."""
        answers = self.directory.write(operations, deadline)
        return [explained(answer, operation) for answer, operation in zip(answers, operations, strict=True)]

    def close(self) -> None:
        self.directory.close()

    def _whole(self, entry: Entry, attributes: Sequence[str]) -> Entry:
        """All values of an entry, read again from the start when somebody wrote to it meanwhile."""
        address = _address(entry)
        for _ in range(TRIES):
            whole = self._continued(entry, address, attributes)
            if whole is not None:
                return whole
            entry = self._one(address, [*attributes, VERSION])
        raise DirectoryBusyError(f"{entry.dn} changes faster than its values can be read; look who writes to it")

    def _continued(self, entry: Entry, address: str, attributes: Sequence[str]) -> Entry | None:
        """None where the entry is another version by now."""
        spelled = {name.lower(): name for name in attributes}
        values = {name: some for name, some in entry.attributes.items() if not _RANGE.fullmatch(name)}
        for name, (first, last) in _ranges(entry).items():
            found = list(first)
            while last is not None:
                part = self._one(address, [f"{name};range={last + 1}-*", VERSION])
                if VERSION in entry.attributes and part.attributes.get(VERSION) != entry.attributes[VERSION]:
                    return None
                more, end = _ranges(part).get(name, ((), None))
                if not more:
                    raise ProtocolError(f"{entry.dn}: the values of {name} after number {last} did not come")
                found += more
                last = end
            values[spelled.get(name.lower(), name)] = tuple(found)
        return replace(entry, attributes=values)

    def _one(self, address: str, attributes: Sequence[str]) -> Entry:
        for page in self.directory.search(address, "base", "(objectClass=*)", attributes):
            for entry in page:
                return entry
        raise DirectoryBusyError(f"{address} went away while its values were read")


def _ranges(entry: Entry) -> Mapping[str, tuple[tuple[bytes, ...], int | None]]:
    """By name, the values of attributes that came in parts, and the number of the last; None: there are no more."""
    found = {}
    for name, values in entry.attributes.items():
        if ";" in name and (parted := _RANGE.fullmatch(name)):
            found[parted[1]] = (values, None if parted[3] == "*" else int(parted[3]))
    return found


def _address(entry: Entry) -> str:
    octets = next(iter(entry.attributes.get(ID, ())), None)
    return f"<GUID={guid_text(octets)}>" if octets else entry.dn
