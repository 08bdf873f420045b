"""What stands between a plan and the directory: policy, limits, people, the clock."""

from tests.support.desk import Desk
from tests.support.stack import until

ANN, BO, CY = ("1", "Ann", "Berg", "Engineer"), ("2", "Bo", "Neil", "Clerk"), ("3", "Cy", "Smith", "Head")


def test_without_a_workflow_policy_approves_within_the_limits_and_people_decide_above_them(desk: Desk) -> None:
    desk.job["limits"] = {"delete": "5%"}
    desk.people(ANN, BO, CY)
    desk.apply()
    run = desk.run()
    assert (run["request"], run["outcome"], run["results"]["applied"]) == (None, "succeeded", 3)

    desk.people(ANN)
    run = desk.request()
    request = desk.bob.ask("request", "show", run["request"])
    assert request["reasons"] == ["delete: 2 planned, the limit is 5% of 3 entries (1)"]
    assert set(desk.entries()) == {"1", "2", "3"}
    assert desk.approve(run)["outcome"] == "succeeded"
    assert set(desk.entries()) == {"1"}


def test_a_denial_ends_the_run_with_its_comment_and_writes_nothing(desk: Desk) -> None:
    desk.two_eyes()
    desk.job["notify"] = {"to": ["ops@example.org"]}
    desk.people(ANN)
    desk.apply()
    run = desk.request()
    assert "--comment" in desk.bob.run("request", "deny", run["request"]).err
    desk.bob.ask("request", "deny", run["request"], "--comment", "not before Monday")
    ended = desk.ada.ask("run", "watch", run["id"], code=5)
    assert (ended["outcome"], ended["reason"]) == ("denied", "denied by bob: not before Monday")
    assert "already denied by bob" in desk.bob.complaint("request", "approve", run["request"])
    assert desk.writes() == []
    told = until(lambda: desk.mails("ops@example.org"), "the mail about the denial")
    assert [one["subject"] for one in told] == [f"[Placet] {desk.name}: denied"]


def test_a_request_that_nobody_decides_is_denied_when_its_time_is_up(desk: Desk) -> None:
    desk.two_eyes(expires_after="1s")
    desk.people(ANN)
    desk.apply()
    ended = desk.run(code=5)
    assert ended["outcome"] == "denied"
    assert "nobody decided until" in ended["reason"]
    assert desk.writes() == []


def test_a_preview_plans_and_asks_and_touches_nobody(desk: Desk) -> None:
    desk.two_eyes()
    desk.people(ANN, BO)
    desk.apply()
    run = desk.run(0, "--preview")
    assert (run["state"], run["outcome"], run["preview"], run["request"]) == ("finished", "previewed", True, None)
    assert {short: one["op"] for short, one in desk.changes(run).items()} == {"1": "create", "2": "create"}
    one = desk.run(0, "--preview", "--record", desk.id_of("2"))
    assert set(desk.changes(one)) == {"2"}
    assert desk.writes() == []


def test_a_job_that_is_saved_with_preview_when_finished_begins_one(desk: Desk) -> None:
    desk.job["preview_when_finished"] = True
    desk.people(ANN)
    saved = {one["kind"]: one for one in desk.apply()["results"]}
    run = desk.ada.ask("run", "watch", saved["job"]["preview"])
    assert (run["outcome"], run["trigger"], run["plan"]["create"]) == ("previewed", "preview", 1)
    assert {one["preview"] for one in desk.apply()["results"]} == {None}


def test_a_cancelled_run_ends_and_its_request_with_it(desk: Desk) -> None:
    desk.two_eyes()
    desk.people(ANN)
    desk.apply()
    run = desk.request()
    desk.ada.ask("run", "cancel", run["id"])
    ended = desk.ada.ask("run", "watch", run["id"], code=7)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "cancelled by ada")
    until(lambda: desk.bob.ask("request", "show", run["request"])["state"] == "withdrawn", "the request is withdrawn")
    assert "already withdrawn" in desk.bob.complaint("request", "approve", run["request"])
    assert desk.writes() == []


def test_an_edit_of_the_job_ends_the_run_that_waits(desk: Desk) -> None:
    desk.two_eyes()
    desk.people(ANN)
    desk.apply()
    run = desk.request()
    desk.field("title")["static"] = "Colleague"
    del desk.field("title")["from"]
    saved = {one["kind"]: one for one in desk.apply()["results"]}
    assert (saved["job"]["result"], saved["job"]["ending_run"]) == ("updated", run["id"])
    assert desk.wait_for(run["id"], "finished")["outcome"] == "cancelled"


def test_one_run_of_a_job_is_open_at_a_time(desk: Desk) -> None:
    desk.two_eyes()
    desk.people(ANN)
    desk.apply()
    run = desk.request()
    assert desk.ada.ask("job", "run", desk.name)["id"] == run["id"]
    assert desk.run(0, "--preview")["id"] != run["id"]
    assert desk.approve(run)["outcome"] == "succeeded"
    assert desk.ada.ask("job", "run", desk.name)["id"] != run["id"]
