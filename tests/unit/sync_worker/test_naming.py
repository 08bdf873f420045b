"""Names that only one entry can have."""

from placet_sync_worker.changes import AttributeChange, Change, Phase, Rejected, Step
from placet_sync_worker.planning.naming import NAME, Claims, explain, names_of
from placet_sync_worker.testing.destination import FakeDestination

NAMING = FakeDestination().naming
UID = FakeDestination().attribute("uid")


def create(key: str, dn: str, **new: str) -> Change:
    attributes = tuple(AttributeChange(name, (), (value,)) for name, value in new.items())
    return Change(key, "create", dn, attributes, (Step("add", Phase.CREATE),))


def move(key: str, dn: str, target: str) -> Change:
    return Change(key, "move", dn, (), (Step("rename", Phase.UPDATE, target=target),), id=f"id{key}")


def rejected(*changes: Change, **held: list[tuple[str, str]]) -> dict[int, Rejected]:
    """Who gets no name. `held` are (id, DN) of entries, and (id, folded value) by attribute."""
    claims = Claims((UID,), NAMING)
    for position, change in enumerate(changes):
        claims.add(position, change)
    claims.compare(NAME, ((id_, dn, NAMING.key(dn)) for id_, dn in held.get("entries", [])))
    claims.compare("uid", ((id_, "cn=z,o=y", value) for id_, value in held.get("uids", [])))
    decided = ((position, f"line {position + 2}", change) for position, change in enumerate(changes))
    found = {one.record: one for _, _, one in explain(claims, decided)}
    assert claims.losers == {int(record.split()[1]) - 2 for record in found}
    return {int(record.split()[1]) - 2: one for record, one in found.items()}


def reasons(*changes: Change, **held: list[tuple[str, str]]) -> dict[int, str]:
    return {position: one.reason for position, one in rejected(*changes, **held).items()}


def test_nobody_gets_a_name_that_several_want() -> None:
    changes = [create("1", "cn=Ann,o=x"), move("2", "cn=b,o=x", "CN=ann,o=x"), create("3", "cn=c,o=x")]
    found = rejected(*changes, create("4", "cn=Ann,o=x"))
    assert {n: one.reason for n, one in found.items()} == {
        0: "name is wanted by line 3 (key 2) as well",
        1: "name is wanted by line 2 (key 1) as well",
        3: "name is wanted by line 2 (key 1) as well",
    }
    assert (found[0].record, found[0].key, found[0].attribute) == ("line 2", "1", None)


def test_a_name_that_an_entry_has_is_not_free() -> None:
    found = reasons(create("1", "cn=Ann,o=x"), entries=[("other", "cn=ANN, o=x")])
    assert found == {0: "name still held by cn=ANN, o=x"}


def test_a_name_that_the_same_plan_frees_later_is_not_free_yet() -> None:
    changes = [create("1", "cn=Ann,o=x"), move("2", "cn=Ann,o=x", "cn=Bob,o=x")]
    assert reasons(*changes, entries=[("id2", "cn=Ann,o=x")]) == {0: "name still held by cn=Ann,o=x (key 2)"}


def test_swaps_name_both() -> None:
    changes = [move("1", "cn=a,o=x", "cn=b,o=x"), move("2", "cn=b,o=x", "cn=a,o=x")]
    assert reasons(*changes, entries=[("id1", "cn=a,o=x"), ("id2", "cn=b,o=x")]) == {
        0: "name still held by cn=b,o=x (key 2), which wants cn=a,o=x: the two swap names",
        1: "name still held by cn=a,o=x (key 1), which wants cn=b,o=x: the two swap names",
    }


def test_an_entry_may_get_its_own_name_in_another_spelling() -> None:
    assert not rejected(move("1", "cn=ann,o=x", "cn=Ann,o=x"), entries=[("id1", "cn=ann,o=x")])


def test_unique_attributes_are_names_too() -> None:
    changes = [create("1", "cn=a,o=x", uid="Ann"), create("2", "cn=b,o=x", uid="ann"), create("3", "cn=c,o=x", uid="c")]
    found = rejected(*changes, uids=[("other", "c")])
    assert {n: (one.attribute, one.reason) for n, one in found.items()} == {
        0: ("uid", "uid is wanted by line 3 (key 2) as well"),
        1: ("uid", "uid is wanted by line 2 (key 1) as well"),
        2: ("uid", "uid still held by cn=z,o=y"),
    }


def test_plain_updates_want_nothing() -> None:
    update = Change(
        "1", "update", "cn=a", (AttributeChange("sn", (), ("x",)),), (Step("modify", Phase.UPDATE),), id="1"
    )
    assert names_of(update, (UID,), NAMING) == set()
