"""The `Directory` port over one connection: searches that are complete or fail, writes with many in flight."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import sleep

import pyarrow as pa

from ...ports import Answer, Entry, Operation
from .channel import Channel
from .columns import decode_columns
from .connecting import Target, connect
from .failures import kept_elsewhere, search_failure
from .filter import encode_filter, parse_filter
from .wire import (
    SEARCH_DONE,
    SEARCH_ENTRY,
    SEARCH_REFERENCE,
    Ending,
    Message,
    Scope,
    compare_request,
    control,
    decode_ending,
    decode_entry,
    next_cookie,
    paged,
    search_request,
    write_request,
)
from .writing import Writing

PAGE_ENTRIES = 1_000
ENOUGH = 50
"""So many writes in flight keep a server busy for a moment."""
A_MOMENT = 0.002
"""Seconds."""


@dataclass(frozen=True)
class Ldap3Directory:
    """A `Directory`. A search is read to its end, or given up, before the next begins: servers keep one cursor."""

    target: Target
    channel: Channel

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        """See `Directory`; no attributes: DNs alone."""
        names = {name.lower().encode(): name for name in attributes} | {name.encode(): name for name in attributes}
        for contents in self._pages(base, scope, filter, attributes):
            yield [decode_entry(content, names) for content in contents]

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `Directory`."""
        for contents in self._pages(base, scope, filter, attributes):
            yield decode_columns(contents, attributes)

    def _pages(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[bytes]]:
        """Entries, still encoded. The next page is asked for before this one is decoded."""
        request = search_request(base, scope, encode_filter(parse_filter(filter)), list(attributes) or ["1.1"])
        number: int | None = self._ask(request, b"")
        count = 0
        while number is not None:
            contents, done = self._page(number, base)
            count += len(contents)
            self._check(decode_ending(done.content), base, count)
            cookie = next_cookie(done.controls)
            number = self._ask(request, cookie) if cookie else None
            try:
                yield contents
            except GeneratorExit:
                if number is not None:
                    self.channel.forget(number)
                raise

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        """See `Directory`."""
        posted = [self.channel.post(compare_request(dn, name, value)) for name, value in values.items()]
        self.channel.send(b"".join(data for _, data in posted))
        return {name: self._code(number) for name, (number, _) in zip(values, posted, strict=True)}

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        """See `Directory`. An operation waits for those in flight at the entry above and below its own."""
        self.channel.check()
        return Writing(ChannelWire(self.channel), operations, deadline).answers()

    def close(self) -> None:
        self.channel.close()

    def _ask(self, request: bytes, cookie: bytes) -> int:
        controls = (control(oid, None, critical=True) for oid in self.target.search_controls)
        number, data = self.channel.post(request, paged(PAGE_ENTRIES, cookie), *controls)
        self.channel.send(data)
        return number

    def _page(self, number: int, base: str) -> tuple[list[bytes], Message]:
        """The entries, still encoded, and the message that ends the page."""
        arrived = self.channel.arrived(number)
        while not arrived or arrived[-1].tag != SEARCH_DONE:
            self.channel.receive()
        self.channel.forget(number)
        if any(one.tag == SEARCH_REFERENCE for one in arrived):
            raise kept_elsewhere(self.target, base)
        return [one.content for one in arrived if one.tag == SEARCH_ENTRY], arrived[-1]

    def _code(self, number: int) -> int:
        """How an operation ended that has one answer."""
        arrived = self.channel.arrived(number)
        while not arrived:
            self.channel.receive()
        self.channel.forget(number)
        return decode_ending(arrived[0].content).code

    def _check(self, ending: Ending, base: str, count: int) -> None:
        """Raises for what ends a search but a full result."""
        if ending.code != 0:
            raise search_failure(self.target, ending, base, count)


@dataclass(frozen=True)
class ChannelWire:
    """A `Wire` over a channel."""

    channel: Channel
    waiting: list[int] = field(default_factory=list)

    def post(self, operations: Sequence[Operation], deadline: float) -> list[int]:
        """See `Wire`."""
        posted = [self.channel.post(*write_request(operation)) for operation in operations]
        self.channel.send(b"".join(data for _, data in posted), deadline)
        self.waiting.extend(number for number, _ in posted)
        return [number for number, _ in posted]

    def endings(self, deadline: float) -> list[tuple[int, Ending]]:
        """See `Wire`. Several answers are taken at once where the server has enough to do meanwhile."""
        if len(self.waiting) > ENOUGH:
            sleep(A_MOMENT)
        self.channel.receive(deadline)
        there = [number for number in self.waiting if self.channel.arrived(number)]
        messages = [(number, self.channel.arrived(number)[0]) for number in there]
        for number in there:
            self.waiting.remove(number)
            self.channel.forget(number)
        return [(number, decode_ending(one.content, one.controls)) for number, one in messages]


def open_directory(target: Target) -> Ldap3Directory:
    """Connected and bound. Raises DirectoryError subclasses."""
    return Ldap3Directory(target, connect(target))
