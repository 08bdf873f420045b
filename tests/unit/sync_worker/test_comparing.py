"""What becomes of one attribute."""

import pytest

from placet_shared.objects import Field
from placet_sync_worker.changes import AttributeChange, Phase
from placet_sync_worker.planning.comparing import MOST_VALUES, Refused, compare, compare_name, modifies
from placet_sync_worker.planning.design import Target
from placet_sync_worker.ports import Attribute
from placet_sync_worker.testing.destination import FakeDestination

STORE = FakeDestination()


def target(name: str, **settings: str) -> Target:
    return Target(Field.model_validate({"to": name, "from": "x", **settings}), STORE.attribute(name))


def changed(name: str, before: list[str], after: list[str], **settings: str) -> tuple[str, ...] | None:
    """The values after; None for no change."""
    found = compare(target(name, **settings), tuple(before), tuple(after), clear=False, required=False)
    return found.after if found else None


def test_values_are_compared_exactly() -> None:
    assert changed("sn", ["SMITH"], ["Smith"]) == ("Smith",)
    assert changed("sn", ["Smith"], ["Smith"]) is None


def test_the_matching_rule_can_be_asked_for() -> None:
    assert changed("sn", ["SMITH"], ["Smith"], compare="matching_rule") is None


def test_values_are_sets() -> None:
    assert changed("mail", ["a", "b"], ["b", "a", "a"]) is None
    assert changed("mail", ["a", "b"], ["b", "c"]) == ("b", "c")


def test_values_are_decoded_by_their_syntax() -> None:
    assert changed("roomNumber", ["7"], ["007"]) is None
    assert changed("manager", ["CN=Ann, dc=org"], ["cn=ann,dc=org"]) is None


def test_values_that_are_equal_in_another_spelling_stay_as_they_are() -> None:
    assert changed("manager", ["CN=Ann,dc=org", "cn=x"], ["cn=ann,dc=org", "cn=y"]) == ("CN=Ann,dc=org", "cn=y")


def test_a_stored_value_that_its_syntax_does_not_allow_is_replaced() -> None:
    assert changed("roomNumber", ["upstairs"], ["7"]) == ("7",)


def test_empty_values_are_kept_or_cleared_but_never_where_they_are_required() -> None:
    sn = target("sn")
    assert compare(sn, ("a",), (), clear=False, required=True) is None
    assert compare(sn, ("a",), (), clear=True, required=False) == AttributeChange("sn", ("a",), ())
    assert compare(sn, (), (), clear=True, required=True) is None
    with pytest.raises(Refused, match="sn cannot be cleared"):
        compare(sn, ("a",), (), clear=True, required=True)


def named(before: list[str], after: list[str], name: str, *, clear: bool = False) -> tuple[tuple[str, ...] | None, str]:
    found, then = compare_name(target("cn"), tuple(before), tuple(after), name, clear=clear)
    return (found.after if found else None), then


def test_a_changed_name_takes_the_place_of_the_old_one_and_other_values_are_kept() -> None:
    assert named(["Ann Low", "Annie"], ["Ann Lee"], "Ann Low") == (("Ann Lee", "Annie"), "Ann Lee")


def test_other_values_of_a_naming_attribute_are_no_difference() -> None:
    assert named(["Ann Low", "Annie"], ["Ann Low"], "Ann Low") == (None, "Ann Low")


def test_a_name_may_become_one_of_the_other_values() -> None:
    assert named(["Ann Low", "ANN LEE"], ["Ann Lee"], "Ann Low") == (("ANN LEE",), "Ann Lee")


def test_a_name_that_differs_by_case_is_a_change() -> None:
    assert named(["ann low"], ["Ann Low"], "ann low") == (("Ann Low",), "Ann Low")


def test_a_value_spelled_otherwise_than_in_the_dn_is_mended_without_a_rename() -> None:
    assert named(["ann low"], ["Ann Low"], "Ann Low") == (("Ann Low",), "Ann Low")


def test_several_values_that_keep_the_name_are_a_set() -> None:
    assert named(["Ann", "Annie"], ["Ann", "Anka"], "Ann") == (("Ann", "Anka"), "Ann")
    with pytest.raises(Refused, match="cn names the entry and is to change among 2 values"):
        named(["Ann"], ["Anka", "Annie"], "Ann")


def test_a_name_cannot_be_cleared() -> None:
    assert named(["Ann"], [], "Ann") == (None, "Ann")
    with pytest.raises(Refused, match="cn cannot be cleared"):
        named(["Ann"], [], "Ann", clear=True)


def large(name: str, add: int, remove: int = 0) -> AttributeChange:
    return AttributeChange(name, tuple(f"old{n}" for n in range(remove)), tuple(f"new{n}" for n in range(add)))


def test_small_changes_share_a_modify() -> None:
    (step,) = modifies([large("sn", 1, 1), large("mail", 2)], STORE.attribute, Phase.UPDATE)
    assert step.attributes == ("sn", "mail")
    assert step.part is None


def test_a_modify_has_at_most_a_thousand_values() -> None:
    steps = modifies([large("mail", 600), large("cn", 600), large("member", 1500, 700)], STORE.attribute, Phase.UPDATE)
    assert sorted((step.attributes, step.part or (0, 0)) for step in steps) == [
        (("cn",), (0, 0)),
        (("mail",), (0, 0)),
        (("member",), (0, 1000)),
        (("member",), (1000, 2000)),
        (("member",), (2000, 2200)),
    ]
    assert MOST_VALUES == 1000


def test_what_can_only_be_replaced_is_not_cut_into_parts() -> None:
    (step,) = modifies([large("jpegPhoto", 1500)], STORE.attribute, Phase.UPDATE)
    assert step.part is None


def test_the_store_says_how_values_are_folded() -> None:
    assert isinstance(STORE.attribute("surname"), Attribute)
    assert STORE.attribute("surname").name == "sn"
