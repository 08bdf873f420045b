"""What no run may touch in a domain: administrators, what it was made with, what it cannot do without."""

from collections.abc import Iterator, Mapping

from ...ports import Directory
from ..ldap.filter import Compare, render
from .values import sid_octets

FIRST_FREE_RID = 1_000
"""Accounts below it came with the domain."""

SIDS_PER_SEARCH = 250
MARKED = "(|(adminCount=1)(isCriticalSystemObject=TRUE))"
GUARDS = ("adminCount", "isCriticalSystemObject", "objectSid")
"""What tells of one entry whether it is protected."""


def is_protected(values: Mapping[str, tuple[str, ...]], domain_sid: str) -> bool:
    """Of an entry with these values of `GUARDS`. Pure."""
    marked, critical, sids = (values.get(name, ()) for name in GUARDS)
    domain, _, rid = (sids[0] if sids else "").rpartition("-")
    return "1" in marked or "TRUE" in critical or (domain == domain_sid and int(rid) < FIRST_FREE_RID)


def protected_entries(directory: Directory, base_dn: str, domain_sid: str) -> Iterator[str]:
    """The DNs of protected entries below a base. A filter cannot say `less than` of a SID: each is asked for."""
    for query in (MARKED, *_built_in(domain_sid)):
        for page in directory.search(base_dn, "subtree", query, []):
            yield from (entry.dn for entry in page)


def _built_in(domain_sid: str) -> Iterator[str]:
    sids = [f"{domain_sid}-{rid}" for rid in range(1, FIRST_FREE_RID)]
    for start in range(0, len(sids), SIDS_PER_SEARCH):
        parts = (render(Compare("objectSid", "=", sid_octets(sid))) for sid in sids[start : start + SIDS_PER_SEARCH])
        yield f"(|{''.join(parts)})"
