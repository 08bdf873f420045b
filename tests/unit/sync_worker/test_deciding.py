"""What becomes of a record and its entry."""

from dataclasses import replace
from typing import Any

import pytest

from placet_shared.objects import Job
from placet_shared.objects.provider import DisableSettings
from placet_sync_worker.changes import AttributeChange, Change, Phase, Reference, Step
from placet_sync_worker.planning.comparing import Refused
from placet_sync_worker.planning.deciding import Decider, Entry, Record
from placet_sync_worker.planning.design import Options
from placet_sync_worker.planning.examining import Examination
from placet_sync_worker.testing.destination import PEOPLE, FakeDestination

STORE = FakeDestination()
FIELDS = [
    {"to": "employeeNumber", "from": "id"},
    {"to": "cn", "from": "name"},
    {"to": "sn", "from": "last"},
    {"to": "mail", "from": "mail"},
]


def decider(options: Options = Options(), **job: Any) -> Decider:  # noqa: B008  # a frozen value
    document = {
        "name": "people",
        "object_type": "user",
        "source": {"provider": "hr"},
        "destination": {"provider": "corp", "container": PEOPLE, **job.pop("destination", {})},
        "key": [{"source": "id", "destination": "employeeNumber"}],
        "fields": FIELDS,
        **job,
    }
    examination = Examination(Job.model_validate(document), None, STORE, options)
    design = examination.design()
    assert design is not None, examination.problems
    return Decider(design, STORE.attribute, STORE.naming)


def record(id: str = "7", name: str = "Ann Low", last: str = "Low", mail: tuple[str, ...] = ()) -> Record:
    values = ((id,), (name,), (last,), mail)
    return Record("line 2", (id,), tuple(tuple(filter(None, one)) for one in values))


def entry(cn: tuple[str, ...] = ("Ann Low",), sn: str = "Low", mail: tuple[str, ...] = (), dn: str = "") -> Entry:
    return Entry("uuid", "csn", dn or f"cn={cn[0]},{PEOPLE}", (("7",), cn, (sn,), mail))


def updated(decided: Decider, wanted: Record, found: Entry) -> Change:
    change = decided.update(wanted, found)
    assert change is not None
    return change


def test_a_create_says_that_there_will_be_a_password() -> None:
    made = {"to": "userPassword", "password": {}, "only_on_create": True}
    wanted = record()
    change = decider(fields=[*FIELDS, made]).create(replace(wanted, values=(*wanted.values, ())))
    assert change.attributes[-1] == AttributeChange("userPassword", (), (), password=True)
    assert change.steps[0].attributes[-1] == "userPassword"


def test_a_create_is_one_add_with_everything() -> None:
    change = decider().create(record(name="Low, Ann", mail=("a@x", "b@x")))
    assert change == Change(
        key="7",
        op="create",
        dn=f"cn=Low\\, Ann,{PEOPLE}",
        attributes=(
            AttributeChange("objectClass", (), ("inetOrgPerson",)),
            AttributeChange("employeeNumber", (), ("7",)),
            AttributeChange("cn", (), ("Low, Ann",)),
            AttributeChange("sn", (), ("Low",)),
            AttributeChange("mail", (), ("a@x", "b@x")),
        ),
        steps=(Step("add", Phase.CREATE, attributes=("objectClass", "employeeNumber", "cn", "sn", "mail")),),
    )


def test_containers_come_before_what_stands_in_them() -> None:
    units = decider(
        object_type="organizational_unit",
        key=[{"source": "id", "destination": "ou"}],
        fields=[{"to": "ou", "from": "id"}],
    )
    assert units.create(Record("line 2", ("Sales",), (("Sales",),))).steps[0].phase is Phase.CONTAINERS


@pytest.mark.parametrize(("lacking", "attribute"), [(record(last=""), "sn"), (record(name=""), "cn")])
def test_a_create_without_a_required_attribute_is_refused_by_its_name(lacking: Record, attribute: str) -> None:
    with pytest.raises(Refused, match=f"user needs {attribute}") as caught:
        decider().create(lacking)
    assert caught.value.attribute == attribute


def test_an_entry_that_its_own_key_would_not_find_is_not_made() -> None:
    made = decider(fields=[*FIELDS[1:], {"to": "employeeNumber", "static": "P7"}])
    with pytest.raises(Refused, match="would not be found again: its key is 7, but employeeNumber becomes P7"):
        made.create(Record("line 2", ("7",), (("Ann",), ("Low",), (), ("P7",))))


def test_a_key_that_no_field_makes_goes_into_new_entries_all_the_same() -> None:
    made = decider(fields=FIELDS[1:])
    change = made.create(Record("line 2", ("7",), (("Ann",), ("Low",), (), ("7",))))
    assert AttributeChange("employeeNumber", (), ("7",)) in change.attributes
    assert "employeeNumber" not in {made.design.targets[n].name for n in made.design.compared}


def test_an_entry_that_is_as_wanted_is_left_alone() -> None:
    assert decider().update(record(mail=("a",)), entry(mail=("a",))) is None


def test_what_is_left_of_a_creation_that_was_only_begun_is_a_create_still() -> None:
    made = decider()
    kind = replace(made.design.object_type, late={"mail": ("none",)})
    made = replace(made, design=replace(made.design, object_type=kind), half_made={"uuid"})
    left = Step("modify", Phase.UPDATE, attributes=("mail",))
    change = updated(made, record(mail=("a",)), entry(mail=("none",)))
    assert (change.op, change.id, change.version, change.steps) == ("create", "uuid", "csn", (left,))
    assert change.attributes == (AttributeChange("mail", ("none",), ("a",)),)
    change = updated(made, record(last="Lee", mail=("a",)), entry())
    assert change.steps == (Step("modify", Phase.UPDATE, attributes=("sn",)), left)
    assert made.update(record(), entry()) is None
    assert made.update(record(mail=("a",)), replace(entry(mail=("a",)), id="other")) is None


def test_an_update_is_one_modify_of_what_differs() -> None:
    change = updated(decider(), record(last="Lee", mail=("b", "c")), entry(mail=("a", "b")))
    assert (change.op, change.dn, change.id, change.version) == ("update", f"cn=Ann Low,{PEOPLE}", "uuid", "csn")
    assert change.attributes == (
        AttributeChange("sn", ("Low",), ("Lee",)),
        AttributeChange("mail", ("a", "b"), ("b", "c")),
    )
    assert change.steps == (Step("modify", Phase.UPDATE, attributes=("sn", "mail")),)


def test_a_changed_name_is_a_move_a_rename_and_then_the_rest() -> None:
    change = updated(decider(), record(name="Ann Lee", last="Lee"), entry(cn=("Ann Low", "Annie")))
    assert change.op == "move"
    assert change.attributes[0] == AttributeChange("cn", ("Ann Low", "Annie"), ("Ann Lee", "Annie"))
    assert change.steps == (
        Step("rename", Phase.UPDATE, target=f"cn=Ann Lee,{PEOPLE}", attributes=("cn",)),
        Step("modify", Phase.UPDATE, attributes=("sn",)),
    )


def test_a_move_with_nothing_else_is_a_rename_alone() -> None:
    change = updated(decider(), record(name="Ann+Lee "), entry())
    assert [(step.what, step.target) for step in change.steps] == [("rename", f"cn=Ann\\+Lee\\ ,{PEOPLE}")]


def test_an_entry_stays_where_it_stands_when_it_is_renamed() -> None:
    change = updated(decider(), record(name="Ann Lee"), entry(dn=f"cn=Ann Low,ou=Sales,{PEOPLE}"))
    assert change.steps[0].target == f"cn=Ann Lee,ou=Sales,{PEOPLE}"


def test_an_entry_that_another_attribute_names_is_updated() -> None:
    change = updated(decider(), record(name="Ann Lee"), entry(dn=f"uid=ann,{PEOPLE}"))
    assert (change.op, change.steps) == ("update", (Step("modify", Phase.UPDATE, attributes=("cn",)),))


def test_a_name_of_two_attributes_keeps_the_other_one() -> None:
    change = updated(decider(), record(name="Ann Lee"), entry(dn=f"commonName=Ann Low+uid=ann,{PEOPLE}"))
    assert change.steps[0].target == f"cn=Ann Lee+uid=ann,{PEOPLE}"


def test_what_is_for_creates_alone_is_not_compared() -> None:
    fields = [*FIELDS[:3], {"to": "mail", "from": "mail", "only_on_create": True}]
    once = decider(fields=fields)
    found = Entry("uuid", "csn", f"cn=Ann Low,{PEOPLE}", (("7",), ("Ann Low",), ("Low",)))
    assert once.update(record(mail=("new",)), found) is None


def test_what_the_object_type_needs_cannot_be_cleared() -> None:
    with pytest.raises(Refused, match="sn cannot be cleared"):
        decider(empty_values="clear").update(record(last=""), entry())


def test_empty_values_are_cleared_where_the_job_says_so() -> None:
    change = updated(decider(empty_values="clear"), record(), entry(mail=("a",)))
    assert change.attributes == (AttributeChange("mail", ("a",), ()),)


def test_a_delete_has_the_planned_attributes_as_conditions() -> None:
    change = decider(extra="delete").remove("7", entry(mail=("a",)))
    assert change == Change(
        key="7",
        op="delete",
        dn=f"cn=Ann Low,{PEOPLE}",
        attributes=tuple(
            AttributeChange(name, (value,), ())
            for name, value in [("employeeNumber", "7"), ("cn", "Ann Low"), ("sn", "Low"), ("mail", "a")]
        ),
        steps=(Step("delete", Phase.DELETE, attributes=("employeeNumber", "cn", "sn", "mail")),),
        id="uuid",
        version="csn",
    )


def test_disabling_writes_what_the_provider_says_and_only_once() -> None:
    off = decider(Options(disable=DisableSettings(attribute="employeeType", value="inactive")), extra="disable")
    values = (("7",), ("Ann Low",), ("Low",), ())
    change = off.remove("7", Entry("uuid", "csn", "cn=x", (*values, ("staff",))))
    assert change is not None
    assert change.op == "disable"
    assert change.attributes == (AttributeChange("employeeType", ("staff",), ("inactive",)),)
    assert change.steps == (Step("modify", Phase.DISABLE, attributes=("employeeType",)),)
    assert off.remove("7", Entry("uuid", "csn", "cn=x", (*values, ("inactive",)))) is None


def test_what_a_new_entry_gets_late_comes_in_steps_of_its_own() -> None:
    decided = decider()
    late = {"sn": (), "mail": ("none@x",)}
    kind = replace(decided.design.object_type, late=late)
    change = replace(decided, design=replace(decided.design, object_type=kind)).create(record(mail=("a@x",)))
    assert change.steps == (
        Step("add", Phase.CREATE, attributes=("objectClass", "employeeNumber", "cn")),
        Step("modify", Phase.CREATE, attributes=("sn",)),
        Step("modify", Phase.UPDATE, attributes=("mail",)),
    )
    assert AttributeChange("mail", ("none@x",), ("a@x",)) in change.attributes


def test_the_last_of_it_comes_when_the_entry_has_its_references() -> None:
    """An account is enabled when it has its password and its manager."""
    boss = {"to": "manager", "resolve": {"from": "boss", "match": "employeeNumber"}}
    decided = decider(fields=[*FIELDS, boss])
    kind = replace(decided.design.object_type, late={"sn": (), "mail": ("none@x",)})
    made = replace(decided, design=replace(decided.design, object_type=kind), half_made={"uuid"})
    name = f"cn=Boss,{PEOPLE}"
    wanted = record(mail=("a@x",))
    wanted = replace(wanted, values=(*wanted.values, (name,)), references={name: Reference(name, id="boss")})
    assert made.create(wanted).steps == (
        Step("add", Phase.CREATE, attributes=("objectClass", "employeeNumber", "cn")),
        Step("modify", Phase.CREATE, attributes=("sn",)),
        Step("modify", Phase.REFERENCES, attributes=("manager",)),
        Step("modify", Phase.REFERENCES, attributes=("mail",)),
    )
    half = Entry("uuid", "csn", f"cn=Ann Low,{PEOPLE}", (("7",), ("Ann Low",), ("Low",), ("none@x",), ()))
    assert updated(made, wanted, half).steps == (
        Step("modify", Phase.REFERENCES, attributes=("manager",)),
        Step("modify", Phase.REFERENCES, attributes=("sn",)),
        Step("modify", Phase.REFERENCES, attributes=("mail",)),
    )


def test_what_is_given_may_depend_on_what_a_job_writes() -> None:
    decided = decider()
    given = {"mail": {"title": ("has mail",)}, "uid": {"title": ("has uid",)}}
    kind = replace(decided.design.object_type, given_with=given)
    change = replace(decided, design=replace(decided.design, object_type=kind)).create(record())
    assert AttributeChange("title", (), ("has mail",)) in change.attributes
