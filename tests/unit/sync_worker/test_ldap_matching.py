"""Values under their syntaxes."""

import pytest

from placet_sync_worker.providers.ldap.matching import (
    binary,
    boolean,
    generalized_time,
    integer,
    name_and_uid,
    numeric,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("20270104023000Z", "20270104023000Z"),
        ("202701040230Z", "20270104023000Z"),
        ("2027010402Z", "20270104020000Z"),
        ("20270104033000+0100", "20270104023000Z"),
        ("20261231233000-0330", "20270101030000Z"),
        ("20270104023000.500Z", "20270104023000.5Z"),
        ("20270104023000.0Z", "20270104023000Z"),
        ("2027010402.5Z", "20270104023000Z"),
        ("202701040230,25Z", "20270104023015Z"),
    ],
)
def test_times_are_compared_in_utc(written: str, meant: str) -> None:
    assert generalized_time(written) == meant


def test_other_ways_to_write_the_same() -> None:
    assert integer("007") == integer("7") == "7"
    assert integer("-0") == "0"
    assert boolean("true") == "TRUE"
    assert numeric("12 34") == "1234"
    assert binary("/9g=") == "/9g="
    assert name_and_uid("CN=a, dc=x#'0101'B") == "cn=a,dc=x#'0101'B"


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (integer, "7.0"), (integer, "٣"), (boolean, "yes"), (numeric, "12a"), (generalized_time, "2027-01-04"),
        (generalized_time, "20271304023000Z"), (binary, "Zoë"), (name_and_uid, "nobody"),
    ],
)  # fmt: skip
def test_what_the_syntax_does_not_allow_is_refused(form: object, value: str) -> None:
    assert callable(form)
    with pytest.raises(ValueError):  # noqa: PT011  # each says something else
        form(value)
