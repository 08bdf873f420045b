"""Which domain controller answers, what it knows of the domain, and whether it may be relied on."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...ports import Directory, Entry
from ..ldap.entries import first_of, one_entry, texts_of
from ..ldap.errors import DirectoryBusyError, SearchRefusedError
from .schema import ASKED_OF_ATTRIBUTES, ASKED_OF_CLASSES, ATTRIBUTE_QUERY, CLASS_QUERY, AdSchema, parse_schema
from .values import guid_text, sid_text

ACTIVE_DIRECTORY, READ_ONLY = "1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1920"
"""Capabilities."""


@dataclass(frozen=True)
class DomainController:
    """`invocation` names one state of its database, within which numbers of writes only grow; `highest_usn` is the last
    of these when it was opened."""

    dns_name: str
    service: str
    invocation: str
    highest_usn: int
    domain_sid: str
    read_only: bool

    @property
    def name(self) -> str:
        """What a plan is made for, and no other."""
        return f"{self.dns_name} ({self.service}, invocationId {self.invocation})"


def look_around(directory: Directory, base_dn: str, url: str) -> tuple[DomainController, str, AdSchema]:
    """The domain controller, the id of the base, the schema. Raises DirectoryError."""
    root = one_entry(directory, "", _ASKED, url)
    capabilities = texts_of(root, "supportedCapabilities")
    if ACTIVE_DIRECTORY not in capabilities:
        raise SearchRefusedError(f"{url} is no domain controller of Active Directory; write `type: ldap`")
    if first_of(root, "isSynchronized") == "FALSE":
        raise DirectoryBusyError(f"{url} is not in step with the other domain controllers yet; wait, or set another")
    base = _octets(one_entry(directory, base_dn, ["objectGUID"], url), "objectGUID", url)
    controller = DomainController(
        dns_name=first_of(root, "dnsHostName"),
        service=first_of(root, "dsServiceName"),
        invocation=_invocation(directory, first_of(root, "dsServiceName"), url),
        highest_usn=int(first_of(root, "highestCommittedUSN") or 0),
        domain_sid=_domain_sid(directory, first_of(root, "defaultNamingContext"), url),
        read_only=READ_ONLY in capabilities,
    )
    return controller, guid_text(base), _known_schema(directory, root, controller.invocation, url)


_ASKED = (
    "supportedCapabilities", "isSynchronized", "dnsHostName", "dsServiceName", "defaultNamingContext",
    "schemaNamingContext", "subschemaSubentry", "highestCommittedUSN",
)  # fmt: skip


def _invocation(directory: Directory, service: str, url: str) -> str:
    return guid_text(_octets(one_entry(directory, service, ["invocationId"], url), "invocationId", url))


def _domain_sid(directory: Directory, domain_dn: str, url: str) -> str:
    return sid_text(_octets(one_entry(directory, domain_dn, ["objectSid"], url), "objectSid", url))


_known: dict[str, tuple[str, AdSchema]] = {}
"""The schema of each database state that this process has seen, with the time at which it became so."""


def _known_schema(directory: Directory, root: Entry, invocation: str, url: str) -> AdSchema:
    """Read anew where the subschema entry says that it has changed: it is 1,700 entries (MS-ADTS 3.1.1.3.1.1.1)."""
    subschema = one_entry(directory, first_of(root, "subschemaSubentry"), ["modifyTimeStamp"], url)
    since = first_of(subschema, "modifyTimeStamp")
    stamp, known = _known.get(invocation, ("", None))
    if known is None or not since or stamp != since:
        known = _schema(directory, first_of(root, "schemaNamingContext"), url)
        _known[invocation] = (since, known)
    return known


def _schema(directory: Directory, schema_dn: str, url: str) -> AdSchema:
    attributes = _all(directory, schema_dn, ATTRIBUTE_QUERY, ASKED_OF_ATTRIBUTES)
    classes = _all(directory, schema_dn, CLASS_QUERY, ASKED_OF_CLASSES)
    if not attributes or not classes:
        raise SearchRefusedError(
            f"{url} does not show its schema ({schema_dn}) to the account; let the account read it"
        )
    return parse_schema(attributes, classes)


def _all(directory: Directory, base: str, query: str, names: Sequence[str]) -> list[Entry]:
    return [entry for page in directory.search(base, "one", query, names) for entry in page]


def _octets(entry: Entry, name: str, url: str) -> bytes:
    values = entry.attributes.get(name, ())
    if not values:
        raise SearchRefusedError(f"{url} shows no {name} of {entry.dn}; the account must be able to read it")
    return values[0]
