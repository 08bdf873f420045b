"""A worker's database with keys, orders and decisions, for tests that move runs through it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from uuid import uuid4

from joserfc.jwk import OKPKey
from sqlalchemy import select, text

from placet_shared.chain import Decision, DestinationIdentity, Order, Signer, Snapshot, Verifier, link_hash
from placet_shared.database import open_engine
from placet_shared.events import Counts, Event, RunApproved, RunCancelled, RunDenied, RunRequested
from placet_shared.failpoints import no_failpoint
from placet_shared.keys import KeyRing, load_signing_key
from placet_shared.loops import Loop
from placet_shared.migrating import migrate
from placet_shared.objects import CsvProvider, Job, LdapProvider, parse_object
from placet_shared.work import Database, Work
from placet_sync_worker import handlers
from placet_sync_worker.applying.run import BatchApplier
from placet_sync_worker.changes import AttributeChange, Change, Phase, Rejected, Result, Step
from placet_sync_worker.leasing import Stopped
from placet_sync_worker.life import Life
from placet_sync_worker.passwords.keeping import PasswordKeeper
from placet_sync_worker.passwords.keys import PasswordKeys
from placet_sync_worker.plan import Draft
from placet_sync_worker.planning.making import MadePlan
from placet_sync_worker.planning.planner import PlannedRun
from placet_sync_worker.planning.run import RunPlanner
from placet_sync_worker.ports import Attribute, Safety
from placet_sync_worker.store import plans, runs
from placet_sync_worker.tables import delivery, metadata
from placet_sync_worker.tasks import Outcome, Task
from placet_sync_worker.unaltered import require_shown

INSTALLATION = "test"
HOME = Path(handlers.__file__).parent
STORE = DestinationIdentity(
    url="ldaps://store", bind_dn="cn=admin", base_dn="dc=example,dc=org", base_id="base-id", server="store"
)


def signers(folder: Path, *services: str) -> dict[str, Signer]:
    """A signer for each service; the public keys stand in the folder."""
    made = {}
    for service in services:
        key = OKPKey.generate_key("Ed25519")
        (folder / service).mkdir(parents=True)
        (folder / service / "current.pem").write_bytes(key.as_pem(private=False))
        private = folder / f"{service}.pem"
        private.write_bytes(key.as_pem(private=True))
        made[service] = Signer(load_signing_key(service, private))
    return made


LEASE = timedelta(seconds=60)


def a_job(**fields: Any) -> Job:
    """A job that copies people from `hr` to `corp`."""
    document: dict[str, Any] = {
        "kind": "job",
        "name": "people",
        "source": {"provider": "hr"},
        "destination": {"provider": "corp", "container": "ou=People,dc=example,dc=org"},
        "key": [{"source": "id", "destination": "employeeNumber"}],
        "fields": [{"to": "employeeNumber", "from": "id"}, {"to": "sn", "from": "last"}],
    }
    parsed = parse_object(document | fields)
    assert isinstance(parsed, Job)
    return parsed


def an_update(number: int, phase: Phase = Phase.UPDATE, record: str | None = None) -> Change:
    """A new surname for one entry."""
    change = AttributeChange("sn", ("Old",), ("New",))
    dn, steps = f"cn=p{number},ou=People,dc=example,dc=org", (Step("modify", phase, None, ("sn",)),)
    return Change(f"{number}", "update", dn, (change,), steps, f"id{number}", "v1", record=record)


def a_delete(number: int) -> Change:
    """The end of one entry."""
    dn = f"cn=p{number},ou=People,dc=example,dc=org"
    before = (AttributeChange("sn", ("Old",), ()),)
    return Change(f"{number}", "delete", dn, before, (Step("delete", Phase.DELETE),), f"id{number}", "v1")


class ReadyPlan(PlannedRun):
    """A plan that is known already."""

    _changes: Sequence[Change]

    def __init__(self, changes: Sequence[Change], rejected: Sequence[Rejected] = ()) -> None:
        tally: dict[str, int] = {"rejected": len(rejected)}
        for change in changes:
            tally[change.op] = tally.get(change.op, 0) + 1
        no_drafts: Any = None
        super().__init__(tuple(rejected), Counts.model_validate(tally), {}, 10, 10, (), (), no_drafts)
        object.__setattr__(self, "_changes", changes)

    def changes(self) -> Iterator[Draft]:
        return map(Draft.of, self._changes)

    def matches(self) -> Iterator[tuple[str, str]]:
        return iter([(str(change.id), change.key) for change in self._changes if change.id])

    def close(self) -> None: ...


@dataclass
class ScriptedWriter:
    """A destination and its writer: answers what the test says, applied if it says nothing; keeps what it was asked."""

    answers: Callable[[Task], Outcome] = lambda _task: Outcome(Result.APPLIED)
    identity_now: DestinationIdentity = STORE
    safety_now: Safety = "assertion"
    asked: list[tuple[Task, bool]] = field(default_factory=list)

    def safety(self) -> Safety:
        return self.safety_now

    def identity(self) -> DestinationIdentity:
        return self.identity_now

    def attribute(self, name: str) -> Attribute:
        return Attribute(name, True, True, True, True, str.lower)

    def close(self) -> None: ...

    def apply(self, tasks: Sequence[Task], deadline: float, *, look_only: bool = False) -> list[Outcome]:
        self.asked += [(task, look_only) for task in tasks]
        return [self.answers(task) for task in tasks]


@dataclass
class OneStore:
    """Connections that lead to one scripted destination."""

    store: ScriptedWriter

    def destination(self, _provider: Any, _job: Any = None) -> ScriptedWriter:
        return self.store

    def writer(self, _provider: Any, _destination: Any, _keys: Any) -> ScriptedWriter:
        return self.store


class WorkerHarness:
    """One worker on a real database; the other services are the test's words."""

    def __init__(self, database_url: str, folder: Path, look_after: timedelta = timedelta(minutes=15)) -> None:
        self.sign = signers(folder, "scheduler", "sync-worker", "approvals", "console")
        self.database = Database(open_engine(database_url, "test"), delivery, "sync-worker")
        self.verifier = Verifier(KeyRing(folder), INSTALLATION)
        self.life = Life(self.sign["sync-worker"], self.verifier, look_after)
        self.store = ScriptedWriter()
        self.keys = PasswordKeys(folder / "passwords")
        (folder / "passwords").write_text(token_urlsafe(32))
        self.plan: PlannedRun | Exception = ReadyPlan([])
        self.planned_safety: Safety = "assertion"
        self.planner = RunPlanner(
            self.database, self._make, self.verifier, self.sign["sync-worker"], self.life, folder, no_failpoint, LEASE
        )
        self.applier = self.another_applier(self.store)
        self.epoch = 1
        self._idle = Loop("idle", self.planner.step, 1)
        common: dict[str, Any] = {"verifier": self.verifier, "life": self.life}
        self._handlers: Mapping[type[Event], Callable[..., Any]] = {
            RunRequested: partial(handlers.run_requested, verifier=self.verifier, epoch=1, planning=self._idle),
            RunApproved: lambda event, work: handlers.run_approved(
                event, work, epoch=self.epoch, begun=[self._idle], **common
            ),
            RunDenied: partial(handlers.run_denied, **common),
            RunCancelled: partial(handlers.run_cancelled, **common),
        }

    def another_applier(self, store: ScriptedWriter, epoch: int = 1) -> BatchApplier:
        """A second replica's applying loop."""
        connections: Any = OneStore(store)
        return BatchApplier(
            self.database, connections, self.verifier, self.life, no_failpoint, LEASE, epoch, PasswordKeeper(self.keys)
        )

    async def migrate(self) -> None:
        async with self.database.engine.begin() as connection:
            await connection.run_sync(migrate, HOME / "migrations", metadata)

    def _make(self, _order: Order, _folder: Path, _stopped: Stopped) -> MadePlan:
        if isinstance(self.plan, Exception):
            raise self.plan
        return MadePlan(self.plan, self.store.identity_now, self.planned_safety)

    # ---- what the others say

    def order(self, run_id: str, *, preview: bool = False, **job: Any) -> str:
        """A signed order."""
        made = a_job(**job)
        source = CsvProvider(name="hr", type="csv", path="people.csv")
        destination = parse_object(
            {"kind": "provider", "name": made.destination.provider, "type": "ldap", "url": "ldaps://store",
             "bind_dn": "cn=admin", "password": {"env": "PLACET_SECRET_X"}, "base_dn": "dc=example,dc=org"}
        )  # fmt: skip
        assert isinstance(destination, LdapProvider)
        shot = Snapshot(job_id="job-1", job=made, source=source, destination=destination)
        return self.sign["scheduler"].sign(
            Order(
                run_id=run_id, installation=INSTALLATION, epoch=1, trigger="manual", requested_by="ada",
                requested_at=datetime.now(UTC), preview=preview, snapshot=shot,
            )
        )  # fmt: skip

    def requested(self, run_id: str, order: str, *, preview: bool = False) -> RunRequested:
        return RunRequested(
            run_id=run_id, job="people", trigger="manual", requested_by="ada", preview=preview, order=order
        )

    async def approved(self, run_id: str, **fields: Any) -> RunApproved:
        """The event by which approvals say yes to the plan that is stored."""
        decision = self.decision(run_id, (await self.run(run_id))["plan_token"], **fields)
        return RunApproved(run_id=run_id, request_id=None, decided_by="policy", decision=decision)

    def decision(self, run_id: str, plan: str, *, approved: bool = True, signer: str = "approvals") -> str:
        now = datetime.now(UTC)
        return self.sign[signer].sign(
            Decision(
                run_id=run_id, plan=link_hash(plan), request_id=None, approved=approved, decided_by=("policy",),
                reason="", decided_at=now, expires_at=now + timedelta(hours=1),
            )
        )  # fmt: skip

    # ---- what happens

    async def tell(self, event: Event) -> None:
        """Hands an event to its handler, in a transaction of its own."""
        async with self.database.transaction() as work:
            await self._handlers[type(event)](event, work)

    async def planned(self, changes: Sequence[Change], rejected: Sequence[Rejected] = (), **job: Any) -> str:
        """A run whose plan is stored; its id."""
        run_id = str(uuid4())
        self.plan = ReadyPlan(changes, rejected)
        await self.tell(self.requested(run_id, self.order(run_id, **job)))
        assert await self.planner.step()
        return run_id

    async def approve(self, run_id: str) -> None:
        await self.tell(await self.approved(run_id))

    async def apply_all(self) -> None:
        """Until no batch is due."""
        while await self.applier.step():
            pass

    async def shown(self, run_id: str) -> Sequence[Any]:
        """The changes as people would be shown them. Raises AlteredError."""
        async with self.database.transaction() as work:
            run = await runs.find(work, run_id)
            assert run is not None
            rows = await plans.list_changes(work, run_id, op=None, result=None, key=None, after=-1, limit=500)
            await require_shown(work, run, rows, self.verifier)
            return rows

    async def run(self, run_id: str) -> dict[str, Any]:
        return (await self.rows("SELECT * FROM sync.runs WHERE run_id = :run", run=run_id))[0]

    async def results(self, run_id: str) -> list[str | None]:
        both = "sync.changes LEFT JOIN sync.outcomes USING (run_id, number)"
        rows = await self.rows(f"SELECT result FROM {both} WHERE run_id = :run ORDER BY number", run=run_id)
        return [row["result"] for row in rows]

    async def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        async with self.database.engine.begin() as connection:
            found = await connection.execute(text(query), parameters)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    async def published(self, topic: str) -> list[dict[str, Any]]:
        async with self.database.transaction() as work:
            return await _bodies(work, topic)


async def _bodies(work: Work, topic: str) -> list[dict[str, Any]]:
    outbox = delivery.outbox
    query = select(outbox.c.body).where(outbox.c.topic == topic).order_by(outbox.c.seq)
    return [json.loads(body) for body in (await work.connection.execute(query)).scalars()]
