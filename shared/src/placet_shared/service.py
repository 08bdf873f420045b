"""What every service does besides its own work: migrations, delivery, probes, metrics, and an end in good order."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from starlette.types import ASGIApp, Receive, Scope, Send

from . import letters
from .api import install_problem_documents, problem
from .broker import Consumer
from .failpoints import failpoint_of
from .kafka_sender import KafkaSender
from .kafka_topics import ensure_topics
from .logging import configure_logging
from .loops import Loop
from .metrics import OUTBOX
from .migrating import migrate
from .outbox import SWEEP_SECONDS, Relay, count_unsent, purge_statements, sweep_unanswered
from .settings import Settings, SettingsT
from .settling import Settler
from .work import Database, Handlers

log = structlog.get_logger()

PURGE_SECONDS = 3600.0


@dataclass(frozen=True)
class Service:
    """A service, put together: what `serve` runs."""

    name: str
    settings: Settings
    database: Database
    metadata: MetaData
    migrations: Path
    handlers: Handlers
    loops: Sequence[Loop]
    router: APIRouter
    on_start: Callable[[], Awaitable[None]] | None = None
    resources: Sequence[AbstractAsyncContextManager[object]] = ()
    """What is closed when the service ends."""
    public_port: int | None = None
    """Where the API is for everybody, without probes and metrics, which stay on the service's own port."""
    migrations_need: Mapping[str, object] = field(default_factory=dict)
    """What the revisions of the schema use, by name."""


def serve(name: str, settings_class: type[SettingsT], build: Callable[[SettingsT], Service]) -> None:
    """A service's process, until SIGTERM or SIGINT; ends with 1 when it could not start."""
    settings = settings_class.load()
    configure_logging(settings.log, name)

    def stop() -> None:
        server.should_exit = True

    service = build(settings)
    running = _Running(service, stop)
    config = uvicorn.Config(
        _app_of(running),
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    _collect_rarely()
    with suppress(KeyboardInterrupt):
        server.run(sockets=_two_sockets(config, service.public_port) if service.public_port else None)
    if running.failed:
        raise SystemExit(1)


def _collect_rarely() -> None:
    """What was loaded at start is no garbage, and neither are the many small values of a plan: looking for cycles among
    them took half of a worker's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def _two_sockets(own: uvicorn.Config, public_port: int) -> list[socket]:
    public = uvicorn.Config(own.app, host=own.host, port=public_port, log_config=None)
    return [own.bind_socket(), public.bind_socket()]


def build_app(service: Service) -> FastAPI:
    """The HTTP side of a service; its lifespan starts and stops everything else."""
    return _app_of(_Running(service, lambda: None))


def _app_of(running: "_Running") -> FastAPI:
    service = running.service
    app = FastAPI(title=f"Placet {service.name}", lifespan=running.lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(_NotBeforeStart, running=running)
    app.add_middleware(_ApiAlone, port=service.public_port)
    install_problem_documents(app)
    app.include_router(service.router)

    @app.get("/health/live", include_in_schema=False)
    async def live() -> Response:
        return Response("alive" if running.alive() else "stuck", 200 if running.alive() else 503)

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> Response:
        why = await running.unready()
        return Response(why or "ready", 503 if why else 200)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


class _NotBeforeStart:
    """Answers 503 to API calls until the schema is there."""

    def __init__(self, app: ASGIApp, running: "_Running") -> None:
        self._app = app
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/") and not self._running.migrated:
            await problem(503, "Try again", "the service is starting")(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _ApiAlone:
    """Behind the public port there is the API and nothing else."""

    def __init__(self, app: ASGIApp, port: int | None) -> None:
        self._app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_public = scope["type"] == "http" and self._port is not None and scope["server"][1] == self._port
        if is_public and not scope["path"].startswith("/api/"):
            await problem(404, "Not found", "there is nothing at this path; the API is below /api/v1")(
                scope, receive, send
            )
        else:
            await self._app(scope, receive, send)


class _Running:
    """The parts of a service that run beside its HTTP server; `stop` ends that."""

    def __init__(self, service: Service, stop: Callable[[], None]) -> None:
        self.service = service
        self._stop_server = stop
        self.migrated = False
        self.failed = False
        settings = service.settings
        self._failpoint = failpoint_of(settings.failpoint)
        settler = Settler(service.database, service.handlers, self._failpoint)
        self._consumer = (
            Consumer(settings.kafka, settler, service.handlers, service.name, settings.group_instance_id)
            if service.handlers
            else None
        )
        self._sender = KafkaSender(settings.kafka, f"placet-{service.name}")
        self._settler = settler
        self._tasks: list[asyncio.Task[None]] = []
        self._started = False

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Everything starts in the background: the probes answer while the database or the broker is still away."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.service.database.engine.dispose)
            for resource in self.service.resources:
                await stack.enter_async_context(resource)
            stack.push_async_callback(self._sender.close)
            starting = asyncio.create_task(self._start())
            stack.push_async_callback(self._stop, starting)
            yield

    def alive(self) -> bool:
        """False when a part of the service has ended that never should."""
        ended = self.failed or any(task.done() for task in self._tasks)
        return not ended and (self._consumer is None or self._consumer.heartbeat.alive())

    async def unready(self) -> str | None:
        """Why the service cannot work now, or None."""
        if not self._started:
            return "starting"
        try:
            async with self.service.database.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (DBAPIError, OSError):
            return "the database does not answer"
        if self._consumer is not None and not await self._consumer.ping():
            return "the broker does not answer"
        return None

    async def _migrate(self) -> None:
        service = self.service
        async with service.database.engine.begin() as connection:
            await connection.run_sync(migrate, service.migrations, service.metadata, service.migrations_need)

    async def _start(self) -> None:
        try:
            await self._start_parts()
        except Exception:
            log.exception("start_failed")
            self.failed = True
            self._stop_server()

    async def _start_parts(self) -> None:
        service = self.service
        await _until_reachable("database", self._migrate)
        self.migrated = True
        await _until_reachable("broker", lambda: ensure_topics(service.settings.kafka))
        if service.on_start is not None:
            await _until_reachable("database", service.on_start)
        relay = Relay(service.database, self._sender, self._failpoint)
        loops = [
            Loop("unanswered", self._sweep, SWEEP_SECONDS),
            Loop("retries", self._retry, SWEEP_SECONDS),
            Loop("purge", self._purge, PURGE_SECONDS),
            *service.loops,
        ]
        self._tasks = [asyncio.create_task(relay.run()), *(asyncio.create_task(loop.run()) for loop in loops)]
        if self._consumer is not None:
            await self._consumer.start()
        self._started = True
        log.info("service_started", port=service.settings.http_port)

    async def _stop(self, starting: asyncio.Task[None]) -> None:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer.stop()  # first: a handler that runs may still finish
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        log.info("service_stopped")

    async def _sweep(self) -> None:
        await sweep_unanswered(self.service.database)
        OUTBOX.set(await count_unsent(self.service.database))

    async def _retry(self) -> None:
        for message in await letters.due_letters(self.service.database):
            await self._settler.settle(message)

    async def _purge(self) -> None:
        async with self.service.database.engine.begin() as connection:
            for statement in purge_statements(self.service.database.tables):
                await connection.execute(statement)


async def _until_reachable(what: str, attempt: Callable[[], Awaitable[None]]) -> None:
    """Tries until it works: at start the servers may come later than the service."""
    while True:
        try:
            return await attempt()
        except (OperationalError, InterfaceError, OSError, KafkaError) as error:
            log.warning("not_reachable_yet", what=what, error=repr(error))
            await asyncio.sleep(0.5)
