"""Which values that only one entry may have are somebody's by now: asked just before creates."""

from collections.abc import Mapping, Sequence

from placet_shared.chunks import chunks

from ..planning.comparing import lenient
from ..providers.ldap.filter import Compare, render
from ..tasks import Task
from .directory_store import DirectoryStore

VALUES_PER_SEARCH = 100


def taken(store: DirectoryStore, creates: Sequence[Task]) -> Mapping[int, str]:
    """By the tasks' numbers, which of their values another entry has, as planning says it. Raises DirectoryError."""
    known = [store.attribute(name) for name in store.unique]
    forms = {attribute.name: lenient(attribute.fold) for attribute in known}
    wanted = {
        (a.name, forms[a.name](value)): (task.number, value)
        for task in creates
        for a in task.change.attributes
        if a.name in forms and a.name in task.step.attributes
        for value in a.after
    }
    found, asked = {}, [(name, value) for (name, _), (_, value) in wanted.items()]
    for some in chunks(asked, VALUES_PER_SEARCH):
        query = "".join(render(Compare(name, "=", store.encode(name, [value])[0])) for name, value in some)
        for page in store.directory.search(store.base_dn, "subtree", f"(|{query})", list(forms)):
            for entry in page:
                raw = {name.lower(): values for name, values in entry.attributes.items()}
                for name, form in forms.items():
                    for octets in raw.get(name.lower(), ()):
                        if owner := wanted.get((name, form(store.text(name, octets)))):
                            found[owner[0]] = f"{name} still held by {entry.dn}"
    return found
