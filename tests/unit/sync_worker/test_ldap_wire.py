"""Messages on the wire: what we send is what ldap3 would send, and what comes back is read in any pieces."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.add import add_operation
from ldap3.operation.compare import compare_operation
from ldap3.operation.delete import delete_operation
from ldap3.operation.modify import modify_operation
from ldap3.operation.modifyDn import modify_dn_operation
from ldap3.operation.search import search_operation
from ldap3.utils.asn1 import encode

from placet_sync_worker.ports import Entry, Modification, Operation
from placet_sync_worker.providers.ldap import ber, wire
from placet_sync_worker.providers.ldap.filter import encode_filter, parse_filter
from placet_sync_worker.providers.ldap.wire import (
    SEARCH_ENTRY,
    Ending,
    Message,
    Messages,
    compare_request,
    decode_ending,
    decode_entry,
    message,
    next_cookie,
    paged,
    search_request,
    write_request,
)

DN = "cn=Zoë,dc=x"


NEW_NAME = (Modification("delete", "sn", (b"A",)), Modification("add", "l", (b"B",)))


def test_a_compare_travels_as_ldap3_would_send_it() -> None:
    assert compare_request(DN, "mail", b"a@x") == _as_sent(compare_operation(DN, "mail", "a@x", True))


@pytest.mark.parametrize(
    ("operation", "theirs"),
    [
        (
            Operation("add", DN, attributes={"sn": (b"A", b"B" * 300), "cn": ("Zoë".encode(),)}),
            add_operation(DN, {"sn": ["A", "B" * 300], "cn": ["Zoë"]}, True),
        ),
        (
            Operation("modify", DN, modifications=NEW_NAME),
            modify_operation(DN, {"sn": [("MODIFY_DELETE", ["A"])], "l": [("MODIFY_ADD", ["B"])]}, True),
        ),
        (
            Operation("modify", DN, modifications=(Modification("delete", "sn"),)),
            modify_operation(DN, {"sn": [("MODIFY_DELETE", [])]}, True),
        ),
        (Operation("rename", DN, new_rdn="cn=b"), modify_dn_operation(DN, "cn=b", True)),
        (Operation("rename", DN, new_rdn="cn=b", new_superior="ou=y"), modify_dn_operation(DN, "cn=b", True, "ou=y")),
        (Operation("delete", DN), delete_operation(DN)),
    ],
)
def test_writes_travel_as_ldap3_would_send_them(operation: Operation, theirs: Any) -> None:
    assert write_request(operation) == (_as_sent(theirs),)


def test_a_search_travels_as_ldap3_would_send_it() -> None:
    theirs = search_operation(DN, "(cn=*)", 2, 0, ["cn", "entryUUID"], 0, 0, False, False, None, None, False)
    assert search_request(DN, "subtree", encode_filter(parse_filter("(cn=*)")), ["cn", "entryUUID"]) == _as_sent(theirs)


def _as_sent(request: Any) -> bytes:
    return bytes(encode(request))


def test_an_assertion_is_a_critical_control() -> None:
    _, control = write_request(Operation("delete", DN, assertion="(cn=a)"))
    assert ber.elements(ber.elements(control)[0][1]) == [
        (ber.OCTETS, b"1.3.6.1.1.12"), (ber.BOOLEAN, b"\xff"), (ber.OCTETS, encode_filter(parse_filter("(cn=a)"))),
    ]  # fmt: skip


PERMISSIVE = "1.2.840.113556.1.4.1413"


def test_nothing_asks_a_server_to_pass_over_what_is_not_as_planned() -> None:
    """The permissive-modify control makes a success of a delete of what is not there and an add of what is."""
    for operation in (
        Operation("add", DN, attributes={"sn": (b"A",)}, read=("sn",)),
        Operation("modify", DN, modifications=NEW_NAME, assertion="(cn=a)", read=("sn",)),
        Operation("rename", DN, new_rdn="cn=b", assertion="(cn=a)", read=("sn",)),
        Operation("delete", DN, assertion="(cn=a)", read=("sn",)),
    ):
        assert {oid for oid, _ in wire.write_controls(operation)} <= {wire.ASSERTION, wire.POST_READ}
    home = Path(wire.__file__).parents[2]
    assert [file for file in home.rglob("*.py") if PERMISSIVE in file.read_text()] == []


@given(st.lists(st.tuples(st.integers(1, 70_000), st.binary(max_size=300)), max_size=5), st.integers(1, 40))
def test_messages_come_in_any_pieces(sent: list[tuple[int, bytes]], step: int) -> None:
    data = b"".join(message(number, ber.wrap(SEARCH_ENTRY, content)) for number, content in sent)
    messages, found = Messages(), []
    for at in range(0, len(data), step):
        found += messages.feed(data[at : at + step])
    assert found == [Message(number, SEARCH_ENTRY, content, b"") for number, content in sent]


@given(st.binary(min_size=2))
def test_garbage_raises_nothing_but_a_value_error(data: bytes) -> None:
    try:
        found = Messages().feed(data)
    except ValueError:
        return
    assert all(isinstance(one, Message) for one in found)


def test_an_entry_is_decoded_under_the_names_that_were_asked_for() -> None:
    values = {b"SN": (b"A", b"B" * 200), b"jpegPhoto": (b"\xff" * 70_000,), b"none": ()}
    parts = [
        ber.sequence(ber.octets(name), ber.sequence(*map(ber.octets, some), tag=ber.SET))
        for name, some in values.items()
    ]
    content = ber.text(DN) + ber.sequence(*parts)
    names = {b"sn": "sn", b"jpegPhoto": "jpegphoto"}
    assert decode_entry(content, names) == Entry(
        DN, {"sn": (b"A", b"B" * 200), "jpegphoto": (b"\xff" * 70_000,), "none": ()}
    )


def test_an_ending_has_the_words_of_the_server() -> None:
    content = ber.integer(10, ber.ENUMERATED) + ber.text("dc=x") + ber.text("go there")
    content += ber.sequence(ber.text("ldap://b/"), tag=0xA3)
    assert decode_ending(content) == Ending(10, "dc=x", "go there", ("ldap://b/",))


def test_the_cookie_of_a_page_is_found() -> None:
    assert next_cookie(ber.sequence(paged(0, b"next"), tag=0xA0)) == b"next"
    assert next_cookie(b"") == b""
