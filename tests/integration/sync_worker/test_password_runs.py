"""Passwords on a real PostgreSQL: made with their intents, the same for each try, taken once by whom the job names."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from joserfc import jwe
from joserfc.jwk import OKPKey
from msgspec.structs import replace

from placet_shared.api import install_problem_documents
from placet_shared.identity import Role
from placet_sync_worker.api import build_router
from placet_sync_worker.changes import AttributeChange, Change, Phase, Result, Step
from placet_sync_worker.passwords.keeping import forget_expired
from placet_sync_worker.store.forgetting import forget_values
from placet_sync_worker.tasks import Outcome, Task
from tests.support.alarms import alarms
from tests.support.signing import an_identity
from tests.support.worker import WorkerHarness, an_update

NO_ANSWER = Outcome(None, "no answer")


def a_create(number: int) -> Change:
    attributes = (
        AttributeChange("employeeNumber", (), (f"{number}",)),
        AttributeChange("userPassword", (), (), password=True),
    )
    step = Step("add", Phase.CREATE, attributes=("employeeNumber", "userPassword"))
    return Change(f"{number}", "create", f"cn=p{number},ou=People,dc=example,dc=org", attributes, (step,))


class Hall:
    """A worker, and people who come for passwords with a key of their own."""

    def __init__(self, worker: WorkerHarness) -> None:
        self.worker = worker
        self.key = OKPKey.generate_key("X25519")
        self._app = FastAPI()
        install_problem_documents(self._app)
        self._app.include_router(build_router(worker.database, worker.verifier, APIRouter(), worker.keys))
        self.run_id = ""

    async def call(
        self, method: str, tail: str, user: str = "ada", roles: tuple[Role, ...] = ("admin",), **given: Any
    ) -> httpx2.Response:
        target = f"/api/v1/runs/{self.run_id}/passwords{tail}"
        recipient = given.pop("recipient", self.key.as_dict(private=False))
        body = json.dumps({"recipient": recipient}).encode() if method == "POST" else b""
        caller = an_identity(user, method, target, body, roles=roles, **given)
        headers = {
            "Placet-Identity": self.worker.sign["console"].sign(caller), "Content-Type": "application/json"
        }  # fmt: skip
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(self._app), base_url="http://worker") as client:
            return await client.request(method, target, content=body, headers=headers)

    async def take(self, user: str = "ada", query: str = "", **caller: Any) -> list[dict[str, Any]]:
        answer = await self.call("POST", query, user, **caller)
        assert answer.status_code == 200, answer.text
        return [
            json.loads(jwe.decrypt_compact(one["sealed"], self.key).plaintext or b"") for one in answer.json()["items"]
        ]

    async def ordered(self, changes: Sequence[Change], **password: Any) -> None:
        """A run that was approved, of a job that makes passwords."""
        field = {"to": "userPassword", "password": password, "only_on_create": True}
        fields = [{"to": "employeeNumber", "from": "id"}, field]
        self.run_id = await self.worker.planned(changes, fields=fields)
        await self.worker.approve(self.run_id)

    async def again(self) -> None:
        """What waits for another try is due."""
        await self.worker.rows("UPDATE sync.batches SET next_at = now()")
        await self.worker.apply_all()

    def sent(self) -> list[str | None]:
        return [task.password for task, look_only in self.worker.store.asked if not look_only]

    async def kept(self) -> list[tuple[int, bool, str | None]]:
        """Number, whether there is a password, why there is none."""
        rows = await self.worker.rows("SELECT number, sealed, erased FROM sync.passwords ORDER BY number")
        return [(row["number"], row["sealed"] is not None, row["erased"]) for row in rows]


@pytest.fixture
async def hall(database_url: str, tmp_path: Path) -> AsyncIterator[Hall]:
    worker = WorkerHarness(database_url, tmp_path / "worker")
    await worker.migrate()
    yield Hall(worker)
    await worker.database.engine.dispose()


# ---- written ---------------------------------------------------------------------------------------------------------


async def test_each_try_sends_the_same_password_and_no_table_can_be_read_for_it(hall: Hall) -> None:
    hall.worker.store.answers = lambda _: NO_ANSWER
    await hall.ordered([a_create(1), a_create(2), an_update(3)], length=30)
    await hall.worker.apply_all()
    hall.worker.store.answers = lambda _: Outcome(Result.APPLIED)
    await hall.again()
    first, second, *again = hall.sent()
    assert again == [first, second, None]
    assert first != second
    assert [len(str(one)) for one in (first, second)] == [30, 30]
    assert [one["password"] for one in await hall.take()] == [first, second]
    tables = await hall.worker.rows(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema='sync'"
    )
    everything = [await hall.worker.rows(f"SELECT t::text FROM sync.{table['name']} t") for table in tables]
    assert str(first) not in str(everything)


async def test_what_was_not_proven_is_erased_when_the_run_ends(hall: Hall) -> None:
    results = [Result.APPLIED, Result.FAILED, Result.CONFLICT, Result.ALREADY_APPLIED]
    hall.worker.store.answers = lambda task: Outcome(results[task.number], "so it is")
    await hall.ordered([a_create(number) for number in range(4)])
    await hall.worker.apply_all()
    assert await hall.kept() == [(0, True, None), (1, False, "not proven"), (2, False, "not proven"), (3, True, None)]
    assert [one["key"] for one in await hall.take()] == ["0", "3"]


async def test_a_password_that_may_have_been_sent_and_is_gone_is_not_made_anew(hall: Hall) -> None:
    hall.worker.store.answers = lambda _: NO_ANSWER
    await hall.ordered([a_create(1)])
    await hall.worker.apply_all()
    await hall.worker.rows("DELETE FROM sync.passwords")
    sent = len(hall.sent())
    await hall.again()
    run = await hall.worker.run(hall.run_id)
    assert (run["outcome"], len(hall.sent())) == ("failed", sent)
    assert "a password that may have been sent is gone" in run["reason"]


async def test_a_password_that_was_put_in_anothers_place_is_not_sent(hall: Hall) -> None:
    hall.worker.store.answers = lambda _: NO_ANSWER
    await hall.ordered([a_create(1), a_create(2)])
    await hall.worker.apply_all()
    await hall.worker.rows(
        "UPDATE sync.passwords p SET sealed = o.sealed FROM sync.passwords o WHERE o.number = 1 - p.number"
    )
    sent = len(hall.sent())
    await hall.again()
    run = await hall.worker.run(hall.run_id)
    assert (run["outcome"], len(hall.sent())) == ("failed", sent)
    assert "altered or changed places" in run["reason"]


async def test_without_the_key_nothing_is_sent_until_it_is_there_again(hall: Hall) -> None:
    assert hall.worker.keys.path is not None
    key = hall.worker.keys.path.read_text()
    hall.worker.keys.path.unlink()
    await hall.ordered([a_create(1)])
    await hall.worker.apply_all()
    assert (hall.sent(), await hall.kept()) == ([], [])
    hall.worker.keys.path.write_text(f"{token_urlsafe(32)}\n{key}")
    await hall.again()
    assert (await hall.worker.run(hall.run_id))["outcome"] == "succeeded"
    assert [one["password"] for one in await hall.take()] == hall.sent()


# ---- taken -----------------------------------------------------------------------------------------------------------


async def applied(hall: Hall, count: int = 3, **password: Any) -> None:
    await hall.ordered([a_create(number) for number in range(count)], **password)
    await hall.worker.apply_all()


async def test_passwords_are_taken_once_by_one_user(hall: Hall) -> None:
    await applied(hall)
    taken = await hall.take()
    assert [one["password"] for one in taken] == hall.sent()
    assert {one: taken[1][one] for one in ("key", "dn", "attribute", "taken_at")} == {
        "key": "1", "dn": a_create(1).dn, "attribute": "userPassword", "taken_at": None,
    }  # fmt: skip
    refused = await hall.call("POST", "", "bob")
    assert (refused.status_code, "handed over to ada" in refused.json()["detail"]) == (409, True)
    again = await hall.take()
    assert [one["password"] for one in again] == hall.sent()
    assert all(one["taken_at"] for one in again)
    assert (await hall.call("POST", "/received", "bob")).json() == {"erased": 0}
    assert (await hall.call("POST", "/received")).json() == {"erased": 3}
    assert await hall.take() == []
    assert {why for _, there, why in await hall.kept() if not there} == {"received"}
    listed = (await hall.call("GET", "", "vera", ("viewer",))).json()["items"]
    assert [(one["key"], one["taken_by"], one["erased"]) for one in listed] == [
        (key, "ada", "received") for key in ("0", "1", "2")
    ]


async def test_who_took_passwords_is_told_when_values_are_kept_no_more(hall: Hall) -> None:
    await applied(hall, 2)
    await hall.worker.rows("UPDATE sync.runs SET finished_at = now() - interval '2 days'")
    await forget_values(hall.worker.database, timedelta(days=1))
    assert len(await hall.take()) == 2
    await hall.call("POST", "/received")
    await forget_values(hall.worker.database, timedelta(days=1))
    listed = (await hall.call("GET", "", "vera", ("viewer",))).json()["items"]
    assert [(one["key"], one["dn"], one["taken_by"], one["erased"]) for one in listed] == [
        (key, None, "ada", "received") for key in ("0", "1")
    ]


async def test_pages_of_passwords_are_complete(hall: Hall) -> None:
    await applied(hall, 5)
    first = await hall.call("POST", "?limit=3")
    assert (len(first.json()["items"]), first.json()["next"]) == (3, "2")
    assert [one["key"] for one in await hall.take(query="?limit=3&cursor=2")] == ["3", "4"]


@pytest.mark.parametrize("roles", [("viewer",), ("editor",), ("operator",), ("approver",)])
async def test_no_other_role_takes_passwords(hall: Hall, roles: tuple[Role, ...]) -> None:
    await applied(hall, 1, deliver_to=["eve", "group:helpdesk"])
    for tail in ("", "/received"):
        refused = await hall.call("POST", tail, "ada", roles)
        assert refused.status_code == 403
        assert "admins, eve, group:helpdesk may" in refused.json()["detail"]
    assert (await hall.kept())[0][1]


@pytest.mark.parametrize(
    ("user", "caller"), [("eve", {}), ("ivy", {"groups": ("helpdesk",)}), ("joe", {"email": "JOE@corp.example"})]
)
async def test_whom_the_job_names_may_take_them(hall: Hall, user: str, caller: dict[str, Any]) -> None:
    await applied(hall, 1, deliver_to=["eve", "group:helpdesk", "joe@corp.example"])
    assert len(await hall.take(user, roles=("viewer",), **caller)) == 1


async def test_a_run_that_is_not_over_gives_none(hall: Hall) -> None:
    hall.worker.store.answers = lambda task: Outcome(Result.APPLIED) if task.number == 0 else NO_ANSWER
    await hall.ordered([a_create(0), a_create(1)])
    await hall.worker.apply_all()
    refused = await hall.call("POST", "")
    assert (refused.status_code, "is not over" in refused.json()["detail"]) == (409, True)


async def test_whose_password_it_is_cannot_be_altered_in_the_tables(hall: Hall) -> None:
    await applied(hall, 2)
    before = alarms("altered")
    for places in ("changes c SET document = o.document", "passwords c SET sealed = o.sealed"):
        table = places.partition(" ")[0]
        swap = f"UPDATE sync.{places} FROM sync.{table} o WHERE o.run_id = c.run_id AND o.number = 1 - c.number"
        await hall.worker.rows(swap)
        assert (await hall.call("POST", "")).status_code == 409
        await hall.worker.rows(swap)
    assert alarms("altered") - before == 2
    assert all(row["taken_by"] is None for row in await hall.worker.rows("SELECT taken_by FROM sync.passwords"))
    assert len(await hall.take()) == 2


@pytest.mark.parametrize("recipient", [{}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"}, {"kty": "oct", "k": "AA"}])
async def test_only_a_public_key_of_the_one_kind_is_encrypted_to(hall: Hall, recipient: dict[str, str]) -> None:
    await applied(hall, 1)
    assert (await hall.call("POST", "", recipient=recipient)).status_code == 422
    signing = OKPKey.generate_key("Ed25519").as_dict(private=False)
    refused = await hall.call("POST", "", recipient={name: signing[name] for name in ("kty", "crv", "x")})
    assert (refused.status_code, refused.json()["field"]) == (422, "recipient")
    assert (await hall.kept())[0][1]


async def test_what_nobody_took_is_erased_once_its_run_is_over(hall: Hall) -> None:
    hall.worker.store.answers = lambda _: NO_ANSWER
    await hall.ordered([a_create(0)], expires_after="1h")
    await hall.worker.apply_all()
    await hall.worker.rows("UPDATE sync.passwords SET expires_at = now() - interval '1 s'")
    await forget_expired(hall.worker.database)
    assert (await hall.kept())[0][1]
    hall.worker.store.answers = lambda _: Outcome(Result.APPLIED)
    await hall.again()
    await forget_expired(hall.worker.database)
    assert await hall.kept() == [(0, False, "expired")]


async def test_a_step_that_sets_no_password_needs_none(hall: Hall) -> None:
    task = Task(0, 0, a_create(0), False, None, "")
    plain = replace(task, change=replace(task.change, steps=(replace(task.step, attributes=("employeeNumber",)),)))
    assert (task.sets_password, plain.sets_password) == (True, False)
