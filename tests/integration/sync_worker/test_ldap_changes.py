"""A directory as a source of what has changed."""

from contextlib import closing

import pyarrow as pa
import pytest

from placet_sync_worker.errors import UnusableJobError
from placet_sync_worker.ports import Window
from placet_sync_worker.providers.ldap.drivers import Driver
from placet_sync_worker.providers.ldap.provider import open_ldap_source
from tests.support.directories import provider, surroundings
from tests.support.slapd import PASSWORD, PEOPLE, Slapd

SURROUNDINGS = surroundings(PLACET_SECRET_CORP=PASSWORD)
QUERY = "(objectClass=person)"


def test_a_source_gives_what_was_modified_since_and_what_is_asked_for_by_key(slapd: Slapd, driver: Driver) -> None:
    with closing(open_ldap_source(provider(slapd.url).model_copy(update={"driver": driver}), SURROUNDINGS)) as source:
        with slapd.hand() as hand:
            for n in range(3):
                assert hand.add(f"cn=p{n},{PEOPLE}", "inetOrgPerson", {"sn": "Sample"})
        stamps = source.stamps("modifyTimestamp", QUERY)

        def changed(window: Window) -> list[str]:
            pages = source.read(["cn", "modifyTimestamp"], QUERY, window)
            return sorted(name for page in pages for (name,) in page.records.column("cn").to_pylist())

        assert changed(Window("modifyTimestamp", None)) == ["p0", "p1", "p2"]
        (newest,) = {stamp for page in source.read(["modifyTimestamp"], QUERY) for (stamp,) in stamps_of(page.records)}
        assert changed(Window("modifyTimestamp", str(newest))) == ["p0", "p1", "p2"]
        late = "20990101000000Z"
        keys = (("p1",), ("p9",))
        assert changed(Window("modifyTimestamp", late, ("cn",), keys)) == ["p1"]
        assert changed(Window("modifyTimestamp", late, ("cn",), keys, older=True)) == ["p1"]
        assert changed(Window("modifyTimestamp", str(newest), ("cn",), keys, older=True)) == []
        assert stamps.order(str(newest)) < stamps.order(late)


def stamps_of(records: pa.RecordBatch) -> list[list[str]]:
    stamps: list[list[str]] = records.column("modifyTimestamp").to_pylist()
    return stamps


def test_what_is_no_time_tells_no_changes(slapd: Slapd) -> None:
    with (
        closing(open_ldap_source(provider(slapd.url), SURROUNDINGS)) as source,
        pytest.raises(UnusableJobError, match="sn is no time in the directory's schema; name modifyTimestamp"),
    ):
        source.stamps("sn", None)
