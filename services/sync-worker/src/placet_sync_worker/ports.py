"""What the worker needs of outside systems. Planning and applying know these and no library."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

import pyarrow as pa
from msgspec import Struct

from placet_shared.chain import DestinationIdentity

from .changes import Rejected
from .stamps import Stamps

RECORD, ID, VERSION, DN = "@record", "@id", "@version", "@dn"
"""Columns of a page besides attributes: where a source record stands (`line 17`); an entry's id, version and DN."""

LISTS = pa.list_(pa.string())
"""The type of a column of values."""

OCTETS = pa.list_(pa.binary())
"""The type of a column of raw values."""

Safety = Literal["assertion", "value", "read_back"]

PASSWORDS = ("password", "passwd")
"""What has one of these in its name is shown to nobody."""


@dataclass(frozen=True)
class Fault:
    """A cell that cannot be read: the row of the page, the column, and why. Its record is rejected; what can be read of
    the record's key protects its entry all the same."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True)
class Page:
    """Some records. Columns are `string` or `list<string>`; null and the empty list mean that there is no value. The
    `rejected` are none of the records: nothing is known of them, not even their keys."""

    records: pa.RecordBatch
    rejected: tuple[Rejected, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Window:
    """Which records a run wants that reads changes alone: those whose time stamp in `column` is at least `since` (a
    text as the source gives it; None: all), and whatever their stamp those with one of `keys` in the columns `key`.
    `older`: of these, the ones alone that are not in the window by their stamps.
    """

    column: str
    since: str | None
    key: tuple[str, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    older: bool = False


class Source(Protocol):
    """Where records come from. `query` is the job's own, or None for the default one."""

    def default_query(self) -> str | None:
        """What `query: null` means, for people; None where there is nothing to say: all of a file."""
        ...

    def columns(self, query: str | None = None) -> Sequence[str] | None:
        """The names that records have, in order; None when any name may be asked for."""
        ...

    def read(self, columns: Sequence[str], query: str | None, window: Window | None = None) -> Iterator[Page]:
        """All records with `@record` and the columns, page by page: complete, or it raises."""
        ...

    def stamps(self, column: str, query: str | None) -> Stamps:
        """How the time stamps in a column compare, by the source's clock as it is now. Raises UnusableJobError where
        they do not tell what has changed."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Attribute:
    """How a destination treats one attribute.

    `fold` gives equal texts for values that the store's matching rule takes for equal; `decode` gives equal texts for
    values that are the same under the attribute's syntax (None: the text itself). Both work on one value and raise
    ValueError where the syntax does not allow it. `longest`: characters that a value may have; `refusal`: why it is not
    writable, after its name; `password`: a password in clear is what the server makes its own of, and gives nobody;
    `refers`: its values are names of entries.
    """

    name: str
    single_valued: bool
    writable: bool
    readable: bool
    has_equality: bool
    fold: Callable[[str], str]
    decode: Callable[[str], str] | None = None
    longest: int | None = None
    refusal: str | None = None
    password: bool = False
    refers: bool = False


@dataclass(frozen=True)
class ObjectType:
    """What an entry of a type is made of: what each new one is given (`objectClass`), the attribute that names it (None
    where nothing does), what else is required and what is allowed. `query` finds all of them; `holds`: others stand
    below them; `given_with`: what else is given where a job writes an attribute; `no_creates`: why none may be made;
    `late`: what a new entry gets in steps of their own after it was added, with what it has until then."""

    given: Mapping[str, tuple[str, ...]]
    rdn: str | None
    required: frozenset[str]
    allowed: frozenset[str]
    query: str
    holds: bool = False
    given_with: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    no_creates: str | None = None
    late: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Naming(Protocol):
    """How a store names its entries. Methods raise InvalidNameError for what is no name there."""

    def key(self, name: str) -> str:
        """Equal texts for equal names."""
        ...

    def split(self, name: str) -> tuple[dict[str, str], str]:
        """The attributes that name an entry, with their values, and the name of what it stands in."""
        ...

    def join(self, parts: Mapping[str, str], above: str) -> str:
        """What `split` takes apart."""
        ...

    def within(self, name: str, above: str) -> bool:
        """Whether an entry is this one or stands below it."""
        ...


class Destination(Protocol):
    """Where entries are kept."""

    def identity(self) -> DestinationIdentity:
        """Which destination this is: compared with the plan's at each bind."""
        ...

    def safety(self) -> Safety: ...

    def whole(self) -> str | None:
        """The version of all that was read, where the store is written as a whole, as a file is: each change is then
        for this version, and a plan is one batch. None where each entry has a version of its own."""
        ...

    def attribute(self, name: str) -> Attribute:
        """Raises UnknownAttributeError where the schema lacks it."""
        ...

    @property
    def naming(self) -> Naming | None:
        """None where entries have no names but their keys: tables, files."""
        ...

    def object_type(self, name: str | None) -> ObjectType:
        """Raises UnknownObjectTypeError."""
        ...

    def default_query(self, kind: ObjectType, keys: Sequence[str]) -> str:
        """Entries of a type that have a key: what `query: null` means."""
        ...

    def read(self, attributes: Sequence[str], query: str | None, base: str | None = None) -> Iterator[pa.RecordBatch]:
        """All matches: `@id`, `@version`, `@dn` (string), attributes (list<string>); complete, or it raises. A query of
        None: every entry of the store that has these attributes."""
        ...

    def holds(self, dn: str) -> bool:
        """Whether an entry has this name; asked only where entries have names."""
        ...

    def hidden(self, attributes: Sequence[str], dn: str) -> Sequence[str]:
        """Those that the account may not read of an entry, as far as the store tells them from what is not there;
        asked only where entries have names."""
        ...

    def look_up(
        self,
        attributes: Sequence[str],
        query: str | None,
        base: str | None = None,
        *,
        keys: Sequence[Mapping[str, str]] = (),
        ids: Sequence[str] = (),
    ) -> Iterator[pa.RecordBatch]:
        """What `read` gives of entries with one of these keys (a text by attribute, compared as the store does) or
        ids: without reading all where the store can do that; perhaps some twice, and perhaps others besides."""
        ...

    def images(self, ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
        """Entries by id, each as far as it can be read: its attributes as text, and as `memberOf` the DNs of the groups
        that name it. An entry that is gone is left out."""
        ...

    def protected(self, dn: str, *, removing: bool) -> bool:
        """True for what no run may touch: the bind account, critical objects; `removing`, also for what these stand
        in."""
        ...

    def close(self) -> None: ...


# ---- tables ----------------------------------------------------------------------------------------------------------

Texts = Mapping[str, tuple[str, ...]]
"""Values by column: one text, or none."""


@dataclass(frozen=True)
class Mark:
    """What names a step for all time."""

    run_id: str
    number: int
    step: int


@dataclass(frozen=True)
class Row:
    """A row as the table gives it. `version` changes with each write to it, where there is such a thing."""

    entry_id: str
    version: str
    values: Texts


@dataclass(frozen=True)
class RowWrite:
    """One row to write, if it is as `before` says. `key` is the new row's, which no other may have; `shown` is what
    people call the entry."""

    what: Literal["insert", "update", "delete"]
    entry_id: str | None
    key: Texts
    before: Texts
    after: Texts
    mark: Mark
    shown: str


@dataclass(frozen=True)
class RowAnswer:
    """How many rows were written: one, or none since they are not as they were; -1: the database does not say.

    `refused` is what the database said, with the column where that is known; `taken`: another row has the key;
    `locked`: somebody holds the row.
    """

    rows: int = 0
    refused: str | None = None
    taken: bool = False
    locked: bool = False


class RowsTransaction(Protocol):
    """A transaction that is open. Raises TransientErrors when it is lost, and then nothing of it was written."""

    def marked(self, marks: Collection[Mark]) -> set[Mark] | None:
        """Which of these steps were written, ever; None where that is not kept."""
        ...

    def with_ids(self, ids: Sequence[str], names: Sequence[str]) -> Iterable[Row]:
        """The rows that have these ids, as they are now."""
        ...

    def with_keys(self, keys: Sequence[Texts], names: Sequence[str]) -> Iterable[Row]:
        """The rows of the whole table that have one of these keys."""
        ...

    def write(self, writes: Sequence[RowWrite]) -> list[RowAnswer]:
        """One answer each, in order. What is refused is undone by itself; the others stay."""
        ...


# ---- directories -----------------------------------------------------------------------------------------------------


class Entry(Struct, frozen=True):
    """An entry as the directory gives it: raw values by attribute name (as asked for, case kept)."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]


class Modification(Struct, frozen=True):
    """Part of a modify: values to add, to delete (none: all), or to put in place."""

    how: Literal["add", "delete", "replace"]
    attribute: str
    values: tuple[bytes, ...] = ()


class Operation(Struct, frozen=True):
    """One LDAP write. `assertion` is a filter that travels as a critical assertion control (RFC 4528); `address` is how
    the entry is called on the wire, where that is not its name; `read` are attributes that the answer is to give of the
    entry as this write leaves it (RFC 4527), which a server that cannot do that ignores."""

    what: Literal["add", "modify", "rename", "delete"]
    dn: str
    attributes: Mapping[str, tuple[bytes, ...]] = MappingProxyType({})
    modifications: tuple[Modification, ...] = ()
    new_rdn: str | None = None
    new_superior: str | None = None
    assertion: str | None = None
    address: str | None = None
    read: tuple[str, ...] = ()


class Answer(Struct, frozen=True):
    """What came back. `code` is the LDAP result code; None when no answer came (`sent`: the request went out).
    `diagnostic` are the server's own words, which `message` has in a sentence; `entry` is what `Operation.read` asked
    for, where the server gave it."""

    code: int | None
    message: str = ""
    sent: bool = True
    diagnostic: str = ""
    entry: Entry | None = None

    @property
    def done(self) -> bool:
        return self.code == 0


class Directory(Protocol):
    """One server, one bound connection. Every method raises DirectoryError subclasses and no library's own."""

    def search(
        self, base: str, scope: Literal["base", "one", "subtree"], filter: str, attributes: Sequence[str]
    ) -> Iterator[list[Entry]]:
        """All matches, page by page: complete, or it raises (a limit, a lost connection, a page that failed)."""
        ...

    def columns(
        self, base: str, scope: Literal["base", "one", "subtree"], filter: str, attributes: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """The same as columns: `@dn` (string), and each attribute as list<binary>, without values where there are none.
        No attribute is named twice."""
        ...

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        """Whether an entry has a value, by attribute: the LDAP result codes, all asked for at once."""
        ...

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        """Sends all, many in flight, and gives one answer each, in order.

        `deadline` is seconds on CLOCK_BOOTTIME. What has no answer then gets `code=None` and the connection is dropped.
        """
        ...

    def close(self) -> None: ...
