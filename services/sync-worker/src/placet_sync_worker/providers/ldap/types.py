"""The types of objects that an LDAP directory keeps. Pure."""

from ...errors import UnknownObjectTypeError
from ...ports import ObjectType
from .schema import Schema

DEFAULT = "user"
CLASSES = {
    "user": "inetOrgPerson",
    "group": "groupOfNames",
    "contact": "inetOrgPerson",
    "computer": "device",
    "organizational_unit": "organizationalUnit",
}
"""The structural class of each type; any other name is that of a structural class."""

CONTAINERS = frozenset({"organizationalunit", "organization", "container", "country", "locality", "domain"})
"""Classes of entries that others stand below."""

NAMING = ("cn", "ou", "dc", "o", "uid", "c", "l")
"""What names an entry where its class requires or else allows it: the first of these."""


def object_type_of(schema: Schema, name: str | None) -> ObjectType:
    """A type by its name, with the classes above it. Raises UnknownObjectTypeError."""
    asked = name or DEFAULT
    structural = schema.object_class(CLASSES.get(asked, asked))
    if structural.kind != "structural":
        raise UnknownObjectTypeError(f"the object class {structural.name} is {structural.kind}; name a structural one")
    line = schema.superiors(structural)
    required = schema.canonical(must for one in line for must in one.must)
    allowed = required | schema.canonical(may for one in line for may in one.may)
    named = [naming for group in (required, allowed) for naming in NAMING if naming in group]
    required -= {"objectClass"}
    return ObjectType(
        given={"objectClass": tuple(one.name for one in line)},
        rdn=named[0] if named else min(required, default="cn"),
        required=required,
        allowed=allowed,
        query=f"(objectClass={structural.name})",
        holds=any(one.name.lower() in CONTAINERS for one in line),
    )
