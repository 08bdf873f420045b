"""The schema of Active Directory, from the entries that describe it (MS-ADTS 3.1.1.2). Pure.

The subschema entry that LDAP prescribes says neither what is constructed or a back-link nor how long a value
may be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...ports import Entry
from ..ldap.schema import AttributeType, Kind, ObjectClass, Schema

ATTRIBUTE_QUERY = "(&(objectClass=attributeSchema)(!(isDefunct=TRUE)))"
CLASS_QUERY = "(&(objectClass=classSchema)(!(isDefunct=TRUE)))"
ASKED_OF_ATTRIBUTES = (
    "lDAPDisplayName", "attributeID", "attributeSyntax", "isSingleValued", "systemOnly", "systemFlags", "linkID",
    "rangeUpper",
)  # fmt: skip
ASKED_OF_CLASSES = (
    "lDAPDisplayName", "governsID", "subClassOf", "objectClassCategory", "auxiliaryClass", "systemAuxiliaryClass",
    "mustContain", "systemMustContain", "mayContain", "systemMayContain", "rDNAttID",
)  # fmt: skip

CONSTRUCTED = 0x4
_KINDS: Mapping[str, Kind] = {"1": "structural", "2": "abstract", "3": "auxiliary"}


@dataclass(frozen=True)
class AdAttributeType:
    """What the domain's own description says besides LDAP's. `longest` is in characters or octets."""

    name: str
    syntax: str
    constructed: bool
    back_link: bool
    longest: int | None


@dataclass(frozen=True)
class AdSchema:
    """The schema as LDAP has it, attributes by their names in small letters, and what names entries of each class."""

    schema: Schema
    attributes: Mapping[str, AdAttributeType]
    naming: Mapping[str, str]


def parse_schema(attributes: Iterable[Entry], classes: Iterable[Entry]) -> AdSchema:
    """From the entries of the schema's naming context."""
    described = list(map(_texts, attributes))
    kinds = [_object_class(one) for one in map(_texts, classes)]
    by_name = {one.name.lower(): one for one, _, _ in kinds}
    complete = [_with_auxiliaries(one, helpers, by_name) for one, helpers, _ in kinds]
    types = list(map(_attribute_type, described))
    own = list(map(_ad_type, described))
    schema = Schema(
        {key.lower(): one for one in types for key in (one.oid, *one.names)},
        {key.lower(): one for one in complete for key in (one.oid, *one.names)},
    )
    naming = {one.name.lower(): rdn for one, _, rdn in kinds if rdn}
    return AdSchema(schema, {one.name.lower(): one for one in own}, naming)


Texts = Mapping[str, tuple[str, ...]]


def _texts(entry: Entry) -> Texts:
    return {name: tuple(value.decode() for value in values) for name, values in entry.attributes.items()}


def _one(entry: Texts, name: str) -> str:
    return next(iter(entry.get(name, ())), "")


def _attribute_type(entry: Texts) -> AttributeType:
    return AttributeType(
        names=(_one(entry, "lDAPDisplayName"),),
        oid=_one(entry, "attributeID"),
        superior=None,
        equality=None,
        syntax=_one(entry, "attributeSyntax"),
        single_valued=_one(entry, "isSingleValued") == "TRUE",
        user_modifiable=_one(entry, "systemOnly") != "TRUE",
    )


def _ad_type(entry: Texts) -> AdAttributeType:
    link, upper = _one(entry, "linkID"), _one(entry, "rangeUpper")
    return AdAttributeType(
        name=_one(entry, "lDAPDisplayName"),
        syntax=_one(entry, "attributeSyntax"),
        constructed=bool(int(_one(entry, "systemFlags") or 0) & CONSTRUCTED),
        back_link=bool(link) and int(link) % 2 == 1,
        longest=int(upper) if upper else None,
    )


def _object_class(entry: Texts) -> tuple[ObjectClass, tuple[str, ...], str]:
    """The class, its auxiliary classes, and what names its entries."""
    name, above = _one(entry, "lDAPDisplayName"), _one(entry, "subClassOf")
    found = ObjectClass(
        names=(name,),
        oid=_one(entry, "governsID"),
        superiors=(above,) if above and above != name else (),
        kind=_KINDS.get(_one(entry, "objectClassCategory"), "structural"),
        must=_both(entry, "mustContain", "systemMustContain"),
        may=_both(entry, "mayContain", "systemMayContain"),
    )
    return found, _both(entry, "auxiliaryClass", "systemAuxiliaryClass"), _one(entry, "rDNAttID")


def _both(entry: Texts, one: str, other: str) -> tuple[str, ...]:
    return (*entry.get(one, ()), *entry.get(other, ()))


def _with_auxiliaries(one: ObjectClass, helpers: Iterable[str], by_name: Mapping[str, ObjectClass]) -> ObjectClass:
    """What its auxiliary classes bring is a class's own here: they are not named among an entry's classes."""
    brought = [by_name[name.lower()] for name in helpers if name.lower() in by_name]
    must = tuple(dict.fromkeys((*one.must, *(name for helper in brought for name in helper.must))))
    may = tuple(dict.fromkeys((*one.may, *(name for helper in brought for name in helper.may))))
    return ObjectClass(one.names, one.oid, one.superiors, one.kind, must, may)
