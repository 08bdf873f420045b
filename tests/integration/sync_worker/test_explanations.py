"""Explanations of a preview: kept beside its plan, told over HTTP, and of no other run."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI

from placet_shared.api import install_problem_documents
from placet_shared.objects import parse_object
from placet_sync_worker.api import build_router
from tests.support.files import FIELDS, CsvKind, FileWorld, person
from tests.support.runs import Runs
from tests.support.signing import an_identity
from tests.support.worker import WorkerHarness, a_job

ANN, BOB = person("1", "Ann"), person("2", "Bob")
SOURCE = {"kind": "provider", "name": "hr", "type": "csv", "path": "hr.csv"}


class Previews:
    """A job from `hr.csv` to `people.csv`, and the worker's API."""

    def __init__(self, worker: WorkerHarness, world: FileWorld, database_url: str) -> None:
        self.worker, self.world = worker, world
        self._runs = Runs(worker, world.connections(), world.spool, database_url)
        self._app = FastAPI()
        install_problem_documents(self._app)
        self._app.include_router(build_router(worker.database, worker.verifier, APIRouter(), worker.keys))

    async def run(self, *records: str, preview: bool = True, **job: Any) -> str:
        made = a_job(
            source={"provider": "hr"}, destination={"provider": "out"}, fields=FIELDS,
            key=[{"source": "id", "destination": "id"}], **job,
        )  # fmt: skip
        provider = self.world.provider()
        return await self._runs.planned(made, parse_object(SOURCE), provider, preview=preview, records=records)

    async def get(self, run_id: str, query: str = "", signed_by: str = "console") -> httpx2.Response:
        target = f"/api/v1/runs/{run_id}/explanations{query}"
        vera = an_identity("vera", "GET", target, roles=("viewer",))
        headers = {"Placet-Identity": self.worker.sign[signed_by].sign(vera)}
        transport = httpx2.ASGITransport(self._app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://worker") as client:
            return await client.get(target, headers=headers)


@pytest.fixture
async def previews(database_url: str, tmp_path: Path) -> AsyncIterator[Previews]:
    worker = WorkerHarness(database_url, tmp_path / "keys")
    await worker.migrate()
    world = FileWorld(tmp_path, CsvKind())
    world.put(ANN | {"name": "Old"}, BOB)
    CsvKind().put(world.files / "hr.csv", list(ANN), [ANN, person("4", "New")])
    yield Previews(worker, world, database_url)
    await worker.database.engine.dispose()


async def test_a_preview_explains_the_records_that_it_was_asked_for(previews: Previews) -> None:
    run_id = await previews.run("1", "2", "9", extra="delete", extra_scope="all")
    assert (await previews.worker.run(run_id))["outcome"] == "previewed"
    items = (await previews.get(run_id)).json()["items"]
    assert [(one["key"], one["result"], one["op"]) for one in items] == [
        ("1", "planned", "update"), ("2", "planned", "delete"), ("9", "not_found", None),
    ]  # fmt: skip
    (name,) = [one for one in items[0]["attributes"] if one["name"] == "name"]
    assert name == {
        "name": "name", "transform": "from name", "source": {"name": ["Ann"]}, "wanted": ["Ann"], "before": ["Old"],
        "after": ["Ann"], "add": ["Ann"], "remove": ["Old"], "decision": "set", "reason": None, "secret": False,
    }  # fmt: skip
    assert previews.world.rows() == [ANN | {"name": "Old"}, BOB]


async def test_explanations_come_page_by_page(previews: Previews) -> None:
    run_id = await previews.run("1", "2", "4")
    page = (await previews.get(run_id, "?limit=2")).json()
    assert [one["key"] for one in page["items"]] == ["1", "2"]
    page = (await previews.get(run_id, f"?limit=2&cursor={page['next']}")).json()
    assert ([one["key"] for one in page["items"]], page["next"]) == (["4"], None)


async def test_a_run_that_is_applied_or_for_all_records_keeps_none(previews: Previews) -> None:
    for run_id in (await previews.run("1", preview=False), await previews.run()):
        assert (await previews.get(run_id)).json() == {"items": [], "next": None}


async def test_only_who_may_see_changes_sees_why(previews: Previews) -> None:
    run_id = await previews.run("1")
    assert (await previews.get(run_id, signed_by="scheduler")).status_code == 403
    assert (await previews.get("nothing")).status_code == 404
