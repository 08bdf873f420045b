"""What we take for equal is what slapd takes for equal."""

from collections.abc import Iterator

import pytest
from ldap3 import Connection

from placet_sync_worker.providers.ldap.store import LdapStore
from tests.support.directories import open_store, person, slapd_world, write
from tests.support.slapd import PEOPLE

PAIRS = [
    ("sn", "Straße", "strasse"),
    ("sn", "STRASSE", "strasse"),
    ("sn", "İstanbul", "istanbul"),
    ("sn", "İSTANBUL", "i̇stanbul"),
    ("sn", "José", "jose"),
    ("sn", "JOSÉ", "josé"),
    ("sn", "Jose\u0301", "josé"),
    ("sn", "ﬁnn", "finn"),
    ("sn", "ＡＢＣ", "abc"),
    ("sn", "ΣΟΦΟΣ", "σοφος"),
    ("sn", "ΣΟΦΟΣ", "σοφοσ"),
    ("sn", "  two   words ", "Two Words"),
    ("sn", "no\u00a0break", "no break"),
    ("sn", "tab\there", "tab here"),
    ("sn", "so\u00adft", "soft"),
    ("sn", "zero\u200bwidth", "zerowidth"),
    ("sn", "Ǆ", "ǆ"),
    ("sn", "ẞ", "ß"),
    ("sn", "½", "1⁄2"),
    ("sn", "Ω", "ω"),
    ("sn", "㎏", "kg"),
    ("sn", "™", "tm"),
    ("sn", "™", "TM"),
    ("sn", "\u212a", "k"),
    ("sn", "\u0220", "\u019e"),
    ("sn", "\u0241", "\u0242"),
    ("sn", "\u03f9", "\u03f2"),
    ("sn", "Ա", "ա"),
    ("sn", "ＪＯＳÉ", "josé"),
    ("sn", "ŁÓDŹ", "łódź"),
    ("sn", "ǅ", "ǆ"),
    ("sn", "ᾼ", "ᾳ"),
    ("sn", "Ⅷ", "ⅷ"),
    ("sn", "Ⅷ", "viii"),
    ("sn", "\u2126", "ω"),
    ("sn", "\u1100\u1161", "가"),
    ("mail", "Ada@X.org", "ada@x.ORG"),
    ("mail", "a  b@x", "a b@x"),
    ("telephoneNumber", "+48 22-555", "+4822555"),
    ("telephoneNumber", "+48 22 x5", "+4822X5"),
    ("manager", "CN=A  B, dc=X", "cn=a b,DC=x"),
    ("manager", "cn=a+sn=b,dc=x", "sn=B+cn=A,dc=x"),
    ("manager", "cn=a\\,b,dc=x", "cn=a\\2Cb,dc=x"),
    ("manager", "cn=Straße,dc=x", "cn=strasse,dc=x"),
    ("manager", "surname=a,dc=x", "sn=A,dc=x"),
    ("destinationIndicator", "AB", "ab"),
    ("x121Address", "12 34", "1234"),
    ("preferredLanguage", "EN", "en"),
    ("labeledURI", "http://X", "http://x"),
    ("userPassword", "Secret", "secret"),
    ("objectClass", "inetOrgPerson", "INETORGPERSON"),
    ("objectClass", "inetOrgPerson", "2.16.840.1.113730.3.2.2"),
]


@pytest.fixture(scope="module")
def slapd() -> Iterator[tuple[LdapStore, Connection]]:
    with slapd_world() as world, world.slapd.hand() as hand:
        write(world, person("probe"))
        yield open_store(world), hand


@pytest.mark.parametrize(("name", "one", "other"), PAIRS)
def test_folding_finds_equal_what_slapd_finds_equal(
    slapd: tuple[LdapStore, Connection], name: str, one: str, other: str
) -> None:
    store, hand = slapd
    dn = f"cn=probe,{PEOPLE}"
    if name != "objectClass":
        assert hand.modify(dn, {name: [("MODIFY_REPLACE", [one.encode()])]}), hand.result
    equal = hand.compare(dn, name, other.encode())
    fold = store.attribute(name).fold
    assert (fold(one) == fold(other)) == equal
    if name not in ("objectClass", "sn"):
        hand.modify(dn, {name: [("MODIFY_REPLACE", [])]})
