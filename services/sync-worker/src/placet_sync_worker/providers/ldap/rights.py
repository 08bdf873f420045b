"""What a server hides from the account. It does not say so when it is read; a compare (RFC 4511, 4.10) is refused."""

from collections.abc import Sequence

from ...ports import Directory
from .attributes import Attributes
from .words import NO_RIGHT

ALWAYS_READ = "objectClass"


def hidden(directory: Directory, attributes: Attributes, names: Sequence[str], dn: str) -> list[str]:
    """Those of an entry's attributes that the account may not read: the right is looked at before the value.

    Who may not compare the object classes either has no right to compare at all, and what comes when it is read is not
    hidden.
    """
    codes = directory.compare(dn, {name: attributes.sample(name) for name in (ALWAYS_READ, *names)})
    refused = [name for name in names if codes[name] == NO_RIGHT != codes[ALWAYS_READ]]
    pages = directory.search(dn, "base", "(objectClass=*)", refused) if refused else ()
    shown = {name.lower() for page in pages for entry in page for name, some in entry.attributes.items() if some}
    return [name for name in refused if name.lower() not in shown]
