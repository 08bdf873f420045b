"""Result codes as sentences. Pure."""

from ldap3.core.results import RESULT_CODES

from ...ports import Operation
from .attributes import TAKES_PASSWORD

BUSY_CODES = frozenset({51, 52})
CONSTRAINT_VIOLATION = 19
NO_RIGHT = 50

_REMEDIES = {
    19: "give the value that the directory's own rules allow",
    21: "correct the value in the source or its mapping",
    32: "create the container that it is to stand in",
    65: "map the attributes that the object class needs, and no others",
    68: "an entry with this name is there already; rename one of them",
    122: "the entry is as it was planned, so that an overlay of the server refused something else; look at its log",
}


def words_of_code(code: int, diagnostic: str) -> str:
    """What the server said, with the name of its code."""
    name = RESULT_CODES.get(code, "unknown code")
    return f"{diagnostic} ({name}, {code})" if diagnostic else f"{name} ({code})"


def refusal(code: int, diagnostic: str, operation: Operation) -> str:
    """One sentence for a write that was refused, in the server's words."""
    what, remedy = "it", give_right(operation) if code == NO_RIGHT else _REMEDIES.get(code)
    if code == CONSTRAINT_VIOLATION and "password" in diagnostic.lower():  # no code says which rule it was against
        what, remedy = TAKES_PASSWORD, "make the job's passwords longer, or of more classes"
    return f"the directory refused {what}: {words_of_code(code, diagnostic)}" + (f"; {remedy}" if remedy else "")


def give_right(operation: Operation) -> str:
    """The remedy where a right is lacking: servers do not say themselves which."""
    deed = f"{operation.what} {operation.dn}"
    if operation.what == "modify":
        names = dict.fromkeys(part.attribute for part in operation.modifications)
        deed = f"write {', '.join(names)} of {operation.dn}"
    return f"give the bind account the right to {deed}"
