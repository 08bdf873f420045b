"""From people in a CSV to entries in a directory: planned, approved, applied, reported."""

from tests.support.desk import Desk
from tests.support.stack import text_of, until

FIRST = (("1", "Ann", "Ólafsdóttir", "Engineer"), ("2", "Bo", "O'Neil", "Clerk"), ("3", "Cy", "Smith, Jr.", "Head"))


def test_people_are_planned_approved_applied_and_reported(desk: Desk) -> None:
    desk.two_eyes()
    desk.job["notify"] = {"to": ["ops@example.org"], "when": "always"}
    desk.people(*FIRST)
    desk.apply()

    run = desk.request()
    assert (run["plan"]["create"], run["plan"]["safety"]) == (3, "assertion")
    assert desk.writes() == []
    asked = until(lambda: desk.stack.mails(desk.name), "the approver's mail")[0]
    assert asked["to"] == "bob@example.org"
    assert f"placet request approve {run['request']}" in text_of(asked)
    assert desk.bob.ask("request", "show", run["request"])["job"] == desk.name

    run = desk.approve(run)
    assert (run["state"], run["outcome"], run["results"]["applied"]) == ("finished", "succeeded", 3)
    changes, entries = desk.changes(run), desk.entries()
    assert {short: one["cn"] for short, one in entries.items()} == {
        "1": ["Ann Ólafsdóttir"], "2": ["Bo O'Neil"], "3": ["Cy Smith, Jr."],
    }  # fmt: skip
    for short, change in changes.items():
        assert (change["op"], change["result"]) == ("create", "applied")
        planned = {one["name"]: sorted(one["after"]) for one in change["attributes"]}
        assert planned == {name: sorted(entries[short][name]) for name in planned}
    assert [one.op for one in desk.writes()] == ["add"] * 3

    _told(desk, "3 created")
    _a_small_run(desk)
    _a_run_with_nothing_to_do(desk)


def _a_small_run(desk: Desk) -> None:
    """One joins, one has another title, one another name, one has left."""
    before, written = desk.entries(), len(desk.writes())
    desk.people(("1", "Ann", "Berg", "Engineer"), ("2", "Bo", "O'Neil", "Boss"), ("4", "Di", "New", "Clerk"))
    run = desk.request()
    planned = {op: run["plan"][op] for op in ("create", "update", "move", "delete")}
    assert planned == {"create": 1, "update": 1, "move": 1, "delete": 1}

    run = desk.approve(run)
    assert run["results"]["applied"] == 4
    entries = desk.entries()
    assert {short: one["dn"][0] for short, one in entries.items()} == {
        "1": f"cn=Ann Berg,{desk.unit}", "2": f"cn=Bo O'Neil,{desk.unit}", "4": f"cn=Di New,{desk.unit}",
    }  # fmt: skip
    assert entries["1"]["entryUUID"] == before["1"]["entryUUID"]
    assert (entries["1"]["sn"], entries["2"]["title"]) == (["Berg"], ["Boss"])
    ops = [one.op for one in desk.writes()[written:]]
    assert sorted(ops) == ["add", "delete", "modify", "modify", "modrdn"]
    assert ops[-1] == "delete"
    _told(desk, "3 created", "1 created, 1 updated, 1 moved, 1 deleted")


def _a_run_with_nothing_to_do(desk: Desk) -> None:
    written = len(desk.writes())
    run = desk.run()
    assert (run["request"], run["plan"]["unchanged"], run["outcome"]) == (None, 3, "succeeded")
    assert len(desk.writes()) == written
    _told(desk, "3 created", "1 created, 1 updated, 1 moved, 1 deleted", "nothing to change")


def _told(desk: Desk, *subjects: str) -> None:
    """The mails that ops has by now, no more and no fewer."""
    until(lambda: len(desk.mails("ops@example.org")) == len(subjects), f"{len(subjects)} mails")
    mails = desk.mails("ops@example.org")
    assert [one["subject"] for one in mails] == [f"[Placet] {desk.name}: {subject}" for subject in subjects]
