"""What a directory cannot take, or does not let the account do: a clear message for the record, the others go on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.desk import Desk, Row
from tests.support.slapd import BIND_DN, Setup, running_slapd

ANN, BO, CY = ("1", "Ann", "Berg", "Clerk"), ("2", "Bo", "Neil", "Clerk"), ("3", "Cy", "Smith", "Clerk")


def test_a_container_that_is_not_there_fails_the_run_and_is_named(desk: Desk) -> None:
    desk.job["destination"]["container"] = f"ou=Nowhere,{desk.unit}"
    desk.people(ANN)
    desk.apply()
    run = desk.run(4)
    assert (run["plan"], desk.writes()) == (None, [])
    assert f"has no entry ou=Nowhere,{desk.unit}; check base_dn and container, or create it" in run["reason"]


@dataclass(frozen=True)
class Mistake:
    """What the job differs in, the CSV's next rows, and what is said of which record; the third person is well."""

    rows: list[Row]
    said: dict[str, list[str]]
    result: str
    job: dict[str, Any] = field(default_factory=dict)


CHIEF = (*CY[:3], "Chief")
MISTAKES: dict[str, Callable[[Desk], Mistake]] = {
    "two people swap their names": lambda desk: Mistake(
        [("1", "Bo", "Neil", "Clerk"), ("2", "Ann", "Berg", "Clerk"), CHIEF],
        {
            "1": [f"name still held by cn=Bo Neil,{desk.unit} (key {desk.id_of('2')})", "the two swap names"],
            "2": [f"name still held by cn=Ann Berg,{desk.unit} (key {desk.id_of('1')})", "the two swap names"],
        },
        "rejected",
    ),
    "a value of another syntax": lambda desk: Mistake(
        [ANN, (*BO[:3], "żółw"), CHIEF],
        {"2": ["telephoneNumber", "correct the value in the source or its mapping"]},
        "failed",
        {"fields": [*desk.job["fields"], {"to": "telephoneNumber", "from": "title"}]},
    ),
}


@pytest.mark.parametrize("of", MISTAKES.values(), ids=MISTAKES)
def test_one_record_is_told_what_is_wrong_and_the_others_go_on(desk: Desk, of: Callable[[Desk], Mistake]) -> None:
    mistake = of(desk)
    desk.job |= mistake.job
    desk.people(ANN, BO, CY)
    desk.apply()
    desk.run()
    before = desk.entries()
    desk.people(*mistake.rows)
    run = desk.run(3)
    changes = desk.changes(run) | desk.changes(run, "--result", "rejected")
    bad = {short: changes.pop(short) for short in mistake.said}
    assert {one["result"] for one in bad.values()} == {mistake.result}
    for short, words in mistake.said.items():
        assert [word for word in words if word not in bad[short]["reason"]] == [], bad[short]["reason"]
    assert {short: one["result"] for short, one in changes.items()} == {"3": "applied"}
    after = desk.entries()
    assert [short for short in before if before[short] != after[short]] == ["3"]


def test_a_name_that_the_same_plan_frees_comes_with_the_next_run(desk: Desk) -> None:
    desk.people(ANN, BO)
    desk.apply()
    desk.run()
    desk.people(("1", "Bo", "Neil", "Clerk"), ("2", "Bob", "Neil", "Clerk"))
    changes = desk.changes(desk.run(3), "--result", "rejected")
    assert changes["1"]["reason"] == f"name still held by cn=Bo Neil,{desk.unit} (key {desk.id_of('2')})"
    run = desk.run()
    assert (run["plan"]["move"], run["results"]["applied"]) == (1, 1)
    assert {short: one["cn"] for short, one in desk.entries().items()} == {"1": ["Bo Neil"], "2": ["Bob Neil"]}


def test_an_account_that_may_not_write_is_told_what_right_it_lacks(desk: Desk) -> None:
    """It may write all but titles, and remove nobody."""
    desk.people(ANN, BO, CY)
    rights = f'access to attrs=title by dn.exact="{BIND_DN}" read by * none\n'
    rights += f'access to dn.subtree="{desk.unit}" attrs=children by dn.exact="{BIND_DN}" add by * none\n'
    with running_slapd(Setup(access=rights)) as careful:
        with careful.hand() as hand:
            hand.add(desk.unit, "organizationalUnit")
            for short, first, last, title in (ANN, BO, CY):
                values = {"givenName": first, "sn": last, "title": title, "employeeNumber": desk.id_of(short)}
                assert hand.add(f"cn={first} {last},{desk.unit}", "inetOrgPerson", values), hand.result
        desk.directory["url"] = careful.url
        desk.job["extra_scope"] = "all"
        desk.people((*ANN[:3], "Chief"), ("2", "Bo", "Nail", "Clerk"), ("4", "Di", "New", ""))
        desk.apply()
        changes = desk.changes(desk.run(3))
    assert {short: one["result"] for short, one in changes.items()} == {
        "1": "failed", "2": "failed", "3": "skipped", "4": "applied",
    }  # fmt: skip
    assert changes["1"]["reason"].endswith(f"give the bind account the right to write title of cn=Ann Berg,{desk.unit}")
    assert changes["2"]["reason"].endswith(f"give the bind account the right to rename cn=Bo Neil,{desk.unit}")
