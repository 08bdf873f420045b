"""The types of objects that a domain keeps. Pure."""

from collections.abc import Mapping

from ...ports import ObjectType
from ..ldap.types import attributes_of, line_of
from .attributes import ACCOUNT_CONTROL, PASSWORD
from .schema import AdSchema
from .values import ACCOUNT_FLAGS

DEFAULT = "user"
CLASSES = {
    "user": "user",
    "group": "group",
    "contact": "contact",
    "computer": "computer",
    "organizational_unit": "organizationalUnit",
}
"""The structural class of each type; any other name is that of a structural class."""

QUERIES = {
    "user": "(&(objectCategory=person)(objectClass=user))",
    "inetOrgPerson": "(&(objectCategory=person)(objectClass=inetOrgPerson))",
    "group": "(objectCategory=group)",
    "contact": "(&(objectCategory=person)(objectClass=contact))",
    "computer": "(objectCategory=computer)",
}
"""What finds entries of a class and not those of classes below it: each computer is a user, too."""

GLOBAL_SECURITY_GROUP = "-2147483646"
CONTAINERS = frozenset({"organizationalunit", "container", "domaindns", "builtindomain"})
MADE_BY_THE_SERVER = frozenset({"objectClass", "objectCategory", "objectSid", "instanceType", "nTSecurityDescriptor"})

_OFF, _ON = ("FALSE",), ("TRUE",)
DISABLED, _NORMAL, _WORKSTATION = (
    f"{ACCOUNT_CONTROL};{flag}" for flag in ("ACCOUNTDISABLE", "NORMAL_ACCOUNT", "WORKSTATION_TRUST_ACCOUNT")
)
_GIVEN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "user": {_NORMAL: _ON, DISABLED: _ON},
    "inetOrgPerson": {_NORMAL: _ON, DISABLED: _ON},
    "computer": {_WORKSTATION: _ON, DISABLED: _OFF},
    "group": {"groupType": (GLOBAL_SECURITY_GROUP,)},
}
"""A new account is enabled only where it gets a password."""


def object_type_of(described: AdSchema, name: str | None) -> ObjectType:
    """A type by its name, with the classes above it. Raises UnknownObjectTypeError."""
    asked, schema = name or DEFAULT, described.schema
    line = line_of(schema, CLASSES.get(asked, asked))
    structural = line[-1]
    required, allowed = attributes_of(schema, line)
    flags = {f"{ACCOUNT_CONTROL};{flag}" for flag in ACCOUNT_FLAGS} if ACCOUNT_CONTROL in allowed else set()
    given = _GIVEN.get(structural.name, {})
    return ObjectType(
        given={"objectClass": tuple(one.name for one in line), **given},
        rdn=next((described.naming[one.name.lower()] for one in reversed(line) if one.name.lower() in described.naming),
                 "cn"),
        required=required - MADE_BY_THE_SERVER - given.keys(),
        allowed=allowed | flags,
        query=QUERIES.get(structural.name, f"(objectClass={structural.name})"),
        holds=any(one.name.lower() in CONTAINERS for one in line),
        given_with={PASSWORD: {DISABLED: _OFF}} if flags else {},
    )  # fmt: skip
