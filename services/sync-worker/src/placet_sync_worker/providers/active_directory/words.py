"""What a domain controller refuses, as one sentence with the attribute and what to do. Pure.

Its words begin with a code of Windows in hexadecimal, which says more than the result code of LDAP (MS-ERREF 2.2).
"""

import re

from msgspec.structs import replace

from ...ports import Answer, Operation
from ..ldap.words import NO_RIGHT, give_right, words_of_code

_CODE = re.compile(r"([0-9A-F]{8}): ")
_ATTRIBUTE = re.compile(
    r"\bAtt [0-9a-f]+ \(([\w-]+)\)|attribute '([\w-]+)'|samldb: (samaccountname|userprincipalname)\b", re.I
)

PASSWORD, ACCOUNT, PRINCIPAL = "unicodePwd", "sAMAccountName", "userPrincipalName"  # attributes

_CASES: dict[int, tuple[str | None, str]] = {
    0x1F: (PASSWORD, "give passwords over ldaps:// alone, and such as the domain's policy allows"),
    0x524: (ACCOUNT, "another account has it; give each account its own"),
    0x525: (None, "an entry that it refers to is not there; let the other job make it first"),
    0x52D: (PASSWORD, "the domain's password policy does not allow it; make the job's passwords longer"),
    0x2030: (None, "create the unit or container that it is to stand in, or correct the job's container"),
    0x208D: (None, "create the unit or container that it is to stand in, or correct the job's container"),
    0x2082: (None, "shorten the value in the source or its mapping"),
    0x20B5: (None, "an entry that it refers to is not there; let the other job make it first"),
    0x21C7: ("servicePrincipalName", "another entry of the forest has it; give each entry its own"),
    0x21C8: (PRINCIPAL, "another entry of the forest has it; give each entry its own"),
}
"""The attribute at fault, where the code alone tells it, and what to do."""

_TAKEN = "another entry has it; give each entry its own"
_REMEDIES = {
    16: "map attributes that the schema has, and values that are there",
    19: "give the value that the domain's own rules allow",
    20: "map one value to it",
    21: "shorten or correct the value in the source or its mapping",
    53: "look what the domain's rules say about it",
    65: "map the attributes that the object class needs, and no others",
    68: f"an entry with this name or this {ACCOUNT} is there already; rename one of them",
}


def explained(answer: Answer, operation: Operation) -> Answer:
    """The answer with a message for people."""
    if not answer.code:
        return answer
    said = " ".join(answer.diagnostic.split())
    code = _CODE.match(said)
    attribute, remedy = _CASES.get(int(code[1], 16) if code else 0, (None, None))
    attribute = _named(said) or attribute
    if attribute and (answer.code == 68 or "in use" in said):
        remedy = _TAKEN
    if answer.code == NO_RIGHT:
        remedy = give_right(operation)
    remedy = remedy or _REMEDIES.get(answer.code)
    what = _spelled(attribute, operation) if attribute else "it"
    sentence = f"the directory refused {what}: {words_of_code(answer.code, said)}"
    return replace(answer, message=f"{sentence}; {remedy}" if remedy else sentence)


def _named(said: str) -> str | None:
    found = _ATTRIBUTE.search(said)
    return next((group for group in found.groups() if group), None) if found else None


def _spelled(attribute: str, operation: Operation) -> str:
    """As the operation spells it."""
    written = [*operation.attributes, *(part.attribute for part in operation.modifications)]
    return next((name for name in written if name.lower() == attribute.lower()), attribute)
