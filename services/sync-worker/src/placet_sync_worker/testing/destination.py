"""A directory in memory, as far as planning needs one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from placet_shared.chain import DestinationIdentity

from ..errors import UnknownAttributeError, UnknownObjectTypeError
from ..ports import DN, ID, LISTS, VERSION, Attribute, ObjectType, Safety
from ..providers.ldap.errors import DirectoryBusyError
from ..providers.ldap.names import LdapNaming, dn_key

BASE = "dc=example,dc=org"
PEOPLE = f"ou=People,{BASE}"
PAGE_ENTRIES = 1_000


def fold(text: str) -> str:
    """Case and runs of spaces do not count, as in caseIgnoreMatch."""
    return " ".join(text.split()).lower()


def whole_number(text: str) -> str:
    """The integer syntax: `007` is `7`."""
    return str(int(text))


def distinguished_name(text: str) -> str:
    """The DN syntax: by its RDNs."""
    if "=" not in text:
        raise ValueError("no DN")
    return repr(dn_key(text))


def attribute(name: str, **settings: object) -> Attribute:
    """A text attribute of many values, unless said otherwise."""
    usual = {"single_valued": False, "writable": True, "readable": True, "has_equality": True, "fold": fold}
    return Attribute(name, **{**usual, **settings})  # type: ignore[arg-type]  # a fake's settings by keyword


ATTRIBUTES = (
    *(attribute(name) for name in ("cn", "sn", "givenName", "mail", "title", "ou", "company", "uid", "objectClass")),
    attribute("employeeNumber", single_valued=True),
    attribute("displayName", single_valued=True),
    attribute("employeeType"),
    attribute("roomNumber", single_valued=True, fold=whole_number, decode=whole_number),
    attribute("manager", fold=distinguished_name, decode=distinguished_name, refers=True),
    attribute("member", fold=distinguished_name, decode=distinguished_name, refers=True),
    attribute("jpegPhoto", has_equality=False),
    attribute("entryUUID", single_valued=True, writable=False),
    attribute("userPassword", readable=False, password=True),
    attribute("firstPassword"),
)
ALIASES = {"surname": "sn", "commonname": "cn"}
TYPES = {
    "user": ObjectType(
        given={"objectClass": ("inetOrgPerson",)},
        rdn="cn",
        required=frozenset({"cn", "sn"}),
        allowed=frozenset(a.name for a in ATTRIBUTES) - {"member"},
        query="(objectClass=inetOrgPerson)",
    ),
    "organizational_unit": ObjectType(
        given={"objectClass": ("organizationalUnit",)},
        rdn="ou",
        required=frozenset({"ou"}),
        allowed=frozenset({"objectClass", "ou"}),
        query="(objectClass=organizationalUnit)",
        holds=True,
    ),
}


@dataclass(frozen=True)
class FakeEntry:
    """An entry with its id and version."""

    id: str
    dn: str
    values: Mapping[str, tuple[str, ...]]
    version: str = "1"


@dataclass
class FakeDestination:
    """A `Destination`. It does not look at filters: every query gives all entries below its base."""

    entries: list[FakeEntry] = field(default_factory=list)
    guarded: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    """Names of containers that are not there; any other is."""
    unreadable: frozenset[str] = frozenset()
    """Attributes that are hidden from the account."""
    fails_after: int | None = None
    """Pages after which a read breaks off."""
    queries: list[tuple[str | None, str | None]] = field(default_factory=list)
    looked_up: list[Mapping[str, str] | str] = field(default_factory=list)
    """Keys and ids."""
    closed: bool = False

    def put(self, id_: str, dn: str, /, **values: str | Sequence[str]) -> FakeEntry:
        """One more entry."""
        sets = {name: (given,) if isinstance(given, str) else tuple(given) for name, given in values.items()}
        self.entries.append(FakeEntry(id_, dn, {"objectClass": ("inetOrgPerson",), **sets}))
        return self.entries[-1]

    def identity(self) -> DestinationIdentity:
        return DestinationIdentity(
            url="ldap://fake", bind_dn=f"cn=placet,{BASE}", base_dn=BASE, base_id="base", server="fake"
        )

    def safety(self) -> Safety:
        return "assertion"

    def whole(self) -> None:
        """Each entry has its own version."""

    def attribute(self, name: str) -> Attribute:
        wanted = ALIASES.get(name.lower(), name).lower()
        for one in ATTRIBUTES:
            if one.name.lower() == wanted:
                return one
        raise UnknownAttributeError(f"the schema has no attribute {name}")

    @property
    def naming(self) -> LdapNaming:
        return LdapNaming(self.attribute)

    def default_query(self, kind: ObjectType, keys: Sequence[str]) -> str:
        return f"(&{kind.query}{''.join(f'({name}=*)' for name in keys)})"

    def object_type(self, name: str | None) -> ObjectType:
        try:
            return TYPES[name or "user"]
        except KeyError:
            raise UnknownObjectTypeError(f"there is no object type {name}") from None

    def read(self, attributes: Sequence[str], query: str | None, base: str | None = None) -> Iterator[pa.RecordBatch]:
        self._check_open()
        self.queries.append((query, base))
        found = [entry for entry in self.entries if base is None or _below(entry.dn, base)]
        for number, first in enumerate(range(0, len(found), PAGE_ENTRIES)):
            if number == self.fails_after:
                raise DirectoryBusyError("the connection was cut")
            yield _page(found[first : first + PAGE_ENTRIES], attributes)

    def holds(self, dn: str) -> bool:
        self._check_open()
        return dn not in self.absent

    def hidden(self, attributes: Sequence[str], dn: str) -> Sequence[str]:
        self._check_open()
        return [name for name in attributes if name in self.unreadable]

    def look_up(
        self,
        attributes: Sequence[str],
        query: str | None,
        base: str | None = None,
        *,
        keys: Sequence[Mapping[str, str]] = (),
        ids: Sequence[str] = (),
    ) -> Iterator[pa.RecordBatch]:
        self._check_open()
        self.looked_up += [*keys, *ids]
        found = [
            entry
            for entry in self.entries
            if (base is None or _below(entry.dn, base))
            and (entry.id in ids or any(self._has(entry, key) for key in keys))
        ]
        yield _page(found, attributes)

    def _has(self, entry: FakeEntry, key: Mapping[str, str]) -> bool:
        """By the attributes' matching rules."""
        return all(
            self.attribute(name).fold(text) in map(self.attribute(name).fold, entry.values.get(name, ()))
            for name, text in key.items()
        )

    def images(self, ids: Sequence[str]) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
        self._check_open()
        for entry in self.entries:
            if entry.id in ids:
                groups = tuple(g.dn for g in self.entries if entry.dn in g.values.get("member", ()))
                yield entry.id, {**entry.values, **({"memberOf": groups} if groups else {})}

    def protected(self, dn: str, *, removing: bool) -> bool:
        return dn in self.guarded

    def close(self) -> None:
        self.closed = True

    def _check_open(self) -> None:
        if self.closed:
            raise DirectoryBusyError("it was closed")


def _below(dn: str, base: str) -> bool:
    above = dn_key(base)
    return len(dn_key(dn)) > len(above) and dn_key(dn)[-len(above) :] == above


def _page(entries: Sequence[FakeEntry], attributes: Iterable[str]) -> pa.RecordBatch:
    heads = {ID: [e.id for e in entries], VERSION: [e.version for e in entries], DN: [e.dn for e in entries]}
    columns = {name: pa.array(texts, pa.string()) for name, texts in heads.items()}
    for name in attributes:
        columns[name] = pa.array([list(e.values[name]) if name in e.values else None for e in entries], LISTS)
    return pa.RecordBatch.from_pydict(columns)
