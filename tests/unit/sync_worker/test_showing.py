"""How a change is shown to people."""

import json
from types import SimpleNamespace
from typing import Any

from placet_sync_worker.api import SHOWN_VALUES, show_change
from placet_sync_worker.changes import AttributeChange, Change, Op, Phase, Reference, Step
from placet_sync_worker.plan import canonical


def shown(attribute: AttributeChange, op: Op = "update") -> Any:
    change = Change("1", op, "cn=a", (attribute,), (Step("modify", Phase.UPDATE),), "a", "v1")
    document = json.loads(canonical(change))
    row: Any = SimpleNamespace(number=0, key="1", document=document, op=op, result=None, reason=None)
    (found,) = show_change(row, {})["attributes"]
    return found


def test_few_values_are_shown_as_they_are_with_what_they_refer_to() -> None:
    boss = AttributeChange("manager", ("cn=b",), ("cn=c",), references=(Reference("cn=c", id="c"),))
    assert shown(boss) == {
        "name": "manager", "before": ["cn=b"], "after": ["cn=c"], "references": [{"dn": "cn=c", "id": "c"}],
    }  # fmt: skip
    password = AttributeChange("userPassword", (), (), password=True)
    assert shown(password) == {"name": "userPassword", "before": [], "after": [], "password": True}


def test_of_many_values_those_are_shown_that_come_and_go() -> None:
    many = tuple(f"cn={number}" for number in range(SHOWN_VALUES + 1))
    change = AttributeChange("member", many, (*many[1:], "cn=new"))
    assert shown(change) == {"name": "member", "add": ["cn=new"], "remove": ["cn=0"], "count": len(many)}


def test_of_a_new_entry_all_values_come() -> None:
    old = tuple(f"cn={number}" for number in range(SHOWN_VALUES + 1))
    new = (*old[1:], "cn=new")
    found = shown(AttributeChange("member", old, new), "create")
    assert found == {"name": "member", "add": [*new], "remove": [], "count": len(new)}
    made_until_then = AttributeChange("member", ("cn=old",), ("cn=new",))
    assert shown(made_until_then, "create") == {"name": "member", "before": [], "after": ["cn=new"]}
