"""The `Directory` port over one connection: searches that are complete or fail, writes with many in flight."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from placet_shared.clock import boot_seconds

from ..ports import Answer, Entry, Operation
from .directory_errors import (
    DirectoryBusyError,
    DirectoryError,
    LimitReachedError,
    NoSuchEntryError,
    SearchRefusedError,
    UnreachableError,
)
from .ldap_channel import Channel
from .ldap_connecting import Target, connect
from .ldap_filter import encode_filter, parse_filter
from .ldap_names import dn_key, split_rdn
from .ldap_wire import (
    SEARCH_DONE,
    SEARCH_ENTRY,
    SEARCH_REFERENCE,
    Ending,
    Message,
    Scope,
    control,
    decode_ending,
    decode_entry,
    next_cookie,
    paged,
    search_request,
    write_request,
)
from .ldap_words import BUSY_CODES, refusal, words_of_code

PAGE_ENTRIES = 1_000
IN_FLIGHT = 100


@dataclass(frozen=True)
class Ldap3Directory:
    """A `Directory`. A search is read to its end, or given up, before the next begins: servers keep one cursor."""

    target: Target
    channel: Channel

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        """See `Directory`; no attributes: DNs alone. The next page is asked for before this one is decoded."""
        request = search_request(base, scope, encode_filter(parse_filter(filter)), list(attributes) or ["1.1"])
        names = {name.lower().encode(): name for name in attributes} | {name.encode(): name for name in attributes}
        number: int | None = self._ask(request, b"")
        count = 0
        while number is not None:
            contents, done = self._page(number, base)
            count += len(contents)
            self._check(decode_ending(done.content), base, count)
            cookie = next_cookie(done.controls)
            number = self._ask(request, cookie) if cookie else None
            try:
                yield _entries(contents, names)
            except GeneratorExit:
                if number is not None:
                    self.channel.forget(number)
                raise

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        """See `Directory`. An operation waits for those in flight at the entry above and below its own."""
        self.channel.check()
        writing = Writing(self.channel, operations, deadline)
        try:
            writing.run()
            why = "the time of the batch was up before it was sent"
        except UnreachableError as error:
            why = str(error)
        return writing.answers(why)

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
            raise SearchRefusedError(
                f"a part of {base} is kept by another server than {self.target.url};"
                " give a base_dn or container without it"
            )
        return [one.content for one in arrived if one.tag == SEARCH_ENTRY], arrived[-1]

    def _check(self, ending: Ending, base: str, count: int) -> None:
        """Raises for what ends a search but a full result."""
        if ending.code != 0:
            raise self._failure(ending, base, count)

    def _failure(self, ending: Ending, base: str, count: int) -> DirectoryError:
        url, said = self.target.url, words_of_code(ending.code, ending.diagnostic)
        limit = {3: "time limit", 4: "size limit", 11: "administrative limit"}.get(ending.code)
        if limit:
            return LimitReachedError(
                f"{url} gave {count} entries below {base} and no more, since its {limit} for {self.target.bind_dn} is"
                f" reached ({said}); raise that limit for this account, or narrow the query"
            )
        if ending.code == 32:
            return NoSuchEntryError(f"{url} has no entry {base}; check base_dn and container, or create it")
        if ending.code == 10:
            where = ", ".join(ending.referrals) or "another server"
            return SearchRefusedError(f"{url} says that {base} is kept at {where}; set the provider's url to it")
        if ending.code in BUSY_CODES:
            return DirectoryBusyError(f"{url} cannot search {base} just now: {said}")
        remedy = "check the query and the account's rights"
        return SearchRefusedError(f"{url} refused the search below {base}: {said}; {remedy}")


@dataclass
class Writing:
    """The operations of one call, on their way."""

    channel: Channel
    operations: Sequence[Operation]
    deadline: float
    _in_flight: dict[int, int] = field(default_factory=dict)
    _endings: dict[int, Ending] = field(default_factory=dict)
    _keys: dict[int, tuple[str, str]] = field(default_factory=dict)
    _sent: int = 0

    def run(self) -> None:
        """Until every operation is answered, or none may be sent any more. Raises UnreachableError."""
        while self._sent < len(self.operations) or self._in_flight:
            if boot_seconds() < self.deadline:
                self._send_some()
            elif not self._in_flight:
                return
            self._receive()

    def answers(self, why: str) -> list[Answer]:
        """One answer each; `why` says what became of the others."""
        return [self._answer(place, why) for place in range(len(self.operations))]

    def _answer(self, place: int, why: str) -> Answer:
        ending = self._endings.get(place)
        if ending is None:
            return Answer(None, why, sent=place < self._sent)
        message = "" if ending.code == 0 else refusal(ending.code, ending.diagnostic)
        return Answer(ending.code, message, diagnostic=ending.diagnostic)

    def _send_some(self) -> None:
        """As many as may be in flight, in one go."""
        burst = []
        while self._sent < len(self.operations) and len(self._in_flight) < IN_FLIGHT:
            operation = self.operations[self._sent]
            keys = _keys(operation.dn)
            if self._related(keys):
                break
            number, data = self.channel.post(*write_request(operation))
            burst.append(data)
            self._in_flight[number], self._keys[number] = self._sent, keys
            self._sent += 1
        if burst:
            self.channel.send(b"".join(burst), self.deadline)

    def _related(self, keys: tuple[str, str]) -> bool:
        own, above = keys
        return any(above == other or own in (other, other_above) for other, other_above in self._keys.values())

    def _receive(self) -> None:
        self.channel.receive(self.deadline)
        for number in [number for number in self._in_flight if self.channel.arrived(number)]:
            self._endings[self._in_flight.pop(number)] = decode_ending(self.channel.arrived(number)[0].content)
            del self._keys[number]
            self.channel.forget(number)


def open_directory(target: Target) -> Ldap3Directory:
    """Connected and bound. Raises DirectoryError subclasses."""
    return Ldap3Directory(target, connect(target))


def _entries(contents: Sequence[bytes], names: Mapping[bytes, str]) -> list[Entry]:
    return [decode_entry(content, names) for content in contents]


def _keys(dn: str) -> tuple[str, str]:
    """The keys of an entry and of the one above it."""
    parent = split_rdn(dn)[1]
    return dn_key(dn), dn_key(parent) if parent else ""
