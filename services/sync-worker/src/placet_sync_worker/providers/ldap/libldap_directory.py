"""The `Directory` port by libldap: the same promises as those of the pure-Python driver, and the same words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ldap
import pyarrow as pa
from ldap.controls import RequestControl
from ldap.controls.libldap import SimplePagedResultsControl

from ...ports import DN, OCTETS, Answer, Entry, Operation
from .connecting import Target, connect
from .failures import LIMITS, kept_elsewhere, search_failure
from .filter import parse_filter, render
from .ldap3_directory import PAGE_ENTRIES
from .libldap_channel import LibldapChannel, LibldapWire, ending_of
from .wire import PAGED, Scope
from .writing import Writing

_SCOPES = {"base": ldap.SCOPE_BASE, "one": ldap.SCOPE_ONELEVEL, "subtree": ldap.SCOPE_SUBTREE}

Found = tuple[str | None, Any]
"""A DN and its attributes; None and URLs where a part is kept elsewhere."""


@dataclass(frozen=True)
class LibldapDirectory:
    """A `Directory`. A search is read to its end, or given up, before the next begins: servers keep one cursor."""

    target: Target
    channel: LibldapChannel

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        """See `Directory`; no attributes: DNs alone."""
        names = {name.lower(): name for name in attributes} | {name: name for name in attributes}
        for found in self._pages(base, scope, filter, attributes):
            yield [_entry(dn, values, names) for dn, values in found]

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `Directory`."""
        for found in self._pages(base, scope, filter, attributes):
            spelled = {name.lower(): name for name in set[str]().union(*(values for _, values in found))}
            there = [spelled.get(name.lower(), name) for name in attributes]
            columns = [pa.array([values.get(name, ()) for _, values in found], OCTETS) for name in there]
            names = pa.array([dn for dn, _ in found], pa.string())
            yield pa.RecordBatch.from_arrays([names, *columns], names=[DN, *attributes])

    def _pages(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Found]]:
        asked = (base, _SCOPES[scope], render(parse_filter(filter)), list(attributes) or ["1.1"])
        number: int | None = self._ask(asked, b"")
        count = 0
        while number is not None:
            found, cookie = self._page(number, asked, count)
            count += len(found)
            number = self._ask(asked, cookie) if cookie else None
            try:
                yield found
            except GeneratorExit:
                if number is not None:
                    self.channel.call("abandon_ext", number)
                raise

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        """See `Directory`."""
        sent = {name: self.channel.call("compare_ext", dn, name, value) for name, value in values.items()}
        return {name: self._code(number) for name, number in sent.items()}

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        """See `Directory`. An operation waits for those in flight at the entry above and below its own."""
        self.channel.check()
        return Writing(LibldapWire(self.channel), operations, deadline).answers()

    def close(self) -> None:
        self.channel.close()

    def _ask(self, asked: tuple[Any, ...], cookie: bytes) -> int:
        controls = [SimplePagedResultsControl(False, size=PAGE_ENTRIES, cookie=cookie)]
        controls += [RequestControl(oid, True, None) for oid in self.target.search_controls]
        number: int = self.channel.call("search_ext", *asked, serverctrls=controls)
        return number

    def _page(self, number: int, asked: tuple[Any, ...], count: int) -> tuple[list[Found], bytes]:
        """The entries, and the cookie for the next page."""
        base = asked[0]
        try:
            _, found, _, controls = self.channel.result(number, every=True)
        except ldap.LDAPError as error:
            ending = ending_of(error)
            if ending.code in LIMITS:
                count = self._counted(asked)
            raise search_failure(self.target, ending, base, count) from error
        if any(dn is None for dn, _ in found):
            raise kept_elsewhere(self.target, base)
        cookies = (control.cookie for control in controls if control.controlType == PAGED)
        return found, next(cookies, b"") or b""

    def _code(self, number: int) -> int:
        """How a compare ended: the library raises yes and no, too."""
        try:
            self.channel.result(number, every=True)
        except ldap.LDAPError as error:
            return ending_of(error).code
        return 0

    def _counted(self, asked: tuple[Any, ...]) -> int:
        """How many entries come before a limit. They are asked for again: the library throws away a page that ends with
        one."""
        count, cookie = 0, b""
        while True:
            number = self._ask(asked, cookie)
            while True:
                try:
                    kind, _, _, controls = self.channel.result(number, every=False)
                except ldap.LDAPError:
                    return count
                if kind == ldap.RES_SEARCH_RESULT:
                    break
                count += 1
            cookie = next((control.cookie for control in controls if control.controlType == PAGED), b"") or b""
            if not cookie:
                return count


def _entry(dn: str | None, values: Mapping[str, list[bytes]], names: Mapping[str, str]) -> Entry:
    attributes = {names.get(name) or names.get(name.lower()) or name: tuple(some) for name, some in values.items()}
    return Entry(str(dn), attributes)


def open_libldap(target: Target) -> LibldapDirectory:
    """Connected and bound. Raises DirectoryError subclasses."""
    channel = connect(target)
    return LibldapDirectory(target, LibldapChannel(channel.release(), target.url, target.receive_seconds))
