"""Jobs of `mode: changed` from a database to a directory, through order, plan, approval and end, on real servers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from ldap3 import MODIFY_REPLACE

from placet_shared.chain import Order, Snapshot
from placet_shared.events import RunCancelled, RunDenied
from placet_shared.objects import parse_object
from placet_sync_worker.app import CONNECTORS
from placet_sync_worker.connections import Connections
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.surroundings import Surroundings
from tests.support.directories import provider
from tests.support.postgres import Postgres
from tests.support.runs import Runs
from tests.support.slapd import PASSWORD, PEOPLE, Slapd
from tests.support.worker import INSTALLATION, WorkerHarness, a_job

HR = "CREATE TABLE hr (id text, last text, mail text, changed timestamptz)"
FIELDS = [
    {"to": "employeeNumber", "from": "id"},
    {"to": "cn", "from": "id"},
    {"to": "sn", "from": "last"},
    {"to": "mail", "from": "mail"},
]


class ChangedRuns:
    """A worker between a table and a directory."""

    def __init__(self, worker: WorkerHarness, hr_url: str, slapd: Slapd, database_url: str, folder: Path) -> None:
        self.worker, self.slapd, self.hr = worker, slapd, psycopg.connect(hr_url, autocommit=True)
        self.hr.execute(HR)
        around = Surroundings(FilesFolder(folder), folder, {"PLACET_SECRET_CORP": PASSWORD}, folder)
        Runs(worker, Connections(CONNECTORS, around), folder, database_url)
        self.source = {"kind": "provider", "name": "hr", "type": "sql", "url": hr_url, "table": "hr"}

    def put(self, id_: str | None, last: str, changed: str | None = "now()", mail: str | None = None) -> None:
        """A new row; `changed` is SQL."""
        self.hr.execute(f"INSERT INTO hr VALUES (%s, %s, %s, {changed})".encode(), (id_, last, mail))

    def set(self, id_: str, last: str, changed: str = "now()") -> None:
        self.hr.execute(f"UPDATE hr SET last = %s, changed = {changed} WHERE id = %s".encode(), (last, id_))

    def entries(self) -> dict[str, str]:
        """Surnames by employeeNumber."""
        with self.slapd.hand() as hand:
            hand.search(PEOPLE, "(employeeNumber=*)", attributes=["employeeNumber", "sn"])
            return {str(one.employeeNumber): str(one.sn) for one in hand.entries}

    async def planned(self, *, preview: bool = False, records: tuple[str, ...] = (), everything: bool = False,
                      **job: Any) -> str:  # fmt: skip
        run_id = str(uuid4())
        made = a_job(**{"fields": FIELDS, "object_type": "user", "mode": "changed", "time_stamp": "changed", **job})
        shot = Snapshot(
            job_id="job-1",
            job=made,
            source=parse_object(self.source),  # type: ignore[arg-type]  # it is a provider
            destination=provider(self.slapd.url),
        )
        order = Order(
            run_id=run_id, installation=INSTALLATION, epoch=1, trigger="manual", requested_by="ada", preview=preview,
            requested_at=datetime.now(UTC), snapshot=shot, records=records, everything=everything,
        )  # fmt: skip
        token = self.worker.sign["scheduler"].sign(order)
        await self.worker.tell(self.worker.requested(run_id, token, preview=preview))
        assert await self.worker.planner.step()
        return run_id

    async def run(self, **job: Any) -> tuple[str, int]:
        """The outcome of a run that is approved at once, and how many records it read."""
        run_id = await self.planned(**job)
        run = await self.worker.run(run_id)
        if run["state"] == "planned":
            await self.worker.approve(run_id)
            await self.worker.apply_all()
        ended = await self.worker.run(run_id)
        assert ended["state"] == "finished", ended
        plan = self.worker.verifier.plan(ended["plan_token"], ended["order_token"])
        return ended["outcome"], plan.source_read

    async def mark(self) -> tuple[str | None, list[str]]:
        rows = await self.worker.rows("SELECT stamp, waiting FROM sync.marks")
        return (rows[0]["stamp"], sorted(rows[0]["waiting"])) if rows else (None, [])


@pytest.fixture
async def runs(database_url: str, postgres: Postgres, slapd: Slapd, tmp_path: Path) -> AsyncIterator[ChangedRuns]:
    worker = WorkerHarness(database_url, tmp_path / "keys")
    await worker.migrate()
    made = ChangedRuns(worker, postgres.create_database(), slapd, database_url, tmp_path)
    yield made
    made.hr.close()
    await worker.database.engine.dispose()


HOUR_AGO, LONG_AGO = "now() - interval '1 hour'", "now() - interval '30 days'"


async def test_only_what_changed_is_read_and_written(runs: ChangedRuns) -> None:
    for n in range(300):
        runs.put(f"{n}", f"Name {n}", LONG_AGO)
    runs.put("300", "Name 300", HOUR_AGO)
    assert await runs.run() == ("succeeded", 301)
    assert await runs.run() == ("succeeded", 1)
    runs.set("7", "New")
    runs.put("301", "Born")
    assert await runs.run() == ("succeeded", 3)
    assert len(runs.entries()) == 302
    assert (runs.entries()["7"], runs.entries()["301"]) == ("New", "Born")


async def test_what_is_committed_later_than_it_was_stamped_is_read(runs: ChangedRuns) -> None:
    runs.put("1", "Ann", "now() - interval '10 minutes'")
    await runs.run()
    runs.put("2", "Late", "now() - interval '14 minutes'")
    runs.put("3", "Too late", "now() - interval '20 minutes'")
    await runs.run()
    assert runs.entries() == {"1": "Ann", "2": "Late"}
    assert await runs.run(everything=True) == ("succeeded", 3)
    assert runs.entries().keys() == {"1", "2", "3"}


async def test_a_stamp_from_the_future_does_not_end_it_all(runs: ChangedRuns) -> None:
    runs.put("1", "Ann", "now() + interval '10 years'")
    await runs.run()
    runs.put("2", "Bob")
    await runs.run()
    assert runs.entries() == {"1": "Ann", "2": "Bob"}


async def test_a_record_that_was_rejected_is_read_again_until_it_ends_well(runs: ChangedRuns) -> None:
    runs.put("1", "", LONG_AGO)
    runs.put("2", "Bob", HOUR_AGO)
    assert await runs.run() == ("succeeded_with_errors", 2)
    assert (await runs.mark())[1] == ["1"]
    runs.set("1", "Ann", LONG_AGO)
    assert await runs.run() == ("succeeded", 2)
    assert ((await runs.mark())[1], runs.entries()) == ([], {"1": "Ann", "2": "Bob"})


async def test_a_conflict_is_tried_again_by_the_next_run(runs: ChangedRuns) -> None:
    runs.put("1", "Ann", LONG_AGO)
    runs.put("2", "Bob", HOUR_AGO)
    await runs.run()
    runs.set("1", "Anna")
    runs.set("2", "Bob")
    run_id = await runs.planned()
    with runs.slapd.hand() as hand:
        assert hand.modify(f"cn=1,{PEOPLE}", {"sn": [(MODIFY_REPLACE, ["Hand"])]})
    await runs.worker.approve(run_id)
    await runs.worker.apply_all()
    assert (await runs.worker.run(run_id))["outcome"] == "succeeded_with_errors"
    assert ((await runs.mark())[1], runs.entries()["1"]) == (["1"], "Hand")
    runs.hr.execute("UPDATE hr SET changed = now() - interval '30 days' WHERE id = '1'")
    assert await runs.run() == ("succeeded", 2)
    assert ((await runs.mark())[1], runs.entries()["1"]) == ([], "Anna")


async def test_another_mapping_query_or_key_reads_everything_again(runs: ChangedRuns) -> None:
    runs.put("1", "Ann", LONG_AGO, "a@x")
    runs.put("2", "Bob", HOUR_AGO)
    await runs.run()
    assert await runs.run() == ("succeeded", 1)
    fields = [*FIELDS[:3], {"to": "mail", "static": "all@x"}]
    assert await runs.run(fields=fields) == ("succeeded", 2)
    assert await runs.run(fields=fields) == ("succeeded", 1)
    query = {"provider": "hr", "query": "SELECT * FROM hr WHERE id <> '9'"}
    assert await runs.run(fields=fields, source=query) == ("succeeded", 2)
    assert await runs.run(fields=fields, source=query, overlap="1h", give_up_after="5m") == ("succeeded", 1)
    key = [{"source": "id", "destination": "cn"}]
    assert await runs.run(fields=fields, source=query, key=key) == ("succeeded", 2)


async def test_the_mark_stays_unless_a_run_succeeds(runs: ChangedRuns) -> None:
    runs.put("1", "Ann", HOUR_AGO)
    await runs.run()
    before = await runs.mark()
    runs.put("2", "Bob")
    assert (await runs.run(preview=True))[0] == "previewed"
    assert await runs.run(records=("1",)) == ("succeeded", 2)
    sign = runs.worker.sign
    for end in ("denied", "cancelled", "expired"):
        run_id = await runs.planned()
        if end == "denied":
            plan = (await runs.worker.run(run_id))["plan_token"]
            no = runs.worker.decision(run_id, plan, approved=False)
            await runs.worker.tell(RunDenied(run_id=run_id, request_id=None, decided_by="ada", decision=no))
        elif end == "cancelled":
            await runs.worker.tell(
                sign["scheduler"].signed(RunCancelled, run_id=run_id, cancelled_by="ada", reason="no")
            )
        else:
            await runs.worker.approve(run_id)
            await runs.worker.rows("UPDATE sync.runs SET ending = 'expired' WHERE run_id = :run", run=run_id)
            await runs.worker.apply_all()
        assert (await runs.worker.run(run_id))["state"] == "finished"
    assert (await runs.mark(), runs.entries()) == (before, {"1": "Ann"})
    assert await runs.run() == ("succeeded", 2)
    assert (await runs.mark()) > before


async def test_records_without_a_readable_key_hold_the_mark(runs: ChangedRuns) -> None:
    runs.put(None, "Nobody", LONG_AGO)
    runs.put("1", "Ann", HOUR_AGO)
    assert await runs.run() == ("succeeded_with_errors", 2)
    assert await runs.run() == ("succeeded_with_errors", 2)
    runs.hr.execute("UPDATE hr SET id = '2' WHERE id IS NULL")
    assert await runs.run() == ("succeeded", 2)
    assert await runs.run() == ("succeeded", 1)
    assert runs.entries().keys() == {"1", "2"}


async def test_where_too_many_went_wrong_the_mark_stays(runs: ChangedRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placet_sync_worker.store.marks.MOST_WAITING", 1)
    for id_ in ("1", "2"):
        runs.put(id_, "", HOUR_AGO)
    await runs.run()
    assert await runs.mark() == (None, [])
    assert await runs.run() == ("succeeded_with_errors", 2)


async def test_stamps_that_the_database_does_not_compare_as_times_are_refused(runs: ChangedRuns) -> None:
    run_id = await runs.planned(time_stamp="last")
    run = await runs.worker.run(run_id)
    assert run["outcome"] == "failed"
    assert "time_stamp: last is no date or time to the database" in run["reason"]
