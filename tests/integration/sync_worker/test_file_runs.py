"""Jobs whose destination is a file, through order, plan, approval and batch, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from placet_shared.objects import parse_object
from placet_sync_worker.planning.making import MadePlan
from placet_sync_worker.store import links
from tests.support.files import FIELDS, CsvKind, ExcelKind, FileWorld, person
from tests.support.runs import Ended, Runs
from tests.support.worker import STORE, ReadyPlan, WorkerHarness, a_delete, a_job

ANN, BOB, CYD = person("1", "Ann"), person("2", "Bob"), person("3", "Cyd")


class FileRuns:
    """A worker whose connections lead to real files, and a job from `hr.csv` to a file."""

    def __init__(self, worker: WorkerHarness, world: FileWorld, database_url: str) -> None:
        self.worker, self.world = worker, world
        self._runs = Runs(worker, world.connections(), world.spool, database_url)
        self.source = CsvKind()
        self.source_document = {"kind": "provider", "name": "hr", "type": "csv", "path": "hr.csv"}

    def records(self, *rows: dict[str, str]) -> None:
        self.source.put(self.world.files / "hr.csv", list(ANN), rows)

    async def planned(self, *, query: str | None = None, **job: Any) -> str:
        """A run whose plan is stored."""
        made = a_job(
            source={"provider": "hr", "query": query}, destination={"provider": "out"}, fields=FIELDS,
            key=[{"source": "id", "destination": "id"}], **job,
        )  # fmt: skip
        return await self._runs.planned(made, parse_object(self.source_document), self.world.provider())

    async def run(self, **job: Any) -> Ended:
        """The end of a run that is approved at once."""
        return await self._runs.applied(await self.planned(**job))


@pytest.fixture(params=[CsvKind, ExcelKind])
async def runs(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> AsyncIterator[FileRuns]:
    worker = WorkerHarness(database_url, tmp_path / "keys")
    await worker.migrate()
    yield FileRuns(worker, FileWorld(tmp_path, request.param()), database_url)
    await worker.database.engine.dispose()


async def test_a_file_follows_another_one(runs: FileRuns) -> None:
    runs.world.put()
    runs.records(ANN, BOB, CYD)
    assert await runs.run(extra="delete") == ("succeeded", {"create": 3})
    assert runs.world.rows() == [ANN, BOB, CYD]
    assert await runs.run(extra="delete") == ("succeeded", {})
    runs.records(ANN | {"name": "Anna"}, CYD, person("4"))
    assert await runs.run(extra="delete") == ("succeeded", {"create": 1, "update": 1, "delete": 1})
    assert runs.world.rows() == [ANN | {"name": "Anna"}, CYD, person("4")]
    assert await runs.run(extra="delete") == ("succeeded", {})


async def test_a_cell_that_cannot_be_read_rejects_its_record_and_protects_its_entry(runs: FileRuns) -> None:
    runs.world.put(ANN, BOB, CYD)
    book = Workbook()
    for row in (list(ANN), ["1", "=never()", "Sales"], ["2", "Rob", "Sales"]):
        book.active.append(row)
    book.save(runs.world.files / "hr.xlsx")
    runs.source_document = {"kind": "provider", "name": "hr", "type": "excel", "path": "hr.xlsx"}
    done = await runs.run(extra="delete", extra_scope="all", limits={"delete": None})
    assert done == ("succeeded_with_errors", {"update": 1, "delete": 1})
    assert runs.world.rows() == [ANN, BOB | {"name": "Rob"}]
    (rejected,) = await runs.worker.rows("SELECT record, key, attribute, reason FROM sync.rejected")
    assert (rejected["record"], rejected["key"], rejected["attribute"]) == ("row 2", "1", "name")
    assert rejected["reason"].startswith("B2: it is a formula that was never calculated")


async def test_a_query_chooses_records(runs: FileRuns) -> None:
    runs.world.put()
    runs.records(ANN, BOB | {"dept": "Temp"})
    query = "SELECT * FROM hr WHERE dept <> 'Temp'"
    assert await runs.run(query=query) == ("succeeded", {"create": 1})
    assert runs.world.rows() == [ANN]


async def test_a_plan_is_one_batch_however_many_changes_it_has(runs: FileRuns) -> None:
    runs.world.put(*(person(str(number), "Old") for number in range(400)))
    runs.records(*(person(str(number)) for number in range(200, 900)))
    run_id = await runs.planned(extra="delete", extra_scope="all", limits={"delete": None})
    stored = await runs.worker.rows(
        "SELECT jsonb_array_length(items) AS size FROM sync.batches WHERE run_id = :r", r=run_id
    )
    assert [row["size"] for row in stored] == [900]
    await runs.worker.approve(run_id)
    assert await runs.worker.applier.step()
    assert set(await runs.worker.results(run_id)) == {"applied"}
    assert len(runs.world.rows()) == 700


async def test_a_file_that_somebody_changed_since_the_plan_is_a_conflict(runs: FileRuns) -> None:
    runs.world.put(ANN)
    runs.records(ANN | {"name": "Plan"}, BOB)
    run_id = await runs.planned()
    runs.world.put(ANN | {"name": "Hand"})
    await runs.worker.approve(run_id)
    await runs.worker.apply_all()
    assert await runs.worker.results(run_id) == ["conflict", "conflict"]
    assert runs.world.rows() == [ANN | {"name": "Hand"}]


async def test_a_column_that_a_query_lacks_fails_the_run_with_its_name(runs: FileRuns) -> None:
    runs.world.put(ANN)
    runs.records(ANN)
    run_id = await runs.planned(query="SELECT id, name FROM hr")
    run = await runs.worker.run(run_id)
    assert (run["outcome"], run["reason"]) == (
        "failed",
        "job people: dept: the source has no column dept; it has id, name",
    )


async def test_a_plan_of_more_changes_than_a_statement_takes_parameters(database_url: str, tmp_path: Path) -> None:
    worker, count = WorkerHarness(database_url, tmp_path), 66_000
    await worker.migrate()
    made = MadePlan(ReadyPlan([a_delete(number) for number in range(count)]), STORE, "assertion", whole=True)
    worker.planner = replace(worker.planner, make=lambda *_: made)
    await worker.tell(worker.requested("large", worker.order("large")))
    assert await worker.planner.step()
    await worker.approve("large")
    async with worker.database.transaction() as work:
        await links.link(work, "corp", "job-1", [(f"id{number}", f"{number}", True) for number in range(count)])
        await links.finish(work, "corp", "job-1", [f"{number}" for number in range(count)])
    unfinished = "SELECT count(*) AS n FROM sync.links WHERE unfinished"
    assert await worker.rows(unfinished) == [{"n": 0}]
    await worker.apply_all()
    assert len(worker.store.asked) == count
    assert (await worker.run("large"))["outcome"] == "succeeded"
    await worker.database.engine.dispose()
