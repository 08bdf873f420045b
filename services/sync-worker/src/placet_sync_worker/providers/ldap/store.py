"""An LDAP directory as an identity store: its schema, its entries page by page, what it keeps from being lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from placet_shared.chain import DestinationIdentity

from ...changes import AttributeChange
from ...errors import InvalidNameError
from ...ports import DN, ID, VERSION, Attribute, Directory, Entry, ObjectType, Safety
from .attributes import Attributes, is_password
from .entries import first_of, one_entry, texts_of
from .errors import InvalidFilterError, NoSuchEntryError, SearchRefusedError
from .filter import Compare, all_of, any_of, attributes_of, parse_filter, render
from .names import LdapNaming, dn_key, escape_filter_value, is_within
from .rights import hidden
from .schema import Schema
from .types import object_type_of
from .wire import ASSERTION, POST_READ

IDS_PER_SEARCH = 100

Now = Mapping[str, tuple[str, ...]]
"""Values by attribute."""


@dataclass(frozen=True)
class RootDse:
    """What the server says about itself."""

    controls: frozenset[str]
    server: str
    subschema: str


@dataclass(frozen=True)
class LdapStore:
    """A `Destination`, and the store that `DirectoryWriter` writes to. `base_id` is the id of the base entry;
    `keeps_references`: the server itself changes references to what is renamed or deleted."""

    url: str
    bind_dn: str
    base_dn: str
    directory: Directory = field(repr=False)
    root: RootDse
    base_id: str
    attributes: Attributes = field(repr=False)
    id_attribute: str = "entryUUID"
    version_attribute: str = "entryCSN"
    unique: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    keeps_references: bool = False

    def identity(self) -> DestinationIdentity:
        return DestinationIdentity(
            url=self.url, bind_dn=self.bind_dn, base_dn=self.base_dn, base_id=self.base_id, server=self.root.server
        )

    def safety(self) -> Safety:
        return "assertion" if ASSERTION in self.root.controls else "value"

    def answers_with_entries(self) -> bool:
        """Whether the answer to a write can show the entry as it left it."""
        return POST_READ in self.root.controls

    def whole(self) -> None:
        """Each entry has its own version."""

    def attribute(self, name: str) -> Attribute:
        """See `Destination`."""
        return self.attributes.named(name)

    @property
    def naming(self) -> LdapNaming:
        return LdapNaming(self.attribute)

    def object_type(self, name: str | None) -> ObjectType:
        return object_type_of(self.attributes.schema, name)

    def default_query(self, kind: ObjectType, keys: Sequence[str]) -> str:
        return f"(&{kind.query}{''.join(f'({name}=*)' for name in keys)})"

    def id_filter(self, id_: str) -> str:
        """Finds the entry with an id."""
        return render(Compare(self.id_attribute, "=", self.encode(self.id_attribute, [id_])[0]))

    def guarded(self, values: Now) -> bool:
        """See `DirectoryStore`: a directory marks no entries as protected."""
        return False

    def address(self, id_: str) -> str | None:
        """How an entry is called in writes; None: by its name."""
        return None

    def on_wire(self, name: str) -> str:
        """The name by which an attribute is asked for."""
        return self.attributes.on_wire(name)

    def composed(self, changes: Sequence[AttributeChange], now: Now) -> Sequence[AttributeChange]:
        """The changes as they travel, `now` being what is there as far as the writer has just looked."""
        return changes

    def encode(self, name: str, values: Sequence[str]) -> tuple[bytes, ...]:
        return self.attributes.encode(name, values)

    def text(self, name: str, value: bytes) -> str:
        return self.attributes.text(name, value)

    def read(self, attributes: Sequence[str], query: str | None, base: str | None = None) -> Iterator[pa.RecordBatch]:
        """See `Destination`. Raises DirectoryError, InvalidFilterError, InvalidNameError, UnknownAttributeError."""
        names = {name: self.attribute(name).name for name in attributes}
        known = [self.on_wire(name) for name in names.values()]
        wanted = list(dict.fromkeys([*known, self.id_attribute, self.version_attribute]))
        asked = query or f"(&{''.join(f'({name}=*)' for name in known) or '(objectClass=*)'})"
        self._check_query(asked)
        for entries in self.directory.columns(self._checked_base(base), "subtree", asked, wanted):
            yield self._page(entries, names)

    def holds(self, dn: str) -> bool:
        """See `Destination`."""
        try:
            return any(self.directory.search(dn, "base", "(objectClass=*)", [self.id_attribute]))
        except NoSuchEntryError:
            return False

    def hidden(self, attributes: Sequence[str], dn: str) -> Sequence[str]:
        """See `Destination`."""
        return hidden(self.directory, self.attributes, attributes, dn)

    def look_up(
        self,
        attributes: Sequence[str],
        query: str | None,
        base: str | None = None,
        *,
        keys: Sequence[Mapping[str, str]] = (),
        ids: Sequence[str] = (),
    ) -> Iterator[pa.RecordBatch]:
        """See `Destination`."""
        wanted = [*map(self._key_filter, keys), *map(self.id_filter, ids)]
        for start in range(0, len(wanted), IDS_PER_SEARCH):
            some = f"(|{''.join(wanted[start : start + IDS_PER_SEARCH])})"
            yield from self.read(attributes, f"(&{query}{some})" if query else some, base)

    def images(self, ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
        """See `Destination`. Passwords are left out."""
        for start in range(0, len(ids), IDS_PER_SEARCH):
            some = self._by_id(ids[start : start + IDS_PER_SEARCH])
            groups = self._groups_of([entry.dn for entry in some.values()])
            for id_, entry in some.items():
                image = {n: tuple(self.text(n, v) for v in values) for n, values in entry.attributes.items() if values}
                image = {name: values for name, values in image.items() if self._in_image(name)}
                if members := groups.get(dn_key(entry.dn)):
                    image["memberOf"] = tuple(members)
                yield id_, image

    def protected(self, dn: str, *, removing: bool) -> bool:
        """See `Destination`: the bind account and, against removal, the base and all that both stand in."""
        if removing:
            return is_within(self.base_dn, dn) or is_within(self.bind_dn, dn)
        return dn_key(dn) == dn_key(self.bind_dn)

    def close(self) -> None:
        self.directory.close()

    # ---- reading ---------------------------------------------------------------------------------------------------

    def _page(self, entries: pa.RecordBatch, names: Mapping[str, str]) -> pa.RecordBatch:
        columns: dict[str, pa.Array] = {
            ID: self._operational(entries, self.id_attribute),
            VERSION: self._operational(entries, self.version_attribute),
            DN: entries.column(DN),
        }
        for asked, name in names.items():
            there = entries.column(self.on_wire(name))
            columns[asked] = pa.ListArray.from_arrays(there.offsets, self._texts(there.values, name))
        return pa.RecordBatch.from_pydict(columns)

    def _texts(self, values: pa.Array, name: str) -> pa.Array:
        """Octets as texts."""
        if self.attributes.plain(name):
            try:
                return values.cast(pa.string())
            except pa.ArrowInvalid:  # some value is no UTF-8
                pass
        return pa.array([self.text(name, value) for value in values.to_pylist()], pa.string())

    def _operational(self, entries: pa.RecordBatch, name: str) -> pa.Array:
        there = entries.column(name)
        if len(there.values) != len(there) or not pc.all(pc.equal(pc.list_value_length(there), 1), min_count=0).as_py():
            raise SearchRefusedError(
                f"{self.url} does not show {name} of each entry to {self.bind_dn}; let the account read it"
            )
        return self._texts(there.values, name)

    def _key_filter(self, key: Mapping[str, str]) -> str:
        """A value is asked for as it is and, since servers refuse `007` for a number, as its syntax writes it."""
        parts = []
        for name, text in key.items():
            decode = self.attribute(name).decode or str
            texts = dict.fromkeys([text, decode(text)])
            same = [Compare(self.on_wire(name), "=", self.encode(name, [one])[0]) for one in texts]
            parts.append(any_of(same))
        return render(all_of(parts))

    def _check_query(self, query: str) -> None:
        """An attribute that the schema lacks matches nothing, silently: all entries would seem to be gone."""
        for name in attributes_of(parse_filter(query)):
            if not self.attributes.knows(name):
                raise InvalidFilterError(f"the filter {query} asks for {name}, which the directory's schema lacks")

    def _checked_base(self, base: str | None) -> str:
        if base is None:
            return self.base_dn
        if not is_within(base, self.base_dn):
            raise InvalidNameError(f"the container {base} is not below base_dn {self.base_dn}; choose one that is")
        return base

    def _by_id(self, ids: Sequence[str]) -> dict[str, Entry]:
        query = "".join(map(self.id_filter, ids))
        wanted = ["*", self.id_attribute]
        return {
            self.text(self.id_attribute, entry.attributes[self.id_attribute][0]): entry
            for page in self.directory.search(self.base_dn, "subtree", f"(|{query})", wanted)
            for entry in page
        }

    def _groups_of(self, dns: Sequence[str]) -> dict[str, list[str]]:
        """The DNs of groups by the keys of the DNs that they name."""
        kinds = [name for name in ("member", "uniqueMember") if self.attributes.knows(name)]
        if not kinds or not dns:
            return {}
        query = "".join(f"({kind}={escape_filter_value(dn)})" for kind in kinds for dn in dns)
        wanted = {dn_key(dn) for dn in dns}
        found: dict[str, list[str]] = {}
        for page in self.directory.search(self.base_dn, "subtree", f"(|{query})", kinds):
            for group in page:
                named = {_lenient_key(value.decode()) for kind in kinds for value in group.attributes.get(kind, ())}
                for key in named & wanted:
                    found.setdefault(key, []).append(group.dn)
        return found

    def _in_image(self, name: str) -> bool:
        return not is_password(name) and name != self.id_attribute


@lru_cache(maxsize=65_536)
def _lenient_key(value: str) -> str:
    try:
        return dn_key(value.partition("#")[0] if value.endswith("B") else value)
    except InvalidNameError:
        return value


def look_around(directory: Directory, base_dn: str, url: str) -> tuple[RootDse, str, Schema]:
    """The root DSE, the id of the base, the schema. Raises DirectoryError."""
    asked = ["supportedControl", "subschemaSubentry", "objectClass", "vendorName", "dsServiceName"]
    root = one_entry(directory, "", asked, url)
    subschema = first_of(root, "subschemaSubentry")
    base = one_entry(directory, base_dn, ["entryUUID"], url)
    if not first_of(base, "entryUUID"):
        raise SearchRefusedError(f"{url} shows no entryUUID of {base_dn}; the account must be able to read it")
    described = one_entry(directory, subschema, ["attributeTypes", "objectClasses"], url, "(objectClass=subschema)")
    schema = Schema.parse(*(texts_of(described, name) for name in ("attributeTypes", "objectClasses")))
    if not schema.attribute_types:
        raise SearchRefusedError(
            f"{url} does not show its schema ({subschema}) to the account; let the account read it"
        )
    return (
        RootDse(frozenset(texts_of(root, "supportedControl")), _server(root), subschema),
        first_of(base, "entryUUID"),
        schema,
    )


def _server(root: Entry) -> str:
    """What the server calls itself, without a version: an update is no other server."""
    if name := first_of(root, "dsServiceName") or first_of(root, "vendorName"):
        return name
    return "OpenLDAP" if "OpenLDAProotDSE" in texts_of(root, "objectClass") else ""
