"""The schema of Active Directory: what may be written, what types are made of, how flags and changes are asked for."""

import pytest

from placet_sync_worker.errors import UnknownAttributeError, UnknownObjectTypeError
from placet_sync_worker.ports import Entry, Window
from placet_sync_worker.providers.active_directory.attributes import AdAttributes
from placet_sync_worker.providers.active_directory.schema import AdSchema, parse_schema
from placet_sync_worker.providers.active_directory.types import object_type_of
from placet_sync_worker.providers.active_directory.window import Numbers

TEXT, DN, NUMBER, OCTETS, SID, LARGE, OID = (
    "2.5.5.12", "2.5.5.1", "2.5.5.9", "2.5.5.10", "2.5.5.17", "2.5.5.16", "2.5.5.2",
)  # fmt: skip
DISABLED = "userAccountControl;ACCOUNTDISABLE"


def described(name: str, syntax: str = TEXT, **more: str) -> Entry:
    usual = {"lDAPDisplayName": name, "attributeID": f"1.{abs(hash(name))}", "attributeSyntax": syntax,
             "isSingleValued": "TRUE", "systemOnly": "FALSE"}  # fmt: skip
    return Entry("", {key: (value.encode(),) for key, value in (usual | more).items()})


def a_class(name: str, above: str, category: str = "1", **more: tuple[str, ...]) -> Entry:
    usual = {"lDAPDisplayName": (name,), "governsID": (f"2.{name}",), "subClassOf": (above,), "rDNAttID": ("cn",),
             "objectClassCategory": (category,)}  # fmt: skip
    return Entry("", {key: tuple(map(str.encode, some)) for key, some in (usual | more).items()})


@pytest.fixture(scope="module")
def schema() -> AdSchema:
    attributes = [
        described("cn", rangeUpper="64"), described("sAMAccountName", rangeUpper="256"), described("title"),
        described("member", DN, linkID="2", isSingleValued="FALSE"), described("memberOf", DN, linkID="3"),
        described("canonicalName", systemFlags="134217748"), described("userAccountControl", NUMBER),
        described("unicodePwd", OCTETS), described("objectGUID", OCTETS, systemOnly="TRUE"),
        described("thumbnailPhoto", OCTETS, rangeUpper="102400"), described("objectSid", SID, systemOnly="TRUE"),
        described("accountExpires", LARGE), described("objectClass", OID, isSingleValued="FALSE"),
        described("groupType", NUMBER), described("uSNChanged", LARGE, systemOnly="TRUE"),
    ]  # fmt: skip
    classes = [
        a_class("top", "top", "2", systemMustContain=("objectClass",), systemMayContain=("memberOf",)),
        a_class("securityPrincipal", "top", "3", systemMustContain=("objectSid", "sAMAccountName")),
        a_class("user", "top", systemAuxiliaryClass=("securityPrincipal",), mayContain=("title", "userAccountControl"),
                systemMayContain=("unicodePwd",)),
        a_class("group", "top", auxiliaryClass=("securityPrincipal",), mustContain=("groupType",),
                mayContain=("member",)),
        a_class("organizationalUnit", "top", rDNAttID=("ou",)),
    ]  # fmt: skip
    return parse_schema(attributes, classes)


def test_types_have_what_their_auxiliary_classes_bring(schema: AdSchema) -> None:
    user, group = object_type_of(schema, "user"), object_type_of(schema, "group")
    assert user.given == {"objectClass": ("top", "user"), "userAccountControl;NORMAL_ACCOUNT": ("TRUE",),
                          DISABLED: ("TRUE",)}  # fmt: skip
    assert user.given_with == {"unicodePwd": {DISABLED: ("FALSE",)}}
    assert user.required == group.required == {"sAMAccountName"}
    assert (user.rdn, DISABLED in user.allowed) == ("cn", True)
    assert group.given["groupType"] == ("-2147483646",)
    assert (group.given_with, any(";" in name for name in group.allowed)) == ({}, False)
    unit = object_type_of(schema, "organizational_unit")
    assert (unit.rdn, unit.holds, user.holds) == ("ou", True, False)
    for name in ("top", "securityPrincipal", "nobody"):
        with pytest.raises(UnknownObjectTypeError, match=name):
            object_type_of(schema, name)


def test_attributes_say_whether_and_why_not_they_may_be_written(schema: AdSchema) -> None:
    attributes = AdAttributes(schema)
    refusals = {name: attributes.named(name).refusal or "" for name in schema.schema.attribute_types if name[0] > "9"}
    assert not any(refusals[name] for name in ("cn", "title", "member", "unicodepwd", "accountexpires"))
    assert "follows from" in refusals["memberof"]
    assert "constructed" in refusals["canonicalname"]
    assert "bit by bit" in refusals["useraccountcontrol"]
    assert "the server itself" in refusals["objectguid"]
    flag = attributes.named("useraccountcontrol;accountdisable")
    assert (flag.name, flag.writable, flag.single_valued) == (DISABLED, True, True)
    password = attributes.named("unicodePwd")
    assert (password.writable, password.readable, password.has_equality) == (True, False, False)
    assert (attributes.named("cn").longest, attributes.named("thumbnailPhoto").longest) == (64, None)
    with pytest.raises(UnknownAttributeError, match="title;lang-en is nothing that Active Directory has"):
        attributes.named("title;lang-en")


def test_values_are_texts_that_give_their_octets_again(schema: AdSchema) -> None:
    attributes = AdAttributes(schema)
    guid = bytes(range(16))
    for name, octets, text in (
        ("objectGUID", guid, "03020100-0504-0706-0809-0a0b0c0d0e0f"),
        ("objectSid", b"\x01\x01\0\0\0\0\0\x05\x12\0\0\0", "S-1-5-18"),
        ("thumbnailPhoto", b"\xff\xd8", "/9g="),
        ("accountExpires", b"0", "0"),
        ("title", "Zoë".encode(), "Zoë"),
    ):
        assert attributes.text(name, octets) == text
        assert attributes.encode(name, [text]) == (octets,)
    assert attributes.text("objectGUID", b"short") == "c2hvcnQ="
    assert attributes.text(DISABLED, b"514") == "TRUE"
    assert attributes.on_wire(DISABLED) == "userAccountControl"
    assert [attributes.plain(name) for name in ("title", "member", DISABLED, "objectGUID", "accountExpires")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_changes_are_asked_for_by_the_numbers_of_one_database_state(schema: AdSchema) -> None:
    stamps, attributes = Numbers("id-1", 4711), AdAttributes(schema)
    window = Window("uSNChanged", stamps.text(47), ("cn", "title"), (("a*", "b"),) * 101)
    first, *more = stamps.queries("(cn=*)", window, attributes)
    assert first == "(&(cn=*)(uSNChanged>=47))"
    assert [query.count("(&(cn=a\\2a)(title=b))") for query in more] == [100, 1]
    for since in (None, "", "id-2/0000000000000000047", "id-1/x", "47"):
        assert list(stamps.queries("(cn=*)", Window("uSNChanged", since), attributes)) == ["(cn=*)"]
    assert stamps.text(9) < stamps.text(10) < stamps.text(2**63 - 1)
