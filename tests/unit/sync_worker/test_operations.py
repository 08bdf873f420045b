"""The operation that a step becomes: what it compares, and that it can be repeated."""

import pytest
from msgspec.structs import replace

from placet_sync_worker.applying.operations import operation
from placet_sync_worker.changes import AttributeChange, Change, Phase, Step
from placet_sync_worker.ports import Modification, Operation, Safety
from placet_sync_worker.tasks import Task
from placet_sync_worker.testing.destination import FakeDestination

STORE = FakeDestination()
ANN, BOB = "cn=Ann,dc=x", "cn=Bob,dc=x"
SN = AttributeChange("sn", ("Low",), ("Lee",))
UNTOUCHED = "(|(&(entryUUID=id)(entryCSN=v1))(!(entryDN=cn=Ann,dc=x)))"


def a_step(step: Step, *attributes: AttributeChange, id_: str | None = "id") -> Task:
    return Task(0, 0, Change("1", "update", ANN, attributes, (step,), id_, "v1"), False, "v1", ANN)


def sent(task: Task, safety: Safety = "assertion") -> Operation:
    def encoded(_name: str, values: tuple[str, ...]) -> tuple[bytes, ...]:
        return tuple(value.encode() for value in values)

    return operation(task, safety, STORE.attribute, encoded, "(entryUUID=id)" if task.change.id else "")


MODIFY = Step("modify", Phase.UPDATE, attributes=("sn",))
STEPS = [MODIFY, Step("rename", Phase.UPDATE, BOB, ("cn",)), Step("delete", Phase.DELETE, attributes=("sn",))]


@pytest.mark.parametrize("step", STEPS, ids=[step.what for step in STEPS])
def test_whatever_changes_an_entry_asserts_that_it_is_untouched(step: Step) -> None:
    assert sent(a_step(step, SN)).assertion == UNTOUCHED
    assert sent(replace(a_step(step, SN), version="v2")).assertion == UNTOUCHED.replace("v1", "v2")
    assert sent(a_step(step, SN), "value").assertion is None


def test_an_add_asserts_nothing() -> None:
    made = sent(a_step(Step("add", Phase.CREATE, attributes=("sn",)), replace(SN, before=()), id_=None))
    assert (made.attributes, made.assertion) == ({"sn": (b"Lee",)}, None)


@pytest.mark.parametrize("safety", ["assertion", "value"])
def test_old_values_go_and_new_ones_come_in_one_modify(safety: Safety) -> None:
    mail = AttributeChange("mail", ("a", "b"), ("b", "c"))
    both = a_step(replace(MODIFY, attributes=("sn", "mail")), SN, mail)
    assert sent(both, safety).modifications == (
        Modification("delete", "sn", (b"Low",)),
        Modification("add", "sn", (b"Lee",)),
        Modification("delete", "mail", (b"a",)),
        Modification("add", "mail", (b"c",)),
    )


def test_what_has_no_equality_is_replaced_so_that_a_repeat_adds_nothing() -> None:
    photo = AttributeChange("jpegPhoto", ("old",), ("new",))
    parts = sent(a_step(replace(MODIFY, attributes=("jpegPhoto",)), photo)).modifications
    assert parts == (Modification("replace", "jpegPhoto", (b"new",)),)


def test_of_a_large_set_a_step_writes_its_own_part() -> None:
    mail = AttributeChange("mail", ("a", "b"), ("b", "c", "d"))
    first, second = (
        sent(a_step(Step("modify", Phase.UPDATE, attributes=("mail",), part=part), mail)).modifications
        for part in ((0, 2), (2, 3))
    )
    assert first == (Modification("add", "mail", (b"c", b"d")),)
    assert second == (Modification("delete", "mail", (b"a",)),)
