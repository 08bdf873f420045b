"""Single entries, as a directory is looked at before it is used."""

from collections.abc import Sequence

from ...ports import Directory, Entry
from .errors import NoSuchEntryError


def one_entry(directory: Directory, dn: str, names: Sequence[str], url: str, query: str = "(objectClass=*)") -> Entry:
    """The entry of a name. Raises NoSuchEntryError that says what to do."""
    for page in directory.search(dn, "base", query, names):
        for entry in page:
            return entry
    raise NoSuchEntryError(f"{url} does not show {dn or 'its root DSE'} to the account; let the account read it")


def texts_of(entry: Entry, name: str) -> list[str]:
    """The values of an attribute."""
    return [value.decode(errors="replace") for value in entry.attributes.get(name, ())]


def first_of(entry: Entry, name: str) -> str:
    """The first of them, or the empty text."""
    return next(iter(texts_of(entry, name)), "")
