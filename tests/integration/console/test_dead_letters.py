"""The dead letters of all services as one list."""

import asyncio
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from placet_shared.api import install_problem_documents
from placet_shared.database import DeliveryTables, open_engine, service_metadata
from placet_shared.dead_letters_api import dead_letters_router
from placet_shared.envelope import Message
from placet_shared.identity import caller_of
from placet_shared.letters import bury
from placet_shared.work import Database
from tests.support.console import SERVICES, running_console
from tests.support.signing import SigningKeys


async def make_database(url: str, service: str) -> Database:
    metadata = service_metadata(service)
    database = Database(open_engine(url, service), DeliveryTables(metadata), service)
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(f'CREATE SCHEMA "{service}"')
        await connection.run_sync(metadata.create_all)
    return database


def an_app(service: str, keys: SigningKeys, databases: dict[str, Database]) -> FastAPI:
    app = FastAPI()
    install_problem_documents(app)
    router = dead_letters_router(databases[service], caller_of(keys.verifier()))
    app.include_router(router, prefix="/api/v1")
    return app


async def test_one_list_of_all_services(database_url: str, tmp_path: Path) -> None:
    databases = {service: await make_database(database_url, service) for service in SERVICES}
    for number in range(3):
        for service, database in databases.items():
            headers = [("ce_id", b"%d" % number), ("x", None), ("y", b"\xff")]
            message = Message("placet.run-planned", number, 7, b"key", headers, b'{"a": \xff\x00}')
            await bury(database, message, f"{service} {number}")
    async with running_console(database_url, tmp_path, make=partial(an_app, databases=databases)) as console:
        seen, target = [], "/api/v1/dead-letters?limit=5"
        while target:
            page = (await console.call("GET", target)).json()
            assert len(page["items"]) <= 5
            seen += page["items"]
            target = f"/api/v1/dead-letters?limit=5&cursor={page['next']}" if page["next"] else ""
        assert [letter["reason"] for letter in seen] == [f"{s} {n}" for n in (2, 1, 0) for s in reversed(SERVICES)]

        letter = seen[0]
        path = f"/api/v1/dead-letters/{letter['service']}/{letter['id']}"
        whole = (await console.call("GET", path)).json()
        assert (whole["key"], whole["body"]) == ("key", '{"a": \\xff\x00}')
        assert whole["headers"] == [["ce_id", "2"], ["x", None], ["y", "\\xff"]]

        viewer = await console.add_user("vera", "viewer")
        assert (await console.call("POST", f"{path}/replay", viewer)).status_code == 403
        replays = await asyncio.gather(*(console.call("POST", f"{path}/replay") for _ in range(2)))
        assert sorted(answer.status_code for answer in replays) == [202, 404]
        assert (await console.call("GET", path)).status_code == 404
        for cursor in ("x", "1e9-x", "9" * 40 + "-x", "1-%01"):
            answer = await console.call("GET", f"/api/v1/dead-letters?cursor={cursor}")
            assert (answer.status_code, answer.json()["field"]) == (422, "cursor")
        paths = (await console.call("GET", "/api/v1/openapi.json")).json()["paths"]
        assert "/api/v1/dead-letters/{service}/{letter_id}/replay" in paths
    for database in databases.values():
        await database.engine.dispose()
