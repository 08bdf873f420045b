"""Why a record becomes what it does, as it is explained beside a preview."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from placet_sync_worker.changes import Rejected
from placet_sync_worker.mapping.script import Cells, Failure
from placet_sync_worker.planning.design import Options
from placet_sync_worker.testing.destination import PEOPLE
from tests.support.planning import FIELDS, Scene, person


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


class OneAnswer:
    """A `ScriptEngine` that answers the same to everything."""

    def run(self, script: str, records: Sequence[Cells]) -> list[tuple[str, ...] | Failure]:
        return [("ACME",)] * len(records)

    def close(self) -> None: ...


def explain(scene: Scene, *keys: str, **job: Any) -> list[Any]:
    options = Options(records=keys, explain=True)
    return list(scene.plan(options=options, **job).explanations)


def the(explanation: Any, name: str) -> Any:
    (found,) = [one for one in explanation["attributes"] if one["name"] == name]
    return found


def told(explanation: Any) -> dict[str, Any]:
    """The decisions by attribute."""
    return {one["name"]: one["decision"] for one in explanation["attributes"]}


def test_a_new_entry(scene: Scene) -> None:
    scene.rows = [person("1"), person("2", "Bo", mail="bo@x")]
    (one,) = explain(scene, "2")
    assert (one["key"], one["record"], one["result"], one["op"]) == ("2", "line 3", "planned", "create")
    assert (one["dn"], one["id"], one["matched_by"]) == (f"cn=Bo Low,{PEOPLE}", None, None)
    assert one["reason"] == "no entry has this key; missing: create"
    name = the(one, "cn")
    assert name["source"] == {"first": ["Bo"], "last": ["Low"]}
    assert (name["transform"], name["wanted"], name["before"]) == ("first + last, joined by ' '", ["Bo Low"], [])
    assert (name["after"], name["decision"], name["reason"]) == (["Bo Low"], "set", "it names the new entry")
    assert the(one, "objectClass")["reason"] == "each new user is given it"


def test_what_is_changed_set_kept_cleared_and_left(scene: Scene) -> None:
    fields = [
        *FIELDS,
        {"to": "title", "from": "room"},
        {"to": "company", "static": "ACME", "only_on_create": True},
        {"to": "givenName", "from": "first", "compare": "matching_rule"},
        {"to": "employeeType", "from": "region"},
    ]
    scene.rows = [person("1", mail="new@x", room="7", region=["a", "b"])]
    scene.entry("e1", "1", last="Old", mail="old@x", givenName="ANN", employeeType=["b", "c"])
    (one,) = explain(scene, "1", fields=fields)
    assert (one["op"], one["result"], one["matched_by"], one["id"]) == ("move", "planned", "key", "e1")
    assert (one["dn"], one["target"]) == (f"cn=Ann Old,{PEOPLE}", f"cn=Ann Low,{PEOPLE}")
    assert told(one) == {
        "employeeNumber": "unchanged", "cn": "renamed", "sn": "set", "mail": "set", "title": "set",
        "company": "only_on_create", "givenName": "unchanged", "employeeType": "set",
    }  # fmt: skip
    assert the(one, "cn")["reason"] == f"it names the entry, which is cn=Ann Low,{PEOPLE} then"
    assert (the(one, "mail")["before"], the(one, "mail")["after"]) == (["old@x"], ["new@x"])
    assert (the(one, "employeeType")["add"], the(one, "employeeType")["remove"]) == (["a"], ["c"])
    assert the(one, "givenName")["reason"] == "compare: matching_rule takes both for the same"
    assert (the(one, "company")["before"], the(one, "company")["wanted"]) == (None, ["ACME"])


@pytest.mark.parametrize(("empty_values", "decision"), [("keep", "kept"), ("clear", "cleared")])
def test_an_empty_value(scene: Scene, empty_values: str, decision: str) -> None:
    scene.rows, after = [person("1")], ["a@x"] if decision == "kept" else []
    scene.entry("e1", "1", mail="a@x")
    (one,) = explain(scene, "1", empty_values=empty_values)
    assert (one["op"], one["result"]) == ((None, "unchanged") if decision == "kept" else ("update", "planned"))
    mail = the(one, "mail")
    assert (mail["decision"], mail["after"]) == (decision, after)
    assert mail["reason"] == f"the record gives no value, and empty_values: {empty_values}"


def test_a_record_that_is_as_it_should_be(scene: Scene) -> None:
    scene.rows = [person("a1")]
    scene.entry("e1", "A1", roomNumber="007")
    fields = [*FIELDS[1:], {"to": "roomNumber", "static": "7"}]
    (one,) = explain(scene, "a1", fields=fields)
    assert (one["result"], one["matched_by"], one["op"]) == ("unchanged", "folding", None)
    assert "only when case, spaces and accents are folded" in one["reason"]
    assert the(one, "roomNumber")["reason"] == "both are the same value, written differently"


def test_an_entry_that_is_found_by_its_link(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("e1", "9")
    scene.links = {"e1": "1"}
    (one,) = explain(scene, "1")
    assert (one["matched_by"], one["op"], told(one)["employeeNumber"]) == ("link", "update", "set")


def test_a_rejected_record_and_the_attribute_at_fault(scene: Scene) -> None:
    scene.rows = [person("1", room="none", mail="new@x")]
    scene.entry("e1", "1")
    (one,) = explain(scene, "1", fields=[*FIELDS, {"to": "roomNumber", "from": "room"}])
    assert (one["result"], one["op"], one["matched_by"]) == ("rejected", None, "key")
    assert one["reason"].startswith("roomNumber: none is not allowed here")
    room, mail = the(one, "roomNumber"), the(one, "mail")
    assert (room["decision"], room["source"]) == ("rejected", {"room": ["none"]})
    assert room["reason"].startswith("none is not allowed here")
    assert (mail["decision"], mail["wanted"], mail["before"], mail["after"]) == (None, ["new@x"], [], None)


def test_two_records_with_the_key(scene: Scene) -> None:
    scene.rows = [person("1"), person("2"), person("1", "Eve")]
    found = explain(scene, "1")
    assert [(one["record"], one["result"]) for one in found] == [("line 2", "rejected"), ("line 4", "rejected")]
    assert found[0]["reason"] == "the key stands in other records as well: line 4"


def test_many_records_with_the_key_take_no_more_room_than_some(scene: Scene) -> None:
    scene.rows = [person("1") for _ in range(50)]
    assert len(explain(scene, "1")) == 5


def test_an_entry_that_is_protected(scene: Scene) -> None:
    scene.rows = [person("1", last="New")]
    scene.store.guarded = frozenset({scene_dn := f"cn=Ann Low,{PEOPLE}"})
    scene.entry("e1", "1")
    (one,) = explain(scene, "1")
    assert (one["result"], one["reason"]) == ("rejected", f"{scene_dn} is protected: no run may change it")


def test_a_name_that_another_entry_has(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("e2", "2")
    (one,) = explain(scene, "1")
    assert (one["result"], one["reason"].startswith("cn: the name")) != ("planned", True)
    assert "cn=Ann Low" in one["reason"]


def test_a_new_record_where_the_job_creates_none(scene: Scene) -> None:
    scene.rows = [person("1")]
    (one,) = explain(scene, "1", missing="skip")
    assert (one["result"], one["op"], one["reason"]) == ("left_alone", None, "no entry has this key; missing: skip")


def test_a_key_that_nobody_has(scene: Scene) -> None:
    scene.rows = [person("1")]
    (one,) = explain(scene, "7")
    assert (one["result"], one["attributes"]) == ("not_found", [])


@pytest.mark.parametrize(
    ("job", "linked", "op", "reason"),
    [
        ({"extra": "delete"}, True, "delete", "extra: delete, in a run of the whole job"),
        ({"extra": "move", "move_to": "ou=Left,dc=example,dc=org"}, True, "move", "extra: move"),
        ({"extra": "delete"}, False, None, "extra_scope: linked"),
        ({"extra": "delete", "extra_scope": "all"}, False, "delete", "extra: delete"),
        ({}, True, None, "extra: skip"),
    ],
)
def test_an_entry_without_a_record(scene: Scene, job: Any, linked: bool, op: str | None, reason: str) -> None:
    scene.rows = [person("1")]
    scene.entry("e7", "7", "Gone", mail="g@x")
    scene.links = {"e7": "7"} if linked else {}
    (one,) = explain(scene, "7", **job)
    assert (one["op"], one["record"], one["id"]) == (op, None, "e7")
    assert one["result"] == ("planned" if op else "left_alone")
    assert reason in one["reason"]
    mail = the(one, "mail")
    assert (mail["decision"], mail["after"]) == (("deleted", []) if op == "delete" else ("unchanged", ["g@x"]))


def test_an_extra_that_stays_since_a_key_cannot_be_read_or_since_it_is_protected(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("e7", "7", "Gone")
    scene.links = {"e7": "7"}
    scene.store.guarded = frozenset({f"cn=Gone Low,{PEOPLE}"})
    (one,) = explain(scene, "7", extra="delete")
    assert "is protected" in one["reason"]
    scene.broken = [Rejected("line 9", None, None, "broken")]
    (one,) = explain(scene, "7", extra="delete")
    assert (one["result"], "nothing is removed" in one["reason"]) == ("left_alone", True)


def test_an_entry_under_a_key_of_its_own_that_belongs_to_another_record(scene: Scene) -> None:
    scene.rows = [person("1")]
    scene.entry("e1", "9")
    scene.links = {"e1": "1"}
    (one,) = explain(scene, "9", extra="delete")
    assert (one["result"], "it belongs to the record 1" in one["reason"]) == ("left_alone", True)


def test_a_record_that_a_whole_run_may_take_for_a_linked_entry(scene: Scene) -> None:
    """A run for one record cannot know whether another is like it; the whole run must not surprise who reads this."""
    scene.rows = [person("2")]
    scene.entry("e1", "1")
    scene.links = {"e1": "1"}
    (one,) = explain(scene, "2")
    assert f"the values of cn=Ann Low,{PEOPLE}, whose record is gone" in one["reason"]


def test_passwords_are_shown_to_nobody(scene: Scene) -> None:
    scene.rows = [person("1", room="s3cret", passwd="s3cret")]
    scene.entry("e1", "1", firstPassword="0ld-s3cret", title="s3cret")
    fields = [
        *FIELDS,
        {"to": "firstPassword", "left": {"from": "room", "length": 99}},
        {"to": "title", "from": "room"},
        {"to": "company", "join": ["room", "passwd"]},
    ]
    (one,) = explain(scene, "1", fields=fields)
    first = the(one, "firstPassword")
    assert (first["decision"], first["secret"]) == ("set", True)
    assert [first[name] for name in ("source", "wanted", "before", "after", "add", "remove")] == [
        {}, None, None, None, [], [],
    ]  # fmt: skip
    assert (the(one, "title")["source"], the(one, "company")["source"]) == ({}, {})


def test_a_password_that_is_made_is_told_as_that(scene: Scene) -> None:
    scene.rows = [person("1")]
    made = {"to": "userPassword", "password": {}, "only_on_create": True}
    (one,) = explain(scene, "1", fields=[*FIELDS, made])
    told = the(one, "userPassword")
    assert (told["decision"], told["secret"]) == ("set", True)
    assert told["reason"] == "a password is made when the entry is written"


def test_what_is_wrong_with_a_password_is_not_told_with_its_value(scene: Scene) -> None:
    scene.rows = [person("1", passwd="s3\0cret")]
    (one,) = explain(scene, "1", fields=[*FIELDS, {"to": "firstPassword", "from": "passwd"}])
    assert (one["result"], one["reason"]) == ("rejected", "firstPassword: its value cannot be used")
    assert "s3" not in str(one)


def test_a_script_that_reads_no_column_is_shown_with_none(scene: Scene) -> None:
    scene.rows = [person("1", room="7")]
    fields = [*FIELDS, {"to": "title", "script": "'ACME'"}, {"to": "company", "script": "str(source)"}]
    options = Options(records=("1",), explain=True)
    (one,) = scene.plan(options=options, scripts=OneAnswer(), fields=fields).explanations
    assert the(one, "title")["source"] == {}
    assert the(one, "company")["source"].keys() >= {"id", "first", "room"}, "what it reads cannot be told"


def test_what_nobody_asked_for_is_not_kept(scene: Scene) -> None:
    scene.rows = [person("1")]
    assert scene.plan(options=Options(records=("1",))).explanations == ()
    assert scene.plan(options=Options(explain=True)).explanations == ()


def test_long_values_and_nul_characters_are_written_so_that_they_can_be_stored(scene: Scene) -> None:
    scene.rows = [person("1", mail="x" * 5_000, room="a\0b")]
    (one,) = explain(scene, "1", fields=[*FIELDS, {"to": "title", "from": "room"}])
    assert the(one, "mail")["wanted"] == ["x" * 1_000 + "… (5000 characters)"]
    assert the(one, "title")["source"] == {"room": ["a\\00b"]}
