"""Values of Active Directory as texts and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet_sync_worker.providers.active_directory import values
from placet_sync_worker.providers.active_directory.protected import is_protected

NEVER = b"9223372036854775807"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("José", "jose", True),
        ("JOSE\u0301", "jose", True),
        ("ＡＢＣ", "abc", True),
        ("Straße", "STRASSE", True),
        ("Łódź", "lodz", True),
        ("Søren", "soren", True),
        ("カナ", "かな", True),
        ("  two   words ", "Two Words", True),
        ("İstanbul", "istanbul", True),
        ("jose", "josef", False),
        ("a-b", "ab", False),
    ],
)
def test_names_are_folded_with_accents_and_width(one: str, other: str, equal: bool) -> None:
    assert (values.fold(one) == values.fold(other)) == equal


def test_references_are_folded_rdn_by_rdn() -> None:
    assert values.reference("CN=José,OU=People, DC=corp") == values.reference("cn=jose,ou=PEOPLE,dc=corp")
    with_octets = values.reference_with_octets("B:4:00ff:CN=José,DC=corp")
    assert with_octets == values.reference_with_octets("B:4:00FF:cn=jose,DC=CORP")
    assert values.reference_with_text("S:3:a:b:CN=José,DC=corp") == "S:3:a:b:cn=jose,dc=corp"
    for wrong in ("B:4:00:CN=a,DC=b", "B:1:0:CN=a,DC=b", "CN=a,DC=b"):
        with pytest.raises(ValueError, match="no DN with octets"):
            values.reference_with_octets(wrong)
    with pytest.raises(ValueError, match="no DN with a text"):
        values.reference_with_text("S:9:abc:CN=a")


@given(st.binary(min_size=16, max_size=16))
def test_guids_come_back(octets: bytes) -> None:
    assert values.guid_octets(values.guid_text(octets)) == octets


@given(st.integers(0, 2**48 - 1), st.lists(st.integers(0, 2**32 - 1), max_size=15))
def test_sids_come_back(authority: int, parts: list[int]) -> None:
    text = "-".join(["S-1", str(authority), *map(str, parts)])
    assert values.sid_text(values.sid_octets(text)) == text


@pytest.mark.parametrize("wrong", ["S-2-5", "S-1-5-x", "", "S-1-5-4294967296", "S-1" + "-1" * 17])
def test_what_is_no_sid_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no SID"):
        values.sid_octets(wrong)


@given(st.integers(0, 2**63 - 1))
def test_times_come_back_to_the_last_tick(number: int) -> None:
    octets = str(number).encode()
    assert values.filetime_octets(values.filetime_text(octets)) == octets


def test_times_are_written_in_several_ways() -> None:
    assert values.filetime_text(b"134434944000000000") == "2027-01-04T00:00:00Z"
    assert values.filetime_text(b"134434944000000001") == "2027-01-04T00:00:00.0000001Z"
    assert (values.filetime_text(NEVER), values.filetime_text(b"0"), values.filetime_text(b"-1")) == (
        "never",
        "0",
        "-1",
    )
    for same in ("2027-01-04", "2027-01-04 00:00:00", "2027-01-04T00:00:00Z", "2027-01-04T00:00:00.0000000Z"):
        assert values.filetime_octets(same) == b"134434944000000000"
    assert {values.filetime_form(one) for one in ("0", "never", "NEVER", NEVER.decode())} == {"never"}
    for wrong in ("tomorrow", "2027-13-01", "04.01.2027", ""):
        with pytest.raises(ValueError, match=r"no time|month"):
            values.filetime_octets(wrong)


def test_bits_are_set_and_cleared_and_others_stay() -> None:
    assert values.with_flags(0x10200, {0x2: True}) == 0x10202
    assert values.with_flags(0x10202, {0x2: False, 0x40000: True}) == 0x50200
    assert [values.flag_text(b"514", bit) for bit in (0x2, 0x200, 0x10000)] == ["TRUE", "TRUE", "FALSE"]


def test_a_password_is_quoted_in_utf_16() -> None:
    assert values.password_octets("ä") == b'"\x00\xe4\x00"\x00'


DOMAIN_SID = "S-1-5-21-1-2-3"


@pytest.mark.parametrize(
    ("values", "protected"),
    [
        ({}, False),
        ({"adminCount": ("1",)}, True),
        ({"adminCount": ("0",)}, False),
        ({"isCriticalSystemObject": ("TRUE",)}, True),
        ({"objectSid": (f"{DOMAIN_SID}-500",)}, True),
        ({"objectSid": (f"{DOMAIN_SID}-1000",)}, False),
        ({"objectSid": ("S-1-5-21-9-9-9-500",)}, False),
    ],
)
def test_administrators_and_what_came_with_the_domain_are_protected(
    values: dict[str, tuple[str, ...]], protected: bool
) -> None:
    assert is_protected(values, DOMAIN_SID) is protected
