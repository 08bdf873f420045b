"""Names that only one entry can have."""

from placet_sync_worker.changes import AttributeChange, Change, Phase, Step
from placet_sync_worker.planning.naming import NAME, Claims
from placet_sync_worker.providers.ldap_names import dn_key
from placet_sync_worker.testing.destination import FakeDestination

UID = FakeDestination().attribute("uid")


def create(key: str, dn: str, **new: str) -> Change:
    attributes = tuple(AttributeChange(name, (), (value,)) for name, value in new.items())
    return Change(key, "create", dn, attributes, (Step("add", Phase.CREATE),))


def move(key: str, dn: str, target: str) -> Change:
    return Change(key, "move", dn, (), (Step("rename", Phase.UPDATE, target=target),), id=f"id{key}")


def claims(*changes: Change) -> Claims:
    made = Claims((UID,))
    for position, change in enumerate(changes):
        made.add(position, f"line {position + 2}", change)
    return made


def held(made: Claims, *dns: tuple[str, str]) -> dict[int, str]:
    return {n: r.reason for n, r in made.held(NAME, ((id_, dn, dn_key(dn)) for id_, dn in dns))}


def test_nobody_gets_a_name_that_two_want() -> None:
    made = claims(create("1", "cn=Ann,o=x"), move("2", "cn=b,o=x", "CN=ann,o=x"), create("3", "cn=c,o=x"))
    found = dict(made.contested())
    assert {n: r.reason for n, r in found.items()} == {
        0: "name is wanted by line 3 (key 2) as well",
        1: "name is wanted by line 2 (key 1) as well",
    }
    assert (found[0].record, found[0].key, found[0].attribute) == ("line 2", "1", None)


def test_a_name_that_an_entry_has_is_not_free() -> None:
    made = claims(create("1", "cn=Ann,o=x"))
    assert held(made, ("other", "cn=ANN, o=x")) == {0: "name still held by cn=ANN, o=x"}


def test_a_name_that_the_same_plan_frees_later_is_not_free_yet() -> None:
    made = claims(create("1", "cn=Ann,o=x"), move("2", "cn=Ann,o=x", "cn=Bob,o=x"))
    assert held(made, ("id2", "cn=Ann,o=x")) == {0: "name still held by cn=Ann,o=x (key 2)"}


def test_swaps_name_both() -> None:
    made = claims(move("1", "cn=a,o=x", "cn=b,o=x"), move("2", "cn=b,o=x", "cn=a,o=x"))
    assert held(made, ("id1", "cn=a,o=x"), ("id2", "cn=b,o=x")) == {
        0: "name still held by cn=b,o=x (key 2), which wants cn=a,o=x: the two swap names",
        1: "name still held by cn=a,o=x (key 1), which wants cn=b,o=x: the two swap names",
    }


def test_an_entry_may_get_its_own_name_in_another_spelling() -> None:
    made = claims(move("1", "cn=ann,o=x", "cn=Ann,o=x"))
    assert held(made, ("id1", "cn=ann,o=x")) == {}


def test_unique_attributes_are_names_too() -> None:
    made = claims(
        create("1", "cn=a,o=x", uid="Ann"), create("2", "cn=b,o=x", uid="ann"), create("3", "cn=c,o=x", uid="c")
    )
    found = dict(made.contested())
    assert {n: (r.attribute, r.reason) for n, r in found.items()} == {
        0: ("uid", "uid is wanted by line 3 (key 2) as well"),
        1: ("uid", "uid is wanted by line 2 (key 1) as well"),
    }
    assert {n: r.reason for n, r in made.held("uid", [("other", "cn=z,o=y", "c")])} == {2: "uid still held by cn=z,o=y"}


def test_plain_updates_want_nothing() -> None:
    update = Change(
        "1", "update", "cn=a", (AttributeChange("sn", (), ("x",)),), (Step("modify", Phase.UPDATE),), id="1"
    )
    assert not claims(update).claimants
