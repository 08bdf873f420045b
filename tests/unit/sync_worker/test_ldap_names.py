"""Names: escaped, split, and compared as a directory does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet_sync_worker.errors import InvalidNameError
from placet_sync_worker.providers.ldap.names import (
    dn_key,
    escape_filter_value,
    escape_rdn_value,
    is_within,
    join_rdn,
    parse_rdn,
    split_rdn,
)

texts = st.text(min_size=1)


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("Ada", "Ada"),
        ("Lovelace, Ada", r"Lovelace\, Ada"),
        ('#1 <a+b>;"c\\', r"\#1 \<a\+b\>\;\"c\\"),
        (" both ", r"\ both\ "),
        (" ", r"\ "),
        ("nul\0", r"nul\00"),
        ("Zoë O'Brien=x", "Zoë O'Brien=x"),
    ],
)
def test_values_are_escaped_in_names(value: str, escaped: str) -> None:
    assert escape_rdn_value(value) == escaped
    assert parse_rdn(f"cn={escaped}") == [("cn", value)]


@given(st.lists(texts, min_size=1, max_size=3), texts)
def test_any_value_survives_in_a_name(values: list[str], above: str) -> None:
    rdn = join_rdn([("cn", value) for value in values])
    parent = join_rdn([("ou", above)])
    assert split_rdn(f"{rdn},{parent}") == (rdn, parent)
    assert parse_rdn(rdn) == [("cn", value) for value in values]


@given(texts)
def test_a_name_equals_itself_in_any_escaping(value: str) -> None:
    hexed = "".join(f"\\{octet:02X}" for octet in value.encode())
    assert dn_key(f"CN={hexed}, dc=org") == dn_key(f"cn={escape_rdn_value(value)},DC=ORG")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Ada  Lovelace, OU=People,dc=Example", "cn=ada lovelace,ou=people,dc=example"),
        ("cn=a+uid=b,dc=x", "uid=B+cn=A,dc=x"),
        ("cn=M\\C3\\BCller,dc=x", "cn=MÜLLER,dc=x"),
        ("commonName=a,dc=x", "2.5.4.3=A,domainComponent=X"),
        ("cn=#04024869,dc=x", "cn=hi,dc=x"),
        ("cn=Mu\u0308ller,dc=x", "cn=Müller,dc=x"),
    ],
)
def test_equal_names(one: str, other: str) -> None:
    assert dn_key(one) == dn_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=Straße,dc=x", "cn=strasse,dc=x"),
        (r"cn=a\,dc=b,dc=x", "cn=a,dc=b,dc=x"),
        (r"cn=a\+uid=b,dc=x", "cn=a+uid=b,dc=x"),
        ("cn=José,dc=x", "cn=Jose,dc=x"),
    ],
)
def test_names_that_differ(one: str, other: str) -> None:
    assert dn_key(one) != dn_key(other)


@pytest.mark.parametrize(
    "text",
    ["", ",dc=x", "cn=a,", "cn", "=a", "cn=a,b", "cn=a;dc=x", 'cn="a"', r"cn=\zz", "cn=#zz", r"cn=\ff", "cn=a\\"],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidNameError):
        dn_key(text)


def test_an_entry_is_within_its_base_alone() -> None:
    assert is_within("cn=a,OU=People,dc=x", "ou=people, dc=X")
    assert is_within("ou=people,dc=x", "ou=people,dc=x")
    assert not is_within(r"cn=a\,ou=people,dc=x", "ou=people,dc=x")
    assert not is_within("ou=people,dc=x", "cn=a,ou=people,dc=x")


def test_values_are_escaped_in_filters() -> None:
    assert escape_filter_value("a*(b)\\\0é") == r"a\2a\28b\29\5c\00é"
