"""The console as a real server on a real PostgreSQL, before services that say what they were asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from sqlalchemy import select, text

from placet_console import tables
from placet_console.app import build
from placet_console.bootstrap import bootstrap_admin
from placet_console.hashing import SecretHasher
from placet_console.managing import Users
from placet_console.sealing import row_seals
from placet_console.settings import ConsoleSettings
from placet_shared.api import install_problem_documents
from placet_shared.events import UserChanged
from placet_shared.identity import Identity, caller_of
from placet_shared.migrating import migrate
from placet_shared.service import Service
from tests.support.ports import free_port
from tests.support.signing import INSTALLATION, SigningKeys

SERVICES = ("scheduler", "sync-worker", "approvals", "notifier")


class Console:
    """A running console and the services behind it."""

    def __init__(self, url: str, service: Service, keys: SigningKeys, admin: str) -> None:
        self.url = url
        self.service = service
        self.keys = keys
        self.admin = admin
        self.client = httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30)

    async def call(self, method: str, path: str, token: str | None = None, **options: Any) -> httpx2.Response:
        """A call with a token; the admin's when none is given."""
        headers = {"Authorization": f"Bearer {token or self.admin}"} | options.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **options)

    async def raw(self, request_line: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
        """A call whose request line no client library has touched: the status and the body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.url.rsplit(":", 1)[1]))
        lines = [request_line, "Host: console", f"Authorization: Bearer {self.admin}", "Connection: close", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        answer = await reader.read()
        writer.close()
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), rest

    async def add_user(self, name: str, *roles: str, **fields: Any) -> str:
        """A new user with a token."""
        added = await self.call("POST", "/api/v1/users", json={"name": name, "roles": roles, **fields})
        assert added.status_code == 201, added.text
        made = await self.call("POST", f"/api/v1/users/{name}/tokens", json={"expires": None})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    async def announced(self) -> list[UserChanged]:
        """What the console published, each verified."""
        async with self.service.database.engine.connect() as connection:
            rows = await connection.execute(select(tables.delivery.outbox).order_by(tables.delivery.outbox.c.seq))
            events = [UserChanged.model_validate(json.loads(row.body)) for row in rows]
        for event in events:
            self.keys.verifier().event(event, "console")
        return events

    async def alter(self, statement: str, **values: Any) -> None:
        async with self.service.database.engine.begin() as connection:
            await connection.execute(text(statement), values)

    @property
    def users(self) -> Users:
        """As an API of a second replica has them."""
        signer = self.keys.signer("console")
        return Users(signer, row_seals(signer, self.keys.verifier()), SecretHasher())

    async def migrate(self) -> None:
        service = self.service
        async with service.database.engine.begin() as connection:
            await connection.run_sync(migrate, service.migrations, service.metadata, service.migrations_need)


@asynccontextmanager
async def running_console(
    database_url: str, folder: Path, away: str | None = None, make: Callable[[str, SigningKeys], FastAPI] | None = None
) -> AsyncIterator[Console]:
    """A console, its admin, and four services, made by `make` or echoes; nobody listens where `away` should be."""
    keys = SigningKeys(folder / "keys")
    async with AsyncExitStack() as stack:
        echoes = {name: await stack.enter_async_context(served((make or an_echo)(name, keys))) for name in SERVICES}
        if away:
            echoes[away] = f"http://127.0.0.1:{free_port()}"
        settings = ConsoleSettings(
            database_url=database_url,
            kafka="unused",
            key=keys.private_key("console"),
            public_keys=keys.public,
            installation=INSTALLATION,
            http_port=1,
            scheduler_url=echoes["scheduler"],
            sync_worker_url=echoes["sync-worker"],
            approvals_url=echoes["approvals"],
            notifier_url=echoes["notifier"],
        )
        admin, service = await bootstrap_admin(settings), build(settings)
        app = FastAPI(openapi_url="/openapi.json")
        install_problem_documents(app)
        app.include_router(service.router)
        url = await stack.enter_async_context(served(app))
        console = Console(url, service, keys, admin)
        stack.push_async_callback(service.database.engine.dispose)
        for resource in service.resources:
            await stack.enter_async_context(resource)
        yield await stack.enter_async_context(_closing(console))


def an_echo(service: str, keys: SigningKeys) -> FastAPI:
    """A service that checks who calls, as all do, and says what it was asked."""
    app = FastAPI(openapi_url=None)
    install_problem_documents(app)
    caller = Depends(caller_of(keys.verifier()))

    @app.get("/openapi.json")
    async def openapi() -> dict[str, Any]:
        paths: dict[str, Any] = {"/api/v1/requests": {}, "/api/v1/jobs": {}, "/health/live": {}}
        return {"openapi": "3.1.0", "info": {"title": service, "version": "0"}, "paths": paths}

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    async def echo(request: Request, identity: Annotated[Identity, caller]) -> Response:
        said = {
            "service": service,
            "method": request.method,
            "target": request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode(),
            "headers": dict(request.headers),
            "body": (await request.body()).decode("latin-1"),
            "identity": identity.model_dump(mode="json"),
        }
        headers = {"ETag": '"7"', "X-Internal": "secret", "Set-Cookie": "a=b", "Content-Type": "application/json"}
        return Response(json.dumps(said), 207 if request.method == "PATCH" else 200, headers)

    return app


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app on a free port; its address."""
    port = free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), task
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


@asynccontextmanager
async def _closing(console: Console) -> AsyncIterator[Console]:
    async with console.client:
        yield console
