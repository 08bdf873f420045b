"""Filters: parsed, refused with the column of the mistake, rendered and encoded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.search import search_operation
from ldap3.utils.asn1 import encode as ldap3_encode

from placet_sync_worker.providers.ldap.errors import InvalidFilterError
from placet_sync_worker.providers.ldap.filter import (
    All,
    Compare,
    Either,
    Extensible,
    Filter,
    Not,
    Present,
    Substrings,
    attributes_of,
    encode_filter,
    parse_filter,
    render,
)

names = st.sampled_from(["cn", "objectClass", "2.5.4.3", "userCertificate;binary"])
values = st.binary(max_size=8)
items: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Present, names),
    st.builds(Compare, names, st.sampled_from(["=", ">=", "<=", "~="]), values.filter(bool)),
    st.builds(Compare, names, st.just("="), values),
    st.builds(
        lambda n, a, m, z: Substrings(n, (a, *m, z)), names, values, st.lists(values.filter(bool)), values
    ).filter(lambda found: any(found.pieces)),
    st.builds(Extensible, names, st.sampled_from([None, "caseExactMatch"]), st.booleans(), values),
)
filters = st.recursive(
    items,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Either, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


@given(filters)
def test_what_is_rendered_is_read_again(found: Filter) -> None:
    assert parse_filter(render(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "(cn=Ada)",
        "(&(objectClass=person)(|(cn=A*b*c)(cn=*b*)(sn=*))(!(uid>=5))(l<=x)(o~=y))",
        r"(cn=\2a\28Zo\c3\ab\29)",
        "(member:dn:2.5.13.1:=cn=a)",
        "(cn:caseExactMatch:=Ada)",
        "(employeeNumber=" + "9" * 300 + ")",
    ],
)
def test_it_travels_as_ldap3_would_send_it(text: str) -> None:
    request = search_operation("", text, 0, 0, [], 0, 0, False, False, None, None, False)
    assert encode_filter(parse_filter(text)) == ldap3_encode(request["filter"])


def test_white_space_between_parts_is_no_mistake() -> None:
    assert render(parse_filter(" (& (cn=a)\n  (! (sn=b) ) ) ")) == "(&(cn=a)(!(sn=b)))"


def test_attributes_are_found() -> None:
    assert list(attributes_of(parse_filter("(&(cn=a)(!(sn=*))(:dn:2.5.13.5:=x))"))) == ["cn", "sn"]


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("", 1, "opening bracket"),
        ("cn=a", 1, "opening bracket"),
        ("(cn=a", 6, "closing bracket"),
        ("(&(cn=a)", 9, "closing bracket"),
        ("(cn=a))", 7, "after the end"),
        ("(=a)", 2, "attribute"),
        ("(cn)", 4, "is missing"),
        ("(cn=a(b)", 6, r"\28"),
        (r"(cn=a\zz)", 6, "hexadecimal"),
        ("(cn>=a*)", 7, "star"),
        ("(&(cn=a)x)", 9, "closing bracket"),
        ("(!(cn=a)(sn=b))", 9, "closing bracket"),
        ("(:=a)", 2, "matching rule"),
        ("(!" * 200, 203, "nested"),
    ],
)
def test_a_mistake_is_named_with_its_column(text: str, column: int, what: str) -> None:
    with pytest.raises(InvalidFilterError, match=f"column {column}: ") as caught:
        parse_filter(text)
    assert what in str(caught.value)
