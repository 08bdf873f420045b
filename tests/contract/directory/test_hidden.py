"""What the rights of the directory hide from the account seems to be absent; a compare tells the two apart."""

from pathlib import Path

import pytest

from placet_sync_worker.errors import UnusableJobError
from tests.contract.directory.test_planning import FIELDS, Sync
from tests.support.directories import World, open_store, person, write
from tests.support.planning import Row
from tests.support.slapd import BASE_DN, BIND_DN, PEOPLE

ADA, NOBODY = f"cn=Ada,{PEOPLE}", f"cn=Nobody,{PEOPLE}"
ANN: Row = {"id": "1", "first": "Ann", "last": "Low", "mail": "ann@x", "boss": None, "phone": None, "uid": None}


def test_a_compare_says_yes_or_no_or_why_neither(secretive: World) -> None:
    write(secretive, person("Ada", mail="a@x", telephoneNumber="+48 22 5"))
    directory = secretive.open()
    asked = {
        "SN": b"SAMPLE", "cn": b"Bo", "description": b"x", "mail": b"a@x", "manager": b"cn=x", "jpegPhoto": b"x",
        "telephoneNumber": b"+48225", "employeeNumber": b"", "nonsense": b"x",
    }  # fmt: skip
    assert directory.compare(ADA, asked) == {
        "SN": 6, "cn": 5, "description": 16, "mail": 50, "manager": 50, "jpegPhoto": 18, "telephoneNumber": 6,
        "employeeNumber": 21, "nonsense": 17,
    }  # fmt: skip
    assert directory.compare(NOBODY, {"sn": b"x", "mail": b"x"}) == {"sn": 32, "mail": 32}
    assert directory.compare(ADA, {}) == {}
    assert [entry.dn for page in directory.search(PEOPLE, "one", "(cn=Ada)", []) for entry in page] == [ADA]


def test_what_is_hidden_is_told_from_what_is_absent(secretive: World) -> None:
    write(secretive, person("Ada", mail="a@x"))
    store = open_store(secretive)
    asked = ["title", "sn", "mail", "manager", "description", "jpegPhoto", "telephoneNumber", "objectClass"]
    assert store.hidden(asked, ADA) == store.hidden(asked, PEOPLE) == ["title", "mail", "manager"]
    assert store.hidden(asked, NOBODY) == []
    ((shown,),) = store.directory.search(ADA, "base", "(sn=*)", ["*", "mail"])
    assert "mail" not in shown.attributes


def test_nothing_is_hidden_from_who_may_read_all(world: World) -> None:
    write(world, person("Ada", mail="a@x"))
    store = open_store(world)
    allowed = sorted(store.object_type("user").allowed)
    assert store.hidden(allowed, ADA) == store.hidden(allowed, BASE_DN) == []


def test_a_run_that_would_plan_what_is_hidden_again_and_again_is_refused(secretive: World, tmp_path: Path) -> None:
    sync, seen = Sync(secretive, tmp_path), [one for one in FIELDS if one["to"] not in ("mail", "manager")]
    assert sync.run([ANN], fields=seen) == ["create 1"]
    for rows in ([ANN], [ANN, ANN | {"id": "2", "first": "Bo"}]):
        with pytest.raises(UnusableJobError) as refused:
            sync.run(rows)
        assert str(refused.value) == (
            f"job people: mail cannot be read back by {BIND_DN}, so no write could be proven; let the account read it,"
            " or leave the field out"
        )
    later = {"fields": [*seen, {"to": "title", "static": "Dr", "only_on_create": True}]}
    with pytest.raises(UnusableJobError, match="title cannot be read back"):
        sync.run([ANN], **later)
