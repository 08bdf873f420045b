"""The catalogue on a real PostgreSQL: sets of objects, all or nothing."""

import asyncio
from typing import Any

import pytest

from placet_scheduler.saving import tell_again
from placet_shared.events import ObjectChanged, RunCancelled, RunRequested
from tests.support.scheduler import NIGHTLY, TWO_EYES, Document, Scheduler, corp, people
from tests.support.signing import CORP, HR, an_identity

EVERYTHING: list[Document] = [HR, CORP, NIGHTLY, TWO_EYES, people(workflow="two-eyes", schedule="nightly")]


def results(answer: list[Document]) -> dict[str, str]:
    return {f"{one['kind']}/{one['name']}": one["result"] for one in answer}


async def test_created_unchanged_updated_deleted(scheduler: Scheduler) -> None:
    assert set(results(await scheduler.apply(*EVERYTHING)).values()) == {"created"}
    assert set(results(await scheduler.apply(*EVERYTHING)).values()) == {"unchanged"}
    edited: list[Document] = [HR, CORP, NIGHTLY | {"time_zone": "Europe/Warsaw"}, people(schedule="nightly")]
    assert results(await scheduler.apply(*edited, prune=True)) == {
        "provider/hr": "unchanged",
        "provider/corp": "unchanged",
        "schedule/nightly": "updated",
        "job/people": "updated",
        "workflow/two-eyes": "deleted",
    }
    assert (await scheduler.call("GET", "/workflows")).json() == {"items": [], "next": None}


async def test_what_comes_out_goes_in_unchanged(scheduler: Scheduler) -> None:
    full = people(
        workflow="two-eyes",
        limits={"delete": None, "update": 10},
        notify={"to": ["ops@corp.example"], "when": "errors"},
        give_up_after="90m",
        fields=[{"to": "sn", "from": "last", "compare": "matching_rule"}, {"to": "cn", "join": ["first", "last"]}],
    )
    mail = {"host": "smtp", "sender": "placet@corp", "password": {"file": "smtp"}}
    await scheduler.apply(HR, corp(notifications=mail, unique=["uid"]), NIGHTLY, TWO_EYES, full)
    kinds = ("providers", "schedules", "workflows", "jobs")
    out = [one for kind in kinds for one in (await scheduler.call("GET", f"/{kind}")).json()["items"]]
    assert len(out) == 5
    assert set(results(await scheduler.apply(*out)).values()) == {"unchanged"}
    single = (await scheduler.call("GET", "/jobs/people")).json()
    assert single == full


async def test_all_or_nothing(scheduler: Scheduler) -> None:
    refused = await scheduler.apply(HR, CORP, people(source={"provider": "payroll"}), expect=422)
    assert refused["field"] == "source.provider"
    assert refused["detail"] == "job people: source.provider: there is no provider named payroll; apply it too"
    for kind in ("providers", "jobs"):
        assert (await scheduler.call("GET", f"/{kind}")).json()["items"] == []
    assert await scheduler.published(ObjectChanged) == []


async def test_a_dry_run_saves_nothing(scheduler: Scheduler) -> None:
    assert set(results(await scheduler.apply(*EVERYTHING, dry_run=True)).values()) == {"created"}
    assert (await scheduler.call("GET", "/providers")).json()["items"] == []
    assert await scheduler.published(ObjectChanged) == []
    await scheduler.apply_people(workflow="two-eyes")
    run = await scheduler.ask()
    (would,) = await scheduler.apply(people(extra="delete", workflow="two-eyes"), dry_run=True)
    assert would["changed"] == ["extra"]
    assert (would["result"], would["ending_run"]) == ("updated", run["id"])
    assert await scheduler.published(RunCancelled) == []


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        (people(kind="jobs"), "kind", "did you mean job?"),
        (people(extras="skip"), "extras", "did you mean extra?"),
        (people(workflow="three-eyes"), "workflow", "there is no workflow named three-eyes"),
        (people(schedule="weekly"), "schedule", "there is no schedule named weekly"),
        (people(extra="disable"), "extra", "provider corp does not say how an entry is disabled"),
        (NIGHTLY | {"triggers": [{"cron": "61 2 * * *"}]}, "triggers.0.cron", "Bad minute"),
        (NIGHTLY | {"triggers": [{"daily": "01:00"}, {"cron": "0 0 * 2 1#5"}]}, "triggers.1.cron", "too rarely"),
        (TWO_EYES | {"name": "none"}, "name", "choose another name"),
        (HR, "name", "it stands twice in the set"),
    ],
)
async def test_what_does_not_fit_is_named(scheduler: Scheduler, wrong: Document, field: str, words: str) -> None:
    refused = await scheduler.apply(HR, CORP, wrong, expect=422)
    assert (refused["field"], refused["title"]) == (field, "Invalid")
    assert words in refused["detail"]
    assert f"{wrong['kind']} {wrong['name']}" in refused["detail"]


async def test_what_is_needed_stays(scheduler: Scheduler) -> None:
    await scheduler.apply(*EVERYTHING, people(name="others", schedule="nightly", workflow="two-eyes"))
    for kind, name in (("providers", "hr"), ("providers", "corp"), ("schedules", "nightly"), ("workflows", "two-eyes")):
        refused = await scheduler.call("DELETE", f"/{kind}/{name}")
        assert refused.status_code == 409
        assert refused.json()["detail"].endswith(
            f"{name} is still used by job others, people; change or delete it first"
        )
    pruned = await scheduler.apply(NIGHTLY, prune=True)
    assert set(results(pruned).values()) == {"unchanged", "deleted"}


async def test_the_default_workflow_may_go(scheduler: Scheduler) -> None:
    await scheduler.apply(HR, CORP, TWO_EYES | {"name": "default"}, people(), people(name="open", workflow="none"))
    assert (await scheduler.call("DELETE", "/workflows/default")).json()["result"] == "deleted"
    await scheduler.apply(TWO_EYES | {"name": "default"}, people(workflow="default"))
    assert (await scheduler.call("DELETE", "/workflows/default")).status_code == 409


async def test_disabling_needs_to_be_described(scheduler: Scheduler) -> None:
    disable = {"attribute": "pwdAccountLockedTime", "value": "000001010000Z"}
    await scheduler.apply(HR, corp(disable=disable), people(extra="disable"))
    assert (await scheduler.apply(CORP, expect=422))["field"] == "extra"


# ---- roles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objects", "roles", "words"),
    [
        ([people(extra="delete")], ("viewer", "approver", "operator"), "needs the role editor"),
        ([people(workflow="two-eyes")], ("editor",), "job people: workflow: only an admin may change it"),
        ([people(limits={"delete": "50%"})], ("editor",), "job people: limits: only an admin may change it"),
        ([people(name="other", limits={"delete": None})], ("editor",), "job other: limits: only an admin"),
        ([HR | {"path": "other.csv"}], ("editor",), "provider hr: only an admin may change it"),
        ([TWO_EYES | {"requester_may_approve": True}], ("editor",), "workflow two-eyes: only an admin may change it"),
    ],
)
async def test_who_may_save_what(
    scheduler: Scheduler, objects: list[Document], roles: tuple[str, ...], words: str
) -> None:
    await scheduler.apply_people()
    refused = await scheduler.apply(*objects, expect=403, user="eve", roles=roles)
    assert words in refused["detail"]
    assert (await scheduler.call("GET", "/jobs/people")).json() == people()


async def test_editors_edit_and_admins_guard(scheduler: Scheduler) -> None:
    await scheduler.apply_people(workflow="two-eyes")
    await scheduler.apply(people(workflow="two-eyes", extra="delete"), HR, user="eve", roles=("editor",))
    assert (await scheduler.apply(people(extra="delete"), expect=403, roles=("editor",)))["title"] == "Forbidden"
    await scheduler.apply(NIGHTLY | {"name": "weekly"}, user="eve", roles=("editor",))
    assert (await scheduler.call("DELETE", "/jobs/people", roles=("editor",))).status_code == 403
    assert (await scheduler.call("DELETE", "/schedules/weekly", roles=("editor",))).status_code == 200
    pruning = await scheduler.apply(prune=True, expect=403, roles=("editor",))
    assert "only an admin" in pruning["detail"]


async def test_reading_needs_a_name_and_no_role(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    assert (await scheduler.call("GET", "/jobs/people", roles=())).status_code == 200
    async with scheduler.client() as client:
        assert (await client.get("/api/v1/jobs/people")).status_code == 403


async def test_an_identity_is_of_the_console_alone(scheduler: Scheduler) -> None:
    body = b'{"objects": []}'
    identity = an_identity("eve", "POST", "/api/v1/apply", body, roles=("admin",))
    token = scheduler.keys.signer("approvals").sign(identity)
    async with scheduler.client() as client:
        answer = await client.post("/api/v1/apply", content=body, headers={"Placet-Identity": token})
    assert answer.status_code == 403


# ---- events ----------------------------------------------------------------------------------------------------------


async def test_the_others_are_told(scheduler: Scheduler) -> None:
    await scheduler.apply(HR)
    await scheduler.apply(HR)
    await scheduler.apply(HR | {"path": "new.csv"})
    await scheduler.call("DELETE", "/providers/hr")
    await scheduler.apply(HR)
    told = await scheduler.published(ObjectChanged)
    assert [(event.version, event.deleted) for event in told] == [(1, False), (2, False), (3, True), (4, False)]
    assert [event.object and event.object["path"] for event in told] == ["people.csv", "new.csv", None, "people.csv"]
    for event in told:
        scheduler.keys.verifier().event(event, "scheduler")


async def test_the_others_are_told_again(scheduler: Scheduler) -> None:
    await scheduler.apply(HR, CORP)
    await scheduler.call("DELETE", "/providers/hr")
    before = len(await scheduler.published(ObjectChanged))
    await tell_again(scheduler.database, scheduler.keys.signer("scheduler"), scheduler.seals)
    again = (await scheduler.published(ObjectChanged))[before:]
    assert [(event.key, event.version, event.deleted) for event in again] == [
        ("provider/corp", 1, False),
        ("provider/hr", 2, True),
    ]


async def test_nothing_is_said_of_secrets(scheduler: Scheduler) -> None:
    """Secrets are references; what is told names them and holds no value."""
    refused = await scheduler.apply(corp(password="hunter2"), expect=422)
    assert "hunter2" not in refused["detail"]


# ---- editing ends what waits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edited",
    [
        people(extra="delete", workflow="two-eyes"),
        HR | {"path": "other.csv"},
        corp(base_dn="dc=other"),
        TWO_EYES | {"requester_may_approve": True},
    ],
)
async def test_an_edit_ends_the_run_that_waits(scheduler: Scheduler, edited: Document) -> None:
    await scheduler.apply_people(workflow="two-eyes")
    run = await scheduler.ask()
    await scheduler.handle(await scheduler.planned(run["id"]))
    await scheduler.handle(scheduler.request(run["id"]))
    (saved,) = await scheduler.apply(edited)
    assert (saved["result"], saved["ending_run"]) == ("updated", run["id"])
    (cancelled,) = await scheduler.published(RunCancelled)
    assert cancelled.reason == f"{edited['kind']} {edited['name']} was edited before the plan was approved"
    assert (cancelled.run_id, cancelled.cancelled_by, cancelled.unless_approved) == (run["id"], "ada", True)
    assert (await scheduler.run(run["id"]))["state"] == "awaiting_approval"


@pytest.mark.parametrize(
    "edited",
    [
        corp(notifications={"host": "smtp", "sender": "placet@corp"}),
        NIGHTLY | {"time_zone": "Europe/Warsaw"},
        HR | {"name": "payroll"},
        TWO_EYES | {"name": "default"},
        people(workflow="two-eyes", schedule="nightly"),
    ],
)
async def test_other_edits_do_not(scheduler: Scheduler, edited: Document) -> None:
    await scheduler.apply_people(workflow="two-eyes", schedule="nightly")
    await scheduler.ask()
    (saved,) = await scheduler.apply(edited)
    assert saved["ending_run"] is None
    assert await scheduler.published(RunCancelled) == []


async def test_a_new_default_workflow_ends_what_would_have_gone_without(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    (saved,) = await scheduler.apply(TWO_EYES | {"name": "default"})
    assert (saved["result"], saved["ending_run"]) == ("created", run["id"])


async def test_deleting_ends_it_too(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    answer = await scheduler.call("DELETE", "/jobs/people")
    assert answer.json() == {
        "kind": "job", "name": "people", "result": "deleted", "changed": [], "warnings": [],
        "ending_run": run["id"], "preview": None,
    }  # fmt: skip
    assert (await scheduler.run(run["id"]))["job"] == "people"


async def test_an_approved_run_goes_on(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    run = await scheduler.ask()
    planned = await scheduler.planned(run["id"])
    await scheduler.handle(planned)
    await scheduler.handle(scheduler.decided(planned))
    (saved,) = await scheduler.apply(people(extra="delete"))
    assert saved["ending_run"] is None
    assert await scheduler.published(RunCancelled) == []


async def test_one_edit_ends_several(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    await scheduler.apply(people(name="others"))
    runs = {(await scheduler.ask(job))["id"] for job in ("people", "others")}
    (saved,) = await scheduler.apply(HR | {"path": "other.csv"})
    (warning,) = saved["warnings"]
    assert {saved["ending_run"], warning.split()[1].strip(",")} == runs
    assert {event.run_id for event in await scheduler.published(RunCancelled)} == runs


async def test_an_edit_sees_every_order_that_came_before(scheduler: Scheduler, another: Scheduler) -> None:
    """Whichever of the two comes first: no run goes on with a job that is no longer so."""
    await scheduler.apply_people()
    for number in range(8):
        edited = people(extra="delete" if number % 2 else "skip")
        run, (saved,) = await asyncio.gather(another.ask(), scheduler.apply(edited))
        (event,) = [event for event in await scheduler.published(RunRequested) if event.run_id == run["id"]]
        ordered = scheduler.keys.verifier().order(event.order).snapshot.job
        is_as_it_is_now = ordered.extra == edited["extra"]
        assert is_as_it_is_now or saved["ending_run"] == run["id"]
        await scheduler.end(run["id"])


# ---- preview when finished, warnings ---------------------------------------------------------------------------------


async def test_a_job_previews_itself_when_it_is_saved(scheduler: Scheduler) -> None:
    *_, saved = await scheduler.apply_people(preview_when_finished=True)
    run = await scheduler.run(saved["preview"])
    assert (run["preview"], run["trigger"], run["requested_by"], run["job"]) == (True, "preview", "ada", "people")
    *_, again = await scheduler.apply_people(preview_when_finished=True)
    assert (again["result"], again["preview"]) == ("unchanged", None)
    (edited,) = await scheduler.apply(people(preview_when_finished=True, extra="delete"), dry_run=True)
    assert edited["preview"] is None


async def test_what_a_person_should_know(scheduler: Scheduler) -> None:
    notify = {"to": ["ops@corp.example"]}
    *_, job = await scheduler.apply_people(notify=notify)
    (warning,) = job["warnings"]
    assert "placet notification configure corp --host HOST" in warning
    other = people(name="others", fields=[{"to": "SN", "static": "X"}], key=[{"source": "id", "destination": "uid"}])
    *_, job = await scheduler.apply(corp(notifications={"host": "smtp", "sender": "placet@corp"}), other)
    assert job["warnings"] == ["job people writes SN of corp too, and each run would undo the other's"]
    await scheduler.call("DELETE", "/jobs/others")
    (job,) = await scheduler.apply(
        people(source={"provider": "corp"}, extra="delete", extra_scope="all", notify=notify)
    )
    assert job["warnings"] == [
        "source and destination are both corp; check that this is meant",
        "extra: delete with extra_scope: all reaches entries that this job has never managed",
    ]


# ---- mail settings ---------------------------------------------------------------------------------------------------


async def test_mail_settings_of_a_store(scheduler: Scheduler) -> None:
    await scheduler.apply_people(notify={"to": ["ops@corp.example"]})
    await scheduler.ask()
    settings = {"host": "smtp", "port": 25, "security": "none", "sender": "placet@corp"}
    saved = (await scheduler.call("PUT", "/providers/corp/notifications", settings)).json()
    assert (saved["result"], saved["ending_run"]) == ("updated", None)
    assert (await scheduler.call("GET", "/providers/corp")).json()["notifications"] == settings
    assert (await scheduler.published(ObjectChanged))[-1].object == corp(notifications=settings)
    assert await scheduler.published(RunCancelled) == []


@pytest.mark.parametrize(
    ("store", "settings", "roles", "status"),
    [
        ("hr", {"host": "smtp", "sender": "p@c"}, ("admin",), 422),
        ("nowhere", {"host": "smtp", "sender": "p@c"}, ("admin",), 404),
        ("corp", {"host": "smtp", "port": 0, "sender": "p@c"}, ("admin",), 422),
        ("corp", {"host": "smtp", "sender": "p@c", "password": "hunter2"}, ("admin",), 422),
        ("corp", {"host": "smtp", "sender": "p@c"}, ("editor",), 403),
    ],
)
async def test_wrong_mail_settings(
    scheduler: Scheduler, store: str, settings: dict[str, Any], roles: tuple[str, ...], status: int
) -> None:
    await scheduler.apply_people()
    answer = await scheduler.call("PUT", f"/providers/{store}/notifications", settings, roles=roles)
    assert answer.status_code == status, answer.text
    assert "hunter2" not in answer.text
    assert (await scheduler.call("GET", "/providers/corp")).json() == CORP


# ---- one by one ------------------------------------------------------------------------------------------------------


async def test_by_name(scheduler: Scheduler) -> None:
    made = await scheduler.call("PUT", "/providers/hr", {"type": "csv", "path": "people.csv"})
    assert (made.status_code, made.json()["result"]) == (200, "created")
    shown = await scheduler.call("GET", "/providers/hr")
    assert (shown.json(), shown.headers["etag"]) == (HR, made.headers["etag"])
    other = await scheduler.call("PUT", "/providers/hr", HR | {"name": "payroll"})
    assert (other.status_code, other.json()["field"]) == (422, "name")
    assert (await scheduler.call("DELETE", "/providers/hr")).json()["result"] == "deleted"
    for method in ("GET", "DELETE"):
        gone = await scheduler.call(method, "/providers/hr")
        assert (gone.status_code, gone.json()["detail"]) == (
            404,
            "there is no provider named hr; see `placet provider list`",
        )


async def test_only_what_was_seen_is_changed(scheduler: Scheduler) -> None:
    seen = (await scheduler.call("PUT", "/providers/hr", HR)).headers["etag"]
    changed = await scheduler.call("PUT", "/providers/hr", HR | {"path": "a.csv"}, headers={"If-Match": seen})
    assert changed.status_code == 200
    for method, document in (("PUT", HR), ("DELETE", None)):
        stale = await scheduler.call(method, "/providers/hr", document, headers={"If-Match": seen})
        assert (stale.status_code, "read it again" in stale.json()["detail"]) == (412, True)
    either = f'"other", {changed.headers["etag"]}'
    assert (await scheduler.call("PUT", "/providers/hr", HR, headers={"If-Match": either})).status_code == 200
    assert (await scheduler.call("DELETE", "/providers/hr", headers={"If-Match": "*"})).status_code == 200
    assert (await scheduler.call("PUT", "/providers/hr", HR, headers={"If-Match": "*"})).status_code == 412


async def test_an_object_that_is_made_again_has_another_etag(scheduler: Scheduler) -> None:
    etags = set()
    for _ in range(2):
        etags.add((await scheduler.call("PUT", "/providers/hr", HR)).headers["etag"])
        await scheduler.call("DELETE", "/providers/hr")
    assert len(etags) == 2


async def test_pages(scheduler: Scheduler) -> None:
    names = [f"hr{number}" for number in range(5)]
    await scheduler.apply(*(HR | {"name": name} for name in names))
    seen, cursor = [], ""
    for _ in range(3):
        page = (await scheduler.call("GET", f"/providers?limit=2{cursor}")).json()
        seen += [one["name"] for one in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert (seen, page["next"]) == (names, None)
    assert (await scheduler.call("GET", "/providers?limit=501")).status_code == 422


async def test_writers_come_one_by_one(scheduler: Scheduler, another: Scheduler) -> None:
    """Two sets at once, each of which needs what the other deletes: one of them is refused."""
    await scheduler.apply(HR, CORP)
    codes = []

    async def call(replica: Scheduler, method: str, path: str, document: Document | None = None) -> None:
        codes.append((await replica.call(method, path, document)).status_code)

    await asyncio.gather(call(scheduler, "PUT", "/jobs/people", people()), call(another, "DELETE", "/providers/hr"))
    assert sorted(codes) in ([200, 409], [200, 422])
    job = await scheduler.call("GET", "/jobs/people")
    provider = await scheduler.call("GET", "/providers/hr")
    assert (job.status_code, provider.status_code) != (200, 404)
