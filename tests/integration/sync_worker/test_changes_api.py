"""The changes of a run over HTTP, page by page."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI

from placet_shared.api import install_problem_documents
from placet_sync_worker.api import build_router
from placet_sync_worker.changes import Rejected
from tests.support.signing import an_identity
from tests.support.worker import WorkerHarness, an_update


class Api:
    """A worker's routes, called as the console would call them, and a run with a plan."""

    def __init__(self, worker: WorkerHarness) -> None:
        self.worker = worker
        self._app = FastAPI()
        install_problem_documents(self._app)
        self._app.include_router(build_router(worker.database, worker.verifier, APIRouter(), worker.keys))
        self.run_id = ""

    async def get(self, query: str) -> httpx2.Response:
        target = f"/api/v1/runs/{self.run_id}/changes{query}"
        vera = an_identity("vera", "GET", target, roles=("viewer",))
        headers = {"Placet-Identity": self.worker.sign["console"].sign(vera)}
        transport = httpx2.ASGITransport(self._app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://worker") as client:
            return await client.get(target, headers=headers)

    async def pages(self, query: str) -> list[list[Any]]:
        """The keys of every page."""
        found, cursor = [], ""
        while True:
            page = (await self.get(f"{query}{cursor}")).json()
            found.append([item["key"] for item in page["items"]])
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    worker = WorkerHarness(database_url, tmp_path / "worker")
    await worker.migrate()
    made = Api(worker)
    made.run_id = await worker.planned(
        [an_update(number) for number in range(5)], [Rejected(f"line {n}", f"r{n}", None, "bad") for n in range(4)]
    )
    yield made
    await worker.database.engine.dispose()


async def test_every_change_is_on_one_page(api: Api) -> None:
    assert await api.pages("?limit=2") == [["0", "1"], ["2", "3"], ["4"]]
    assert await api.pages("?limit=5") == [["0", "1", "2", "3", "4"]]
    assert await api.pages("?result=rejected&limit=2") == [["r0", "r1"], ["r2", "r3"]]


async def test_what_lies_beyond_the_last_change_is_an_empty_page(api: Api) -> None:
    answer = await api.get("?cursor=99999999999")
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 19])
async def test_a_cursor_of_nobodys_is_refused(api: Api, cursor: str) -> None:
    answer = await api.get(f"?cursor={cursor}")
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")


async def test_a_run_that_is_not_there(api: Api) -> None:
    api.run_id = "nothing"
    assert (await api.get("")).status_code == 404
