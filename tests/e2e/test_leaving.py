"""People who leave go to a place that is made for them, and the approver sees it in the plan."""

from tests.support.desk import Desk

ANN, BOB = ("1", "Ann", "Low", "Clerk"), ("2", "Bob", "Roe", "Clerk")


def test_who_left_is_moved_to_a_unit_that_the_plan_makes(desk: Desk) -> None:
    left = f"ou=Left,{desk.unit}"
    place = f"ou=2026,{left}"
    desk.people(ANN, BOB)
    desk.apply()
    desk.run()
    desk.people(ANN)
    desk.job |= {"extra": "move", "move_to": place}
    desk.apply()
    failed = desk.run(code=4)
    assert f"move_to: {place} is missing; create it, or set `create_move_to: true`" in failed["reason"]

    desk.job["create_move_to"] = True
    desk.two_eyes()
    desk.apply()
    run = desk.request()
    assert {key: change["op"] for key, change in desk.changes(run).items()} == {
        left: "create",
        place: "create",
        "2": "move",
    }
    run = desk.approve(run)
    assert (run["outcome"], run["results"]["applied"]) == ("succeeded", 3)
    assert {short: entry["dn"][0] for short, entry in desk.entries().items()} == {
        "1": f"cn=Ann Low,{desk.unit}",
        "2": f"cn=Bob Roe,{place}",
    }
    plan = desk.run()["plan"]
    assert (plan["create"], plan["move"], plan["unchanged"]) == (0, 0, 1)
