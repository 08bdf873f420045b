"""Runs that no person starts: by another service's event, by a schedule."""

from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from placet_shared.clock import utc_now
from placet_shared.events import RunTriggered
from tests.support.desk import Desk
from tests.support.stack import until

ANN, BO = ("1", "Ann", "Berg", "Engineer"), ("2", "Bo", "Neil", "Clerk")


def test_an_event_of_any_service_starts_the_job_once(desk: Desk) -> None:
    desk.people(ANN)
    desk.apply()
    trigger, event_id = RunTriggered(job=desk.name, reason="new hires loaded"), str(uuid4())
    desk.stack.publish(trigger, event_id, source="payroll")
    run = until(desk.runs, "a run begins")[0]
    ended = desk.wait_for(run["id"], "finished")
    assert (ended["outcome"], ended["trigger"]) == ("succeeded", "event")
    assert set(desk.entries()) == {"1"}

    desk.stack.publish(trigger, event_id, source="payroll")
    desk.stack.publish(RunTriggered(job=desk.name, preview=True), str(uuid4()), source="payroll")
    until(lambda: len(desk.runs()) == 2, "the preview that was asked for after the repeat")
    assert [one["preview"] for one in desk.runs()] == [True, False]


def test_an_event_that_comes_while_a_run_is_open_is_remembered_as_one_start(desk: Desk) -> None:
    desk.two_eyes()
    desk.people(ANN)
    desk.apply()
    run = desk.request()
    before = desk.stack.metric("scheduler", "placet_events_total", type="placet.run-triggers.v1", settled="handled")
    for _ in range(2):
        desk.stack.publish(RunTriggered(job=desk.name), str(uuid4()))
    handled = {"type": "placet.run-triggers.v1", "settled": "handled"}
    until(lambda: desk.stack.metric("scheduler", "placet_events_total", **handled) == before + 2, "both are handled")
    assert len(desk.runs()) == 1
    desk.approve(run)
    until(lambda: len(desk.runs()) == 2, "the remembered start")
    assert desk.wait_for(desk.runs()[0]["id"], "finished")["trigger"] == "event"
    assert len(desk.runs()) == 2


def test_a_schedule_starts_its_job_when_the_time_has_come(desk: Desk) -> None:
    zone = "Europe/Warsaw"
    far = utc_now().astimezone(ZoneInfo(zone)) + timedelta(hours=12)
    desk.schedule = {
        "kind": "schedule", "name": f"nights-of-{desk.name}", "time_zone": zone,
        "triggers": [{"daily": f"{far:%H:%M}"}, {"cron": f"{far:%M} {far:%H} * * 1-5"}],
    }  # fmt: skip
    desk.job["schedule"] = desk.schedule["name"]
    desk.people(ANN, BO)
    desk.apply()
    assert desk.ada.ask("export", "schedule", desk.schedule["name"]) == [desk.schedule]
    listed = {one["name"]: one.get("schedule") for one in desk.ada.ask("job", "list")["items"]}
    assert listed[desk.name] == desk.schedule["name"]
    review = desk.ada.ask("job", "review", desk.name)
    assert len(review["next"]) == 5
    assert desk.runs() == []

    with desk.stack.database() as database:
        database.execute("UPDATE scheduler.slots SET next_at = now() WHERE job = %s", [desk.name])
    run = until(desk.runs, "the schedule starts its job")[0]
    ended = desk.wait_for(run["id"], "finished")
    assert (ended["outcome"], ended["trigger"]) == ("succeeded", "schedule")
    with desk.stack.database() as database:
        due = database.execute("SELECT next_at > now() FROM scheduler.slots WHERE job = %s", [desk.name]).fetchone()
    assert due == (True,)
