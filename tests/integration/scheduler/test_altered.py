"""Who can write to the catalogue's table changes no order and has no provider tried: what was altered is an alarm, and
the other objects go on."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from placet_scheduler.errors import AlteredObjectError
from placet_scheduler.saving import tell_again
from placet_shared.chain import Order
from placet_shared.events import ObjectChanged, RunRequested, RunTriggered
from tests.support.alarms import alarms
from tests.support.scheduler import NIGHTLY, TWO_EYES, Document, Scheduler, a_scheduler, corp, people
from tests.support.signing import CORP, HR

DEFAULT = TWO_EYES | {"name": "default"}
NO_GATE = '{"workflow": "none"}'
A_STRANGERS = '{"url": "ldap://127.0.0.1:9"}'


@pytest.fixture
async def ready(scheduler: Scheduler) -> Scheduler:
    """The jobs `people`, under a workflow of its own, and `others`, under `default`, which share nothing but `hr`."""
    lab = CORP | {"name": "lab"}
    others = people(name="others", destination={"provider": "lab"})
    await scheduler.apply(HR, CORP, lab, NIGHTLY, TWO_EYES, DEFAULT, people(workflow="two-eyes"), others)
    return scheduler


async def alter(scheduler: Scheduler, kind: str, name: str, change: str, **values: Any) -> None:
    change = change.replace(":fields", "CAST(:fields AS jsonb)")
    await scheduler.sql(
        f"UPDATE scheduler.objects SET {change} WHERE kind = :kind AND name = :name", kind=kind, name=name, **values
    )


async def order_of(scheduler: Scheduler, run_id: str) -> Order:
    (event,) = [event for event in await scheduler.published(RunRequested) if event.run_id == run_id]
    return scheduler.keys.verifier().order(event.order)


ALTERED: list[tuple[str, str, str, dict[str, str]]] = [
    ("job", "people", "document = document || :fields", {"fields": NO_GATE}),
    ("job", "people", "object_id = 'of another job'", {}),
    ("job", "people", "version = version + 1", {}),
    ("job", "people", "signature = ''", {}),
    ("provider", "corp", "document = document || :fields", {"fields": A_STRANGERS}),
    ("provider", "corp", "document = document || :fields", {"fields": '{"n": 1e400}'}),
    ("workflow", "two-eyes", "document = document || :fields", {"fields": '{"requester_may_approve": true}'}),
    ("workflow", "default", "deleted_at = now()", {}),
]


@pytest.mark.parametrize(("kind", "name", "change", "values"), ALTERED)
async def test_what_was_altered_is_not_ordered(
    ready: Scheduler, kind: str, name: str, change: str, values: dict[str, Any]
) -> None:
    before = alarms("altered")
    await alter(ready, kind, name, change, **values)
    answer = await ready.call("POST", "/runs", {"job": "people"})
    said = f"{kind} {name} was altered in the database and counts for nothing; an admin must apply it again"
    assert (answer.status_code, answer.json()["detail"]) == (409, said)
    with pytest.raises(AlteredObjectError):
        await ready.handle(RunTriggered(job="people"))
    assert (await ready.published(RunRequested), alarms("altered") > before) == ([], True)


async def test_a_default_workflow_whose_row_is_gone_still_holds(scheduler: Scheduler) -> None:
    """Whether there is one or there never was."""
    await scheduler.apply(HR, CORP, people())
    await scheduler.ask(preview=True)
    await scheduler.sql("DELETE FROM scheduler.objects WHERE kind = 'workflow'")
    assert (await scheduler.call("POST", "/runs", {"job": "people"})).status_code == 409
    await scheduler.apply(DEFAULT)
    order = await order_of(scheduler, (await scheduler.ask())["id"])
    assert order.snapshot.default_workflow is not None


async def test_the_others_go_on(ready: Scheduler) -> None:
    for kind, name, change, values in ALTERED[:-1]:
        await alter(ready, kind, name, change, **values)
    assert (await ready.ask("others"))["state"] == "planning"
    await ready.apply(people(name="others", destination={"provider": "lab"}, missing="skip"), NIGHTLY)
    listed = (await ready.call("GET", "/jobs")).json()["items"]
    assert [one["name"] for one in listed] == ["others"]
    assert [one["name"] for one in (await ready.call("GET", "/providers")).json()["items"]] == ["hr", "lab"]
    review = await ready.call("POST", "/jobs/others/review")
    assert (review.status_code, "Job others" in review.json()["text"]) == (200, True)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/provider-tests", {"provider": "corp"}),
        ("POST", "/query-tests", {"provider": "corp"}),
        ("POST", "/jobs/people/review", None),
        ("POST", "/reviews", {"objects": [people(missing="skip")]}),
        ("POST", "/apply", {"objects": [people(missing="skip")]}),
        ("PUT", "/providers/corp/notifications", {"host": "smtp", "sender": "p@corp.example"}),
        ("GET", "/providers/corp", None),
    ],
)
async def test_nothing_is_tried_shown_or_built_on_it(ready: Scheduler, method: str, path: str, body: Any) -> None:
    await alter(ready, "provider", "corp", "document = document || :fields", fields=A_STRANGERS)
    answer = await ready.call(method, path, body)
    assert (answer.status_code, "provider corp was altered" in answer.json()["detail"]) == (409, True)


async def test_an_admin_applies_it_again_and_it_counts(ready: Scheduler) -> None:
    before = (await order_of(ready, (await ready.ask(preview=True))["id"])).snapshot
    for kind, name in (("job", "people"), ("provider", "corp"), ("workflow", "default")):
        await alter(ready, kind, name, "document = document || :fields", fields=NO_GATE)
    documents = (people(workflow="two-eyes"), corp(), DEFAULT)
    for document in documents:
        refused = await ready.apply(document, expect=409, roles=("editor",))
        assert "an admin must apply it again" in refused["detail"]
    assert {one["result"] for one in await ready.apply(*documents)} == {"created"}
    now = (await order_of(ready, (await ready.ask())["id"])).snapshot
    assert now == before.model_copy(update={"job_id": now.job_id})
    assert now.job_id != before.job_id  # nobody knows whose links the altered row would have had


async def test_what_was_altered_is_told_again_when_it_is_true_again(ready: Scheduler) -> None:
    """Others keep the newest version alone."""
    await alter(ready, "provider", "corp", "version = 2000")
    told = len(await ready.published(ObjectChanged))
    await tell_again(ready.database, ready.keys.signer("scheduler"), ready.seals)
    assert [(e.kind, e.name) for e in (await ready.published(ObjectChanged))[told:] if e.name == "corp"] == []
    await ready.apply(CORP)
    *_, now = await ready.published(ObjectChanged)
    assert (now.name, now.version > 2000) == ("corp", True)


async def test_what_never_was_is_not_told(scheduler: Scheduler) -> None:
    await tell_again(scheduler.database, scheduler.keys.signer("scheduler"), scheduler.seals)
    assert await scheduler.published(ObjectChanged) == []


async def test_altered_objects_can_be_deleted_and_pruned(ready: Scheduler) -> None:
    for name in ("people", "others"):
        await alter(ready, "job", name, "document = document || :fields", fields=NO_GATE)
    assert (await ready.call("DELETE", "/jobs/people", roles=("editor",))).status_code == 409
    assert (await ready.call("DELETE", "/jobs/people")).status_code == 200
    pruned = await ready.apply(HR, prune=True)
    assert ("others", "deleted") in [(one["name"], one["result"]) for one in pruned]
    before = alarms("altered")
    assert (await ready.call("GET", "/jobs")).json()["items"] == []
    assert alarms("altered") == before


async def test_a_schedule_that_was_altered_starts_nothing_until_it_is_applied_again(ready: Scheduler) -> None:
    await ready.apply(people(workflow="two-eyes", schedule="nightly"))
    await alter(ready, "schedule", "nightly", "document = document || :fields", fields='{"time_zone": "Asia/Tokyo"}')
    await ready.sql("UPDATE scheduler.slots SET next_at = now() - interval '1 hour'")
    await ready.clock.tick()
    assert await ready.runs() == []
    await ready.apply(NIGHTLY)
    await ready.sql("UPDATE scheduler.slots SET next_at = now() - interval '1 hour'")
    await ready.clock.tick()
    assert [run["trigger"] for run in await ready.runs()] == ["schedule"]


async def test_an_altered_provider_costs_a_job_no_more_than_this_start(ready: Scheduler) -> None:
    await ready.apply(people(workflow="two-eyes", schedule="nightly"))
    await alter(ready, "provider", "corp", "document = document || :fields", fields=A_STRANGERS)
    await ready.sql("UPDATE scheduler.slots SET next_at = now() - interval '1 hour'")
    await ready.clock.tick()
    assert await ready.runs() == []
    await ready.apply(CORP)
    await ready.sql("UPDATE scheduler.slots SET next_at = now() - interval '1 hour'")
    await ready.clock.tick()
    assert [run["trigger"] for run in await ready.runs()] == ["schedule"]


async def test_rows_are_signed_with_the_current_key_before_the_former_is_trusted_no_more(
    ready: Scheduler, database_url: str
) -> None:
    keys = ready.keys
    current, previous = (keys.public / "scheduler" / f"{name}.pem" for name in ("current", "previous"))
    former = current.read_bytes()
    keys.rotate("scheduler")
    previous.write_bytes(former)
    rotated = Scheduler(database_url, keys)
    try:
        await tell_again(rotated.database, keys.signer("scheduler"), rotated.seals)
        previous.unlink()
        third = Scheduler(database_url, keys)
        assert (await third.ask())["state"] == "planning"
        await third.close()
    finally:
        await rotated.close()


# ---- rows from before there were signatures --------------------------------------------------------------------------


async def unsigned(scheduler: Scheduler, *documents: Document) -> None:
    """The schema as it was, with these rows."""
    await scheduler.sql("ALTER TABLE scheduler.objects DROP COLUMN signature")
    await scheduler.sql("ALTER TABLE scheduler.runs DROP COLUMN cancel_unless_approved, DROP COLUMN trigger_reason")
    await scheduler.sql("DELETE FROM scheduler.objects")
    await scheduler.sql("UPDATE scheduler.alembic_version SET version_num = '0001'")
    for document in documents:
        await scheduler.sql(
            "INSERT INTO scheduler.objects (kind, name, object_id, version, document, updated_by)"
            " VALUES (:kind, :name, :id, 3, CAST(:document AS jsonb), 'ada')",
            kind=document["kind"], name=document["name"], id=str(uuid4()), document=json.dumps(document),
        )  # fmt: skip


async def test_what_stood_there_before_is_signed_as_it_is(scheduler: Scheduler) -> None:
    await unsigned(scheduler, HR, CORP, DEFAULT, people())
    await scheduler.migrate()
    order = await order_of(scheduler, (await scheduler.ask())["id"])
    assert order.snapshot.default_workflow is not None
    assert (await scheduler.apply(HR, CORP, DEFAULT, people()))[0]["result"] == "unchanged"


async def test_it_is_signed_once(database_url: str, tmp_path: Path) -> None:
    """Who alters a row and turns the version of the schema back has a service that does not start."""
    scheduler = await a_scheduler(database_url, tmp_path)
    try:
        await scheduler.apply(HR, CORP, people())
        await alter(scheduler, "job", "people", "document = document || :fields", fields=NO_GATE)
        await scheduler.sql("UPDATE scheduler.alembic_version SET version_num = '0001'")
        with pytest.raises(Exception, match="already exists"):
            await scheduler.migrate()
        async with scheduler.database.engine.connect() as connection:
            nullable = text(
                "SELECT is_nullable FROM information_schema.columns"
                " WHERE table_schema = 'scheduler' AND table_name = 'objects' AND column_name = 'signature'"
            )
            assert (await connection.execute(nullable)).scalar_one() == "NO"
    finally:
        await scheduler.close()
