"""What an LDAP directory is to planning: its entries in pages, its types, what it keeps from being lost."""

import pyarrow as pa
import pytest

from placet_sync_worker.errors import InvalidNameError, UnknownAttributeError, UnknownObjectTypeError
from placet_sync_worker.ports import DN, ID, RECORD, VERSION, Operation
from placet_sync_worker.providers.ldap.errors import InvalidFilterError, NoSuchEntryError
from placet_sync_worker.providers.ldap.provider import LdapSource
from tests.support.directories import GROUPS, World, open_store, person, write
from tests.support.slapd import BASE_DN, BIND_DN, PEOPLE

PEOPLE_QUERY = "(objectClass=person)"


def test_entries_come_as_columns(world: World) -> None:
    photo = Operation("add", f"cn=p,{PEOPLE}", attributes={**person("p").attributes, "jpegPhoto": (b"\xff\xd8",)})
    write(world, person("Zoë", mail=["a@x", "b@x"]), photo)
    (page,) = open_store(world).read(["surname", "mail", "jpegPhoto"], PEOPLE_QUERY, PEOPLE)
    assert page.schema.names == [ID, VERSION, DN, "surname", "mail", "jpegPhoto"]
    assert page.schema.field("mail").type == pa.list_(pa.string())
    zoe, other = sorted(page.to_pylist(), key=lambda row: row[DN] != f"cn=Zoë,{PEOPLE}")
    assert (zoe[DN], zoe["surname"], sorted(zoe["mail"]), zoe["jpegPhoto"]) == (
        f"cn=Zoë,{PEOPLE}", ["Sample"], ["a@x", "b@x"], [],
    )  # fmt: skip
    assert (other["mail"], other["jpegPhoto"]) == ([], ["/9g="])
    assert len(zoe[ID]) == 36
    assert zoe[VERSION] != other[VERSION]


def test_as_a_source_a_record_stands_at_its_dn(world: World) -> None:
    write(world, person("Ada", mail="a@x"))
    (page,) = LdapSource(open_store(world)).read(["mail"], None)
    assert page.records.to_pylist() == [{RECORD: f"cn=Ada,{PEOPLE}", "mail": ["a@x"]}]


def test_an_empty_destination_is_read_as_empty(world: World) -> None:
    assert sum(page.num_rows for page in open_store(world).read(["sn"], PEOPLE_QUERY)) == 0


def test_what_would_silently_match_nothing_is_refused(world: World) -> None:
    store = open_store(world)
    with pytest.raises(InvalidFilterError, match="givenNam"):
        list(store.read([], "(&(objectClass=person)(givenNam=*))"))
    with pytest.raises(InvalidFilterError, match="column 8"):
        list(store.read([], "(sn=Ada"))
    with pytest.raises(NoSuchEntryError, match="ou=Nobody"):
        list(store.read([], PEOPLE_QUERY, f"ou=Nobody,{BASE_DN}"))
    with pytest.raises(InvalidNameError, match="not below"):
        list(store.read([], PEOPLE_QUERY, "dc=elsewhere"))
    with pytest.raises(UnknownAttributeError, match="did you mean givenName"):
        list(store.read(["givenNam"], PEOPLE_QUERY))


def test_images_have_groups_and_no_passwords(world: World) -> None:
    write(
        world,
        person("Ada", userPassword="secret", mail="a@x"),
        person("Bo"),
        Operation(
            "add",
            f"cn=g,{GROUPS}",
            attributes={"objectClass": (b"groupOfNames",), "cn": (b"g",), "member": (f"CN=ada,{PEOPLE}".encode(),)},
        ),
    )
    store = open_store(world)
    (page,) = store.read([], PEOPLE_QUERY)
    ids = {row[DN]: row[ID] for row in page.to_pylist()}
    images = dict(store.images([*ids.values(), "00000000-0000-0000-0000-000000000000"]))
    assert images.keys() == set(ids.values())
    ada = images[ids[f"cn=Ada,{PEOPLE}"]]
    assert ada.keys() == {"objectClass", "cn", "sn", "mail", "memberOf"}
    assert (ada["mail"], ada["memberOf"]) == (("a@x",), (f"cn=g,{GROUPS}",))
    assert "memberOf" not in images[ids[f"cn=Bo,{PEOPLE}"]]


def test_the_account_and_the_base_are_protected(world: World) -> None:
    store = open_store(world)
    dns = (BASE_DN, BIND_DN.upper(), PEOPLE)
    assert [store.protected(dn, removing=True) for dn in dns] == [True, True, False]
    assert [store.protected(dn, removing=False) for dn in dns] == [False, True, False]


@pytest.mark.parametrize(
    ("name", "classes", "rdn"),
    [
        ("user", ("top", "person", "organizationalPerson", "inetOrgPerson"), "cn"),
        (None, ("top", "person", "organizationalPerson", "inetOrgPerson"), "cn"),
        ("contact", ("top", "person", "organizationalPerson", "inetOrgPerson"), "cn"),
        ("group", ("top", "groupOfNames"), "cn"),
        ("computer", ("top", "device"), "cn"),
        ("organizational_unit", ("top", "organizationalUnit"), "ou"),
        ("PERSON", ("top", "person"), "cn"),
    ],
)
def test_types_are_made_of_classes(world: World, name: str | None, classes: tuple[str, ...], rdn: str) -> None:
    kind = open_store(world).object_type(name)
    assert (kind.given["objectClass"], kind.rdn, kind.query) == (classes, rdn, f"(objectClass={classes[-1]})")
    assert rdn in kind.required
    assert kind.allowed >= kind.required


def test_types_that_cannot_be_are_refused(world: World) -> None:
    store = open_store(world)
    for name in ("top", "dcObject", "nobody"):
        with pytest.raises(UnknownObjectTypeError, match=name):
            store.object_type(name)


def test_attributes_are_as_the_schema_says(world: World) -> None:
    store = open_store(world)
    surname, number, photo, id_ = map(store.attribute, ("SURNAME", "employeenumber", "jpegPhoto", "entryUUID"))
    assert (surname.name, surname.single_valued, surname.writable, surname.decode) == ("sn", False, True, None)
    assert (number.name, number.single_valued) == ("employeeNumber", True)
    assert (photo.has_equality, id_.writable) == (False, False)
    assert surname.fold("  Ada   LOVELACE") == "ada lovelace"
    assert photo.decode is not None
    with pytest.raises(ValueError, match="base64"):
        photo.decode("no base64!")
    manager = store.attribute("manager").decode
    assert manager is not None
    assert manager("CN=Ada, DC=x") == manager("cn=ada,dc=X")
    assert store.encode("jpegPhoto", ["/9g="]) == (b"\xff\xd8",)
    assert store.text("sn", b"\xff") == "\\xff"


@pytest.mark.parametrize("name", ["userPassword", "userPassword;lang-en"])
def test_passwords_are_no_attributes_to_read_or_compare(world: World, name: str) -> None:
    assert not open_store(world).attribute(name).readable
