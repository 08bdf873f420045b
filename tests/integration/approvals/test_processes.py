"""Approvals and the console as processes of their own: a plan comes by Kafka, a person decides at the one origin."""

import asyncio
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from placet_shared.events import RunApproved, RunPlanned
from placet_shared.objects import Workflow
from placet_shared.topics import RUN_APPROVED
from tests.support.delivery import messages_on, produce, raw, until
from tests.support.noida import Noida
from tests.support.ports import free_port
from tests.support.processes import ServerProcess
from tests.support.signing import INSTALLATION, SigningKeys, a_run_planned, an_order

TWO_EYES = Workflow.model_validate({"name": "two-eyes", "stages": [{"approvers": ["group:identity"]}]})


class Processes:
    """Both services, one database, one broker."""

    def __init__(self, database_url: str, kafka: str, folder: Path) -> None:
        self.keys = SigningKeys(folder / "keys")
        self._ports = {service: free_port() for service in ("approvals", "console")}
        self._shared = {
            "PLACET_DATABASE_URL": database_url,
            "PLACET_KAFKA": kafka,
            "PLACET_PUBLIC_KEYS": str(self.keys.public),
            "PLACET_INSTALLATION": INSTALLATION,
            **{f"PLACET_{name}_URL": "http://127.0.0.1:1" for name in ("SCHEDULER", "SYNC_WORKER", "NOTIFIER")},
            "PLACET_APPROVALS_URL": f"http://127.0.0.1:{self._ports['approvals']}",
        }
        self._public = free_port()
        self._folder = folder
        self._running = [self._process(service, port) for service, port in self._ports.items()]
        self.origin = f"http://127.0.0.1:{self._public}"

    def environment(self, service: str) -> dict[str, str]:
        own = {"PLACET_KEY": str(self.keys.private_key(service)), "PLACET_HTTP_PORT": str(self._ports[service])}
        if service == "console":
            own["PLACET_PUBLIC_PORT"] = str(self._public)
        others = {name: value for name, value in os.environ.items() if not name.startswith("PLACET_")}
        return others | self._shared | own

    def start(self) -> None:
        for process in self._running:
            process.start()

    def stop(self) -> None:
        for process in self._running:
            process.kill()

    def _process(self, service: str, port: int) -> ServerProcess:
        variables = [f"{name}={value}" for name, value in self.environment(service).items()]
        command = ["env", "-i", *variables, sys.executable, "-m", f"placet_{service}"]
        return ServerProcess(command, self._folder / f"{service}.log", partial(is_ready, port), self._folder)


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def processes(database_url: str, noida: Noida, tmp_path: Path) -> Iterator[Processes]:
    both = Processes(database_url, noida.bootstrap, tmp_path)
    both.start()
    yield both
    both.stop()


async def test_a_plan_is_approved_by_a_person(processes: Processes, noida: Noida) -> None:
    planned = a_run_planned(processes.keys, an_order(workflow=TWO_EYES))
    await produce(noida.bootstrap, raw(planned))
    async with httpx2.AsyncClient(base_url=f"{processes.origin}/api/v1", trust_env=False) as http:
        ask = partial(call, http, await bootstrap(processes))
        bob = {"name": "bob", "email": "bob@corp.example", "roles": ["approver"], "groups": ["identity"]}
        assert (await ask("POST", "/users", json=bob)).status_code == 201
        token = (await ask("POST", "/users/bob/tokens", json={})).json()["token"]
        request = await until(partial(first_request, ask))
        assert (request["run_id"], request["approvers"]) == (planned.run_id, ["group:identity"])
        path = f"/requests/{request['id']}/decisions"
        assert (await ask("POST", path, json={"decision": "approve"})).status_code == 403
        answer = await call(http, token, "POST", path, json={"decision": "approve", "comment": "placet"})
        assert (answer.status_code, answer.json()["state"]) == (200, "approved")
        assert (await ask("GET", "/audit")).json() == {"ok": True, "runs": 1, "problems": []}
    approved = await until(partial(approval_of, noida.bootstrap, planned))
    decision = processes.keys.verifier().decision(approved.decision, planned.plan)
    assert (decision.approved, decision.decided_by, decision.reason) == (True, ("bob",), "placet")


async def bootstrap(processes: Processes) -> str:
    """The admin's token, made while the console runs."""
    command = [sys.executable, "-m", "placet_console", "bootstrap-admin"]
    made = await asyncio.create_subprocess_exec(
        *command, env=processes.environment("console"), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await made.communicate()
    assert made.returncode == 0
    return printed.decode().split()[-1]


async def call(http: httpx2.AsyncClient, token: str, method: str, path: str, **options: Any) -> httpx2.Response:
    return await http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **options)


async def first_request(ask: Callable[..., Any]) -> Any:
    answer = await ask("GET", "/requests?state=open")
    return next(iter(answer.json()["items"]), None)


async def approval_of(kafka: str, planned: RunPlanned) -> RunApproved | None:
    events = [RunApproved.model_validate_json(message.value) for message in await messages_on(kafka, RUN_APPROVED)]
    return next((event for event in events if event.run_id == planned.run_id), None)
