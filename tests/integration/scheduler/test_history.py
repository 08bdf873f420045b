"""What stays of runs: their job is edited, deleted and made again, and each run is told as it was."""

import pytest
from sqlalchemy import select

from placet_scheduler.tables import waiting
from placet_shared.events import RunCancelled, RunRequested, RunTriggered
from tests.support.scheduler import Document, Scheduler, people
from tests.support.signing import CORP


@pytest.fixture
async def ready(scheduler: Scheduler) -> Scheduler:
    await scheduler.apply_people(workflow="two-eyes")
    return scheduler


async def ids(scheduler: Scheduler, query: str) -> list[str]:
    return [run["id"] for run in await scheduler.runs(query)]


async def ended(scheduler: Scheduler, job: str = "people") -> str:
    """A run that went its whole way."""
    run = await scheduler.ask(job)
    await scheduler.handle(await scheduler.planned(run["id"]))
    await scheduler.end(run["id"], job=job)
    return str(run["id"])


# ---- editing ---------------------------------------------------------------------------------------------------------


async def test_an_edit_ends_the_waiting_run_and_what_was_remembered_runs_with_the_new_job(ready: Scheduler) -> None:
    run = await ready.ask()
    await ready.handle(await ready.planned(run["id"]))
    await ready.handle(ready.request(run["id"]))
    await ready.handle(RunTriggered(job="people"))
    (saved,) = await ready.apply(people(workflow="two-eyes", extra="delete"))
    (cancelled,) = await ready.published(RunCancelled)
    assert saved["ending_run"] == cancelled.run_id == run["id"]
    await ready.end(run["id"], "cancelled", reason=cancelled.reason)
    over = await ready.run(run["id"])
    assert (over["outcome"], over["reason"]) == ("cancelled", "job people was edited before the plan was approved")
    orders = [ready.keys.verifier().order(event.order) for event in await ready.published(RunRequested)]
    assert [order.snapshot.job.extra for order in orders] == ["skip", "delete"]


async def test_an_edit_leaves_previews_alone(ready: Scheduler) -> None:
    preview = await ready.ask(preview=True)
    (saved,) = await ready.apply(people(workflow="two-eyes", extra="delete"))
    assert saved["ending_run"] is None
    assert await ready.published(RunCancelled) == []
    assert (await ready.run(preview["id"]))["state"] == "planning"


@pytest.mark.parametrize("edited", [people(workflow="two-eyes", extra="delete"), CORP | {"base_dn": "dc=other"}])
async def test_what_is_over_is_not_touched_by_an_edit(ready: Scheduler, edited: Document) -> None:
    run_id = await ended(ready)
    before = await ready.run(run_id)
    (saved,) = await ready.apply(edited)
    assert (saved["ending_run"], await ready.run(run_id)) == (None, before)


# ---- deleting --------------------------------------------------------------------------------------------------------


async def test_history_survives_its_job(ready: Scheduler) -> None:
    run_id = await ended(ready)
    before = await ready.run(run_id)
    await ready.call("DELETE", "/jobs/people")
    await ready.apply(prune=True)
    assert (await ready.call("GET", "/providers")).json()["items"] == []
    assert await ready.run(run_id) == before
    assert await ids(ready, "?job=people") == [run_id]


async def test_a_run_of_a_deleted_job_goes_on_to_its_end(ready: Scheduler) -> None:
    run = await ready.ask()
    planned = await ready.planned(run["id"])
    await ready.handle(planned)
    await ready.handle(ready.decided(planned))
    await ready.call("DELETE", "/jobs/people")
    assert await ready.published(RunCancelled) == []
    await ready.handle(ready.applied(run["id"], applied=2))
    assert (await ready.run(run["id"]))["state"] == "applying"
    await ready.end(run["id"])
    assert (await ready.run(run["id"]))["outcome"] == "succeeded"
    assert (await ready.call("POST", "/runs", {"job": "people"})).status_code == 404


async def test_what_was_remembered_goes_with_the_job(ready: Scheduler) -> None:
    """A job that is made again under its name does not run by what was asked of the old one."""
    run = await ready.ask()
    await ready.handle(RunTriggered(job="people"))
    await ready.call("DELETE", "/jobs/people")
    async with ready.database.engine.connect() as connection:
        assert (await connection.execute(select(waiting))).all() == []
    await ready.apply(people())
    await ready.end(run["id"], "cancelled")
    await ready.clock.tick()
    assert await ids(ready, "") == [run["id"]]


async def test_a_job_that_is_made_again_waits_for_the_old_ones_open_run(ready: Scheduler) -> None:
    run = await ready.ask()
    await ready.call("DELETE", "/jobs/people")
    await ready.apply(people())
    await ready.handle(RunTriggered(job="people"))
    assert await ids(ready, "") == [run["id"]]
    await ready.end(run["id"], "cancelled")
    old, new = await ready.published(RunRequested)
    jobs = {ready.keys.verifier().order(event.order).snapshot.job_id for event in (new, old)}
    assert (old.run_id, len(jobs)) == (run["id"], 2)


# ---- the list --------------------------------------------------------------------------------------------------------


async def test_runs_are_listed_newest_first_by_job_and_state(ready: Scheduler) -> None:
    await ready.apply(people(name="others"))
    first, other = await ended(ready), await ended(ready, "others")
    second = (await ready.ask())["id"]
    preview = (await ready.ask(preview=True))["id"]
    assert await ids(ready, "") == [preview, second, other, first]
    assert await ids(ready, "?job=people") == [preview, second, first]
    assert await ids(ready, "?job=people&state=finished") == [first]
    assert await ids(ready, "?state=planning") == [preview, second]
    assert await ids(ready, "?job=nobody") == []


async def test_runs_are_listed_page_by_page(ready: Scheduler) -> None:
    made = [(await ready.ask(preview=True))["id"] for _ in range(5)]
    await ready.sql("UPDATE scheduler.runs SET requested_at = now() WHERE run_id = ANY(:some)", some=made[1:4])
    seen, pages, cursor = [], 0, ""
    while pages == 0 or cursor:
        page = (await ready.call("GET", f"/runs?limit=2{cursor}")).json()
        seen += [run["id"] for run in page["items"]]
        pages, cursor = pages + 1, f"&cursor={page['next']}" if page["next"] else ""
    assert (sorted(seen), pages) == (sorted(made), 3)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?cursor=x", "cursor"),
        ("?cursor=1e9-x", "cursor"),
        (f"?cursor={'9' * 40}-x", "cursor"),
        ("?cursor=1-%01", "cursor"),
        ("?limit=0", "limit"),
        ("?limit=501", "limit"),
        ("?state=lost", "state"),
    ],
)
async def test_a_list_that_cannot_be_names_what_is_wrong(ready: Scheduler, query: str, field: str) -> None:
    answer = await ready.call("GET", f"/runs{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_no_run_has_that_id(ready: Scheduler) -> None:
    answer = await ready.call("GET", "/runs/nothing")
    assert (answer.status_code, answer.json()["detail"]) == (404, "no run has the id nothing; see `placet run list`")
