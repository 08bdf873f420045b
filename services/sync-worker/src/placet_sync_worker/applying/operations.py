"""From a planned step to the LDAP operation that does it as a compare-and-set. Pure."""

from collections.abc import Callable

from ..changes import AttributeChange
from ..ports import Attribute, Modification, Operation, Safety
from ..providers.ldap.names import escape_filter_value, split_rdn
from ..tasks import Task

Encode = Callable[[str, tuple[str, ...]], tuple[bytes, ...]]
"""(attribute, values as text) to the octets on the wire."""


def operation(
    task: Task,
    safety: Safety,
    attribute: Callable[[str], Attribute],
    encode: Encode,
    id_filter: str,
    address: str | None = None,
    read: tuple[str, ...] = (),
) -> Operation:
    """The one operation of a step. `id_filter` is the entry's id as a filter, unused for a create; `address` and
    `read` as in `Operation`: Samba renames what is called by its id only when it hears where it is to stand."""
    step, change = task.step, task.change
    assertion = _assertion(task, id_filter) if safety == "assertion" else None
    if step.what == "add":
        values = {a.name: encode(a.name, a.after) for a in change.attributes if a.after and a.name in step.attributes}
        return Operation("add", change.dn, attributes=values, read=read)
    if step.what == "rename":
        rdn, parent = split_rdn(str(step.target))
        moved = parent if address or parent != split_rdn(task.dn)[1] else None
        return Operation(
            "rename", task.dn, new_rdn=rdn, new_superior=moved, assertion=assertion, address=address, read=read
        )
    if step.what == "delete":
        return Operation("delete", task.dn, assertion=assertion, address=address)
    planned = [a for a in change.attributes if a.name in step.attributes]
    parts = tuple(m for a in planned for m in _modifications(a, step.part, attribute(a.name), encode))
    return Operation("modify", task.dn, modifications=parts, assertion=assertion, address=address, read=read)


def _assertion(task: Task, id_filter: str) -> str | None:
    """That the entry of this name is the one that was read, untouched. Overlays of a server (memberof, unique) carry
    the control on to what they do and look at themselves, so that it has to hold for entries of other names."""
    if not id_filter or task.version is None:
        return None
    untouched = f"(&{id_filter}(entryCSN={escape_filter_value(str(task.version))}))"
    return f"(|{untouched}(!(entryDN={escape_filter_value(task.dn)})))"


def _modifications(
    change: AttributeChange, part: tuple[int, int] | None, attribute: Attribute, encode: Encode
) -> list[Modification]:
    """Values to delete and to add; a replace only where the server cannot compare values."""
    if not attribute.has_equality:
        return [Modification("replace", change.name, encode(change.name, change.after))]
    add, remove = change.part(*part) if part else (change.add, change.remove)
    gone, new = encode(change.name, remove), encode(change.name, add)
    deletes = [Modification("delete", change.name, gone)] if gone else []
    return deletes + ([Modification("add", change.name, new)] if new else [])
