"""Active Directory as an identity store and as a source: one domain, at one of its domain controllers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import pyarrow as pa

from placet_shared.chain import DestinationIdentity
from placet_shared.objects import ActiveDirectoryProvider

from ...changes import AttributeChange
from ...errors import naming
from ...ports import ID, VERSION, Directory, ObjectType, Page, Safety, Window
from ..ldap.errors import InvalidFilterError, SearchRefusedError
from ..ldap.filter import attributes_of, parse_filter
from ..ldap.names import LdapNaming, dn_key, is_within
from ..ldap.provider import as_records, open_target, target_of, try_store
from ..ldap.store import LdapStore, Now, RootDse
from ..surroundings import Surroundings
from .attributes import ACCOUNT_CONTROL, PASSWORD, AdAttributes
from .controller import DomainController, look_around
from .directory import DOMAIN_SCOPE, AdDirectory
from .protected import GUARDS, is_protected, protected_entries
from .types import DISABLED, object_type_of
from .values import ACCOUNT_FLAGS, fold, with_flags
from .window import Numbers, checked


@dataclass(frozen=True, kw_only=True)
class AdStore(LdapStore):
    """See `LdapStore`. `in_steps`: an account is enabled only after it was added and has a password."""

    attributes: AdAttributes = field(repr=False)
    controller: DomainController
    in_steps: bool = False

    def identity(self) -> DestinationIdentity:
        """The server is one domain controller in one state of its database: after a restore it is another."""
        return super().identity().model_copy(update={"server": self.controller.name})

    def safety(self) -> Safety:
        return "value"

    @property
    def naming(self) -> LdapNaming:
        return LdapNaming(self.attribute, fold)

    def object_type(self, name: str | None) -> ObjectType:
        kind = object_type_of(self.attributes.described, name)
        late = {PASSWORD: (), DISABLED: ("TRUE",)} if self.in_steps and DISABLED in kind.allowed else {}
        return replace(kind, late=late)

    def default_query(self, kind: ObjectType, keys: Sequence[str]) -> str:
        return f"(&{kind.query}{''.join(f'({self.on_wire(name)}=*)' for name in keys)})"

    def address(self, id_: str) -> str:
        return f"<GUID={id_}>"

    def composed(self, changes: Sequence[AttributeChange], now: Now) -> Sequence[AttributeChange]:
        """Flags become one change of the number that they stand in, from what it is now."""
        flags = {bit: on for a in changes if (bit := _bit(a.name)) for on in [a.after == ("TRUE",)]}
        if not flags:
            return changes
        there = now.get(ACCOUNT_CONTROL, ())
        if not there:  # a new account, which nobody may use unless that is said
            flags.setdefault(ACCOUNT_FLAGS["ACCOUNTDISABLE"], True)
        number = with_flags(int(there[0]) if there else 0, flags)
        whole = AttributeChange(ACCOUNT_CONTROL, there, (str(number),))
        return [*(a for a in changes if not _bit(a.name)), whole]

    def protected(self, dn: str, *, removing: bool) -> bool:
        """See `Destination`: also administrators, what the domain was made with and what it cannot do without."""
        key = dn_key(dn, fold)
        if key in self._protected or key == dn_key(self.bind_dn, fold):
            return True
        if not removing:
            return False
        below = is_within(self.base_dn, dn, fold) or is_within(self.bind_dn, dn, fold)
        return below or any(other.endswith(f",{key}") for other in self._protected)

    def hidden(self, attributes: Sequence[str], dn: str) -> Sequence[str]:
        """See `Destination`: a domain controller denies what it hides, whatever it is asked."""
        return ()

    def guarded(self, values: Now) -> bool:
        """See `DirectoryStore`."""
        return is_protected(values, self.controller.domain_sid)

    @cached_property
    def _protected(self) -> frozenset[str]:
        return frozenset(
            dn_key(dn, fold) for dn in protected_entries(self.directory, self.base_dn, self.controller.domain_sid)
        )

    def _check_query(self, query: str) -> None:
        super()._check_query(query)
        for name in attributes_of(parse_filter(query)):
            if (kind := self.attributes.described.attributes.get(name.lower())) and kind.constructed:
                raise InvalidFilterError(
                    f"the filter {query} asks for {name}, which is constructed when it is read and finds nothing"
                )

    def _groups_of(self, dns: Sequence[str]) -> dict[str, list[str]]:
        """Each entry says itself as `memberOf` which groups name it."""
        return {}


def _bit(name: str) -> int | None:
    base, _, flag = name.partition(";")
    return ACCOUNT_FLAGS[flag] if flag and base == ACCOUNT_CONTROL else None


@dataclass(frozen=True)
class AdSource:
    """A `Source` over a store; a record stands where its DN says. Changes go by uSNChanged of its domain controller."""

    store: AdStore

    def default_query(self) -> str:
        return self.store.object_type(None).query

    def columns(self, query: str | None = None) -> None:
        """Any attribute may be asked for."""

    def read(self, columns: Sequence[str], query: str | None, window: Window | None = None) -> Iterator[Page]:
        """See `Source`."""
        asked, stamps = query or self.default_query(), self._stamps
        stamped = checked(window.column) if window else None
        seen: set[str] = set()
        for narrowed in stamps.queries(asked, window, self.store.attributes) if window else [asked]:
            for page in self.store.read(list(columns), narrowed):
                new = page.filter(pa.array([one not in seen for one in page.column(ID).to_pylist()], pa.bool_()))
                if window:
                    seen.update(new.column(ID).to_pylist())
                yield Page(_records(new, stamps, stamped))

    def stamps(self, column: str, query: str | None) -> Numbers:
        """See `Source`."""
        checked(column)
        return self._stamps

    def close(self) -> None:
        self.store.close()

    @property
    def _stamps(self) -> Numbers:
        return Numbers(self.store.controller.invocation, self.store.controller.highest_usn)


def _records(page: pa.RecordBatch, stamps: Numbers, stamped: str | None) -> pa.RecordBatch:
    records = as_records(page)
    if stamped is None or stamped not in records.schema.names:
        return records
    texts = pa.array([stamps.text(int(one)) for one in page.column(VERSION).to_pylist()], pa.string())
    return records.set_column(records.schema.get_field_index(stamped), stamped, texts)


# ---- opening ---------------------------------------------------------------------------------------------------------


def open_ad(settings: ActiveDirectoryProvider, surroundings: Surroundings) -> AdStore:
    """The domain of a provider, bound. Raises DirectoryError or SecretMissingError that names the provider."""
    store = _open(settings, surroundings)
    if store.controller.read_only:
        store.close()
        raise SearchRefusedError(
            f"provider {settings.name}: {store.controller.dns_name} is a read-only domain controller;"
            " set url to one that takes writes"
        )
    return store


def open_ad_source(settings: ActiveDirectoryProvider, surroundings: Surroundings) -> AdSource:
    """See `open_ad`; a read-only domain controller will do."""
    return AdSource(_open(settings, surroundings))


def try_ad(settings: ActiveDirectoryProvider, surroundings: Surroundings) -> list[dict[str, Any]]:
    """See `try_store`."""
    return try_store(settings, surroundings, _target_of, store_over, _found)


def store_over(settings: ActiveDirectoryProvider, directory: Directory) -> AdStore:
    """A store over an open directory, which is closed where that fails."""
    whole = AdDirectory(directory)
    try:
        controller, base_id, schema = look_around(whole, settings.base_dn, settings.url)
    except BaseException:
        directory.close()
        raise
    return AdStore(
        settings.url, settings.bind_dn, settings.base_dn, whole, RootDse(frozenset(), controller.name, ""), base_id,
        id_attribute="objectGUID", version_attribute="uSNChanged", attributes=AdAttributes(schema),
        controller=controller, in_steps=settings.create_in_steps, unique=settings.unique, guards=GUARDS,
        keeps_references=True,
    )  # fmt: skip


def _open(settings: ActiveDirectoryProvider, surroundings: Surroundings) -> AdStore:
    with naming(f"provider {settings.name}"):
        return store_over(settings, open_target(settings, _target_of(settings, surroundings)))


_target_of = partial(target_of, search_controls=(DOMAIN_SCOPE,))


def _found(store: AdStore) -> str:
    return (
        f"found {store.base_dn} and the schema at {store.controller.dns_name};"
        " writes compare the old values, as Active Directory has no assertion control"
    )
