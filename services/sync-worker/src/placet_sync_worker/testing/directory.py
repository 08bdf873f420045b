"""A directory in memory: passes the same contract as a real slapd, and loses answers when told to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pyarrow as pa

from placet_shared.clock import boot_seconds

from ..ports import Answer, Entry, Modification, Operation
from ..providers.ldap.attributes import Attributes
from ..providers.ldap.columns import columns_of
from ..providers.ldap.errors import LimitReachedError, NoSuchEntryError, UnreachableError
from ..providers.ldap.filter import parse_filter
from ..providers.ldap.names import dn_key, is_within, parse_rdn, split_rdn
from ..providers.ldap.schema import Schema
from ..providers.ldap.wire import ASSERTION, PAGED, POST_READ, Scope
from .directory_schema import ATTRIBUTE_TYPES, OBJECT_CLASSES
from .predicate import matches

PAGE_ENTRIES = 1_000
ID, VERSION, ENTRY_DN = "entryUUID", "entryCSN", "entryDN"
SUBSCHEMA = "cn=Subschema"

Values = dict[str, list[bytes]]


class RefusedError(Exception):
    """An operation that ends with a result code."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(words)
        self.code, self.words = code, words


@dataclass
class Stored:
    """One entry, with its values under the schema's first names."""

    dn: str
    values: Values


@dataclass
class FakeServer:
    """What stays when connections go. `answers` False: what is sent is carried out, and no answer comes;
    `hears` False: what is sent gets lost. Both end the connection, as a deadline would. `hidden` are attributes that
    may be written and not read."""

    base_dn: str = "dc=example,dc=org"
    assertions: bool = True
    post_reads: bool = True
    size_limit: int | None = None
    answers: bool = True
    hears: bool = True
    hidden: frozenset[str] = frozenset()
    entries: dict[str, Stored] = field(default_factory=dict)
    writes: list[Operation] = field(default_factory=list)
    attributes: Attributes = field(default_factory=lambda: Attributes(Schema.parse(ATTRIBUTE_TYPES, OBJECT_CLASSES)))

    def __post_init__(self) -> None:
        name = parse_rdn(split_rdn(self.base_dn)[0])[0][1].encode()
        self._put(self.base_dn, {"objectClass": [b"dcObject", b"organization"], "dc": [name], "o": [name]})

    def connect(self) -> "FakeDirectory":
        return FakeDirectory(self)

    # ---- writing -----------------------------------------------------------------------------------------------------

    def carry_out(self, operation: Operation) -> None:
        """Raises RefusedError."""
        if operation.assertion is not None:
            self._assert(operation)
        rules: Mapping[str, Callable[[Operation], None]] = {
            "add": self._add,
            "modify": self._modify,
            "rename": self._rename,
            "delete": self._delete,
        }
        rules[operation.what](operation)
        self.writes.append(operation)

    def after(self, operation: Operation) -> Entry | None:
        """What a write that was just carried out is to show of its entry."""
        if not operation.read or not self.post_reads or operation.what == "delete":
            return None
        parent = split_rdn(operation.dn)[1] if operation.new_superior is None else operation.new_superior
        stored = self._found(operation.dn if operation.new_rdn is None else f"{operation.new_rdn},{parent}")
        return _shown(stored.dn, self._readable(stored), operation.read)

    def _assert(self, operation: Operation) -> None:
        if not self.assertions:
            raise RefusedError(12, "critical control unavailable in context")
        stored = self._found(operation.dn)
        if not self.matches(stored, str(operation.assertion)):
            raise RefusedError(122)

    def _add(self, operation: Operation) -> None:
        if dn_key(operation.dn) in self.entries:
            raise RefusedError(68)
        if dn_key(split_rdn(operation.dn)[1]) not in self.entries:
            raise RefusedError(32)
        values: Values = {}
        parts = [Modification("add", name, some) for name, some in operation.attributes.items()]
        naming = [Modification("add", kind, (value.encode(),)) for kind, value in _naming(operation.dn)]
        for part in parts:
            self._apply(values, part)
        for part in naming:
            if part.values[0] not in values.get(self._name(part.attribute), []):
                self._apply(values, part)
        self._check(values)
        self._put(operation.dn, values)

    def _modify(self, operation: Operation) -> None:
        stored = self._found(operation.dn)
        values = {name: list(some) for name, some in stored.values.items()}
        for part in operation.modifications:
            self._apply(values, part)
        for kind, value in _naming(stored.dn):
            fold = self.attributes.named(kind).fold
            if fold(value) not in [fold(one.decode()) for one in values.get(self._name(kind), [])]:
                raise RefusedError(64, f"value of naming attribute '{kind}' is not present in entry")
        self._check(values)
        self._put(stored.dn, values)

    def _rename(self, operation: Operation) -> None:
        stored = self._found(operation.dn)
        rdn, parent = split_rdn(stored.dn)
        parent = parent if operation.new_superior is None else operation.new_superior
        if dn_key(parent) not in self.entries:
            raise RefusedError(32)
        dn = f"{operation.new_rdn},{parent}"
        if dn_key(dn) != dn_key(stored.dn) and dn_key(dn) in self.entries:
            raise RefusedError(68)
        values = {name: list(some) for name, some in stored.values.items()}
        old = [(self._name(kind), value) for kind, value in parse_rdn(rdn)]
        for kind, value in old:
            fold = self.attributes.named(kind).fold
            values[kind] = [one for one in values[kind] if fold(one.decode()) != fold(value)]
        for kind, value in _naming(dn):
            fold, there = self.attributes.named(kind).fold, values.setdefault(self._name(kind), [])
            if fold(value) not in [fold(one.decode()) for one in there]:
                there.append(value.encode())
        values = {name: some for name, some in values.items() if some}
        self._check(values)
        below = [one for key, one in self.entries.items() if key.endswith("," + dn_key(stored.dn))]
        del self.entries[dn_key(stored.dn)]
        self._put(dn, values)
        for one in below:
            del self.entries[dn_key(one.dn)]
            one.dn = f"{one.dn[: -len(stored.dn)]}{dn}"
            self.entries[dn_key(one.dn)] = one

    def _delete(self, operation: Operation) -> None:
        stored = self._found(operation.dn)
        if any(key.endswith("," + dn_key(stored.dn)) for key in self.entries):
            raise RefusedError(66, "subordinate objects must be deleted first")
        del self.entries[dn_key(stored.dn)]

    def _apply(self, values: Values, part: Modification) -> None:
        """One part of a modify, on a copy of the values."""
        if not self.attributes.knows(part.attribute):
            raise RefusedError(17, f"{part.attribute}: attribute type undefined")
        attribute = self.attributes.named(part.attribute)
        if not attribute.writable:
            raise RefusedError(19, f"{attribute.name}: no user modification allowed")
        there = values.setdefault(attribute.name, [])
        if part.how == "replace" or (part.how == "delete" and not part.values):
            if part.how == "delete" and not there:
                raise RefusedError(16, f"modify/delete: {attribute.name}: no such attribute")
            there[:] = []
        elif not attribute.has_equality and there:
            raise RefusedError(18, f"modify/{part.how}: {attribute.name}: no equality matching rule")
        self._change_values(there, part, attribute.name)
        if not there:
            del values[attribute.name]
        elif attribute.single_valued and len(there) > 1:
            raise RefusedError(19, f"{attribute.name}: multiple values provided")

    def _change_values(self, there: list[bytes], part: Modification, name: str) -> None:
        for value in part.values:
            place = self._place(there, value, name)
            if part.how == "delete":
                if place is None:
                    raise RefusedError(16, f"modify/delete: {name}: no such value")
                del there[place]
            else:
                if place is not None:
                    raise RefusedError(20, f"modify/add: {name}: value #0 already exists")
                self._check_syntax(name, value)
                there.append(value)

    def _check_syntax(self, name: str, value: bytes) -> None:
        attribute = self.attributes.named(name)
        allowed = name != "mail" or value.isascii()
        try:
            (attribute.decode or str)(self.attributes.text(name, value))
        except ValueError:
            allowed = False
        if not allowed or not value:
            raise RefusedError(21, f"{name}: value #0 invalid per syntax")

    def _place(self, there: list[bytes], value: bytes, name: str) -> int | None:
        folded = self._folded(name, value)
        return next((place for place, one in enumerate(there) if self._folded(name, one) == folded), None)

    def _folded(self, name: str, value: bytes) -> str:
        text = self.attributes.text(name, value)
        try:
            return self.attributes.named(name).fold(text)
        except ValueError:
            return text

    def _check(self, values: Values) -> None:
        schema = self.attributes.schema
        known = [schema.object_classes.get(one.decode().lower()) for one in values.get("objectClass", [])]
        classes = [above for one in known if one for above in schema.superiors(one)]
        required = schema.canonical(must for one in classes for must in one.must)
        allowed = required | schema.canonical(may for one in classes for may in one.may) | {ID, VERSION}
        for name in required - values.keys():
            raise RefusedError(65, f"object class requires attribute '{name}'")
        for name in values.keys() - allowed:
            raise RefusedError(65, f"attribute '{name}' not allowed")

    def _put(self, dn: str, values: Values) -> None:
        """Under a new version; a new entry gets its id."""
        known = values.get(ID, [str(uuid4()).encode()])
        values = values | {ID: known, VERSION: [uuid4().hex.encode()]}
        self.entries[dn_key(dn)] = Stored(dn, values)

    def _found(self, dn: str) -> Stored:
        stored = self.entries.get(dn_key(dn))
        if stored is None:
            raise RefusedError(32)
        return stored

    def _name(self, name: str) -> str:
        return self.attributes.named(name).name if self.attributes.knows(name) else name

    # ---- reading -----------------------------------------------------------------------------------------------------

    def matches(self, stored: Stored, filter: str) -> bool:
        def texts(name: str) -> tuple[str, ...]:
            known = self._name(name)
            if known == ENTRY_DN:
                return (stored.dn,)
            return tuple(self.attributes.text(known, value) for value in self._readable(stored).get(known, []))

        def fold(name: str) -> Callable[[str], str]:
            return self.attributes.named(name).fold if self.attributes.knows(name) else str

        return matches(parse_filter(filter), texts, fold)

    def find(self, base: str, scope: Scope, filter: str, names: Sequence[str]) -> list[Entry]:
        """Raises NoSuchEntryError."""
        if base == "":
            known = {PAGED: True, ASSERTION: self.assertions, POST_READ: self.post_reads}
            controls = [oid.encode() for oid, has in known.items() if has]
            return [_shown("", {"supportedControl": controls, "subschemaSubentry": [SUBSCHEMA.encode()]}, names)]
        if base == SUBSCHEMA:
            described = {"attributeTypes": ATTRIBUTE_TYPES, "objectClasses": OBJECT_CLASSES}
            return [
                _shown(SUBSCHEMA, {name: [one.encode() for one in some] for name, some in described.items()}, names)
            ]
        if dn_key(base) not in self.entries:
            raise NoSuchEntryError(f"the fake directory has no entry {base}")
        within = [one for one in self.entries.values() if _in_scope(one.dn, base, scope) and self.matches(one, filter)]
        return [_shown(one.dn, self._readable(one), names) for one in within]

    def compare(self, dn: str, name: str, value: bytes) -> int:
        """Yes or no, as LDAP says it. Raises RefusedError for what is neither."""
        if not self.attributes.knows(name):
            raise RefusedError(17)
        known = self.attributes.named(name)
        if not known.has_equality:
            raise RefusedError(18)
        self._check_syntax(known.name, value)
        stored = self._found(dn)
        if known.name in self.hidden:
            raise RefusedError(50)
        if known.name not in stored.values:
            raise RefusedError(16)
        return 5 if self._place(stored.values[known.name], value, known.name) is None else 6

    def _readable(self, stored: Stored) -> Values:
        return {name: values for name, values in stored.values.items() if name not in self.hidden}


@dataclass
class FakeDirectory:
    """One connection to a fake server."""

    server: FakeServer
    lost: bool = False

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        """See `Directory`."""
        parse_filter(filter)
        self._speak()
        found, limit = self.server.find(base, scope, filter, attributes), self.server.size_limit
        for start in range(0, max(1, len(found)), PAGE_ENTRIES):
            self._speak()
            if limit is not None and len(found) > limit and start + PAGE_ENTRIES > limit:
                raise LimitReachedError(
                    f"the fake directory gave {limit} entries below {base}: its size limit is reached"
                )
            yield found[start : start + PAGE_ENTRIES]

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `Directory`."""
        for page in self.search(base, scope, filter, attributes):
            yield columns_of(page, attributes)

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        """See `Directory`."""
        self._speak()
        return {name: self._compare(dn, name, value) for name, value in values.items()}

    def _compare(self, dn: str, name: str, value: bytes) -> int:
        try:
            return self.server.compare(dn, name, value)
        except RefusedError as refused:
            return refused.code

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        """See `Directory`; all answers that come are there at once."""
        if self.lost:
            raise UnreachableError("the connection to the fake directory was lost; it is opened again")
        if boot_seconds() >= deadline:
            return [Answer(None, "the time was up before it was sent", sent=False) for _ in operations]
        return [self._write(operation) for operation in operations]

    def close(self) -> None:
        self.lost = True

    def _write(self, operation: Operation) -> Answer:
        if not self.server.hears:
            self.lost = True
            return Answer(None, "no answer")
        try:
            self.server.carry_out(operation)
            answer = Answer(0, entry=self.server.after(operation))
        except RefusedError as refused:
            answer = Answer(refused.code, f"the directory refused it: {refused.words or refused.code}")
        if self.server.answers:
            return answer
        self.lost = True
        return Answer(None, "no answer")

    def _speak(self) -> None:
        if self.lost or not (self.server.answers and self.server.hears):
            self.lost = True
            raise UnreachableError("the connection to the fake directory was lost; it is opened again")


def _naming(dn: str) -> list[tuple[str, str]]:
    return parse_rdn(split_rdn(dn)[0])


def _in_scope(dn: str, base: str, scope: Scope) -> bool:
    if scope == "subtree":
        return is_within(dn, base)
    return dn_key(dn if scope == "base" else split_rdn(dn)[1] or "cn=none") == dn_key(base)


def _shown(dn: str, values: Mapping[str, Sequence[bytes]], names: Sequence[str]) -> Entry:
    """The attributes that were asked for, under the names that were asked for."""
    asked = {name.lower(): name for name in names}
    shown = {}
    for name, some in values.items():
        if name.lower() in asked or ("*" in asked and name not in (ID, VERSION)):
            shown[asked.get(name.lower(), name)] = tuple(some)
    return Entry(dn, shown)
