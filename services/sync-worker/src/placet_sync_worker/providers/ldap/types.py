"""The types of objects that an LDAP directory keeps. Pure."""

from collections.abc import Sequence

from ...errors import UnknownObjectTypeError
from ...ports import ObjectType
from .schema import ObjectClass, Schema

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


def line_of(schema: Schema, name: str) -> list[ObjectClass]:
    """A structural class and those above it, the uppermost first. Raises UnknownObjectTypeError."""
    structural = schema.object_class(name)
    if structural.kind != "structural":
        raise UnknownObjectTypeError(f"the object class {structural.name} is {structural.kind}; name a structural one")
    return schema.superiors(structural)


def attributes_of(schema: Schema, line: Sequence[ObjectClass]) -> tuple[frozenset[str], frozenset[str]]:
    """What entries of these classes must have, and what they may have at all."""
    required = schema.canonical(must for one in line for must in one.must)
    return required, required | schema.canonical(may for one in line for may in one.may)


def object_type_of(schema: Schema, name: str | None) -> ObjectType:
    """A type by its name, with the classes above it. Raises UnknownObjectTypeError."""
    asked = name or DEFAULT
    line = line_of(schema, CLASSES.get(asked, asked))
    required, allowed = attributes_of(schema, line)
    named = [naming for group in (required, allowed) for naming in NAMING if naming in group]
    required -= {"objectClass"}
    return ObjectType(
        given={"objectClass": tuple(one.name for one in line)},
        rdn=named[0] if named else min(required, default="cn"),
        required=required,
        allowed=allowed,
        query=f"(objectClass={line[-1].name})",
        holds=any(one.name.lower() in CONTAINERS for one in line),
    )
