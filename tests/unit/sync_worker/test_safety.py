"""How safely a job can be written."""

from typing import Any

import pytest

from placet_shared.objects import Job
from placet_sync_worker.ports import Safety
from placet_sync_worker.safety import safety_of
from placet_sync_worker.testing.destination import PEOPLE, FakeDestination

SN, PHOTO = {"to": "surname", "from": "last"}, {"to": "jpegPhoto", "from": "photo"}


def safety(store: Safety, *fields: dict[str, Any]) -> Safety:
    class Store(FakeDestination):
        def safety(self) -> Safety:
            return store

    document = {
        "name": "people",
        "source": {"provider": "hr"},
        "destination": {"provider": "corp", "container": PEOPLE},
        "key": [{"source": "id", "destination": "employeeNumber"}],
        "fields": fields,
    }
    return safety_of(Store(), Job.model_validate(document))


@pytest.mark.parametrize("store", ["assertion", "value", "read_back"])
def test_what_has_an_equality_is_written_as_safely_as_the_store_can(store: Safety) -> None:
    assert safety(store, SN) == store


def test_what_has_none_is_read_back_unless_the_whole_entry_is_asserted() -> None:
    assert safety("value", SN, PHOTO) == "read_back"
    assert safety("assertion", SN, PHOTO) == "assertion"


def test_what_only_new_entries_get_replaces_nothing() -> None:
    assert safety("value", SN, PHOTO | {"only_on_create": True}) == "value"


def test_what_is_not_there_any_more_is_left_to_its_changes() -> None:
    assert safety("value", SN, PHOTO | {"to": "dropped"}) == "value"
