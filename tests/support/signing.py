"""Keys of all services in one folder, and orders and plans signed with them."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from joserfc.jwk import OKPKey

from placet_shared.chain import DestinationIdentity, Order, PlanHeader, Signer, Snapshot, Verifier, link_hash
from placet_shared.clock import utc_now
from placet_shared.events import Counts, RunPlanned
from placet_shared.identity import Identity, body_hash
from placet_shared.keys import KeyRing, load_signing_key
from placet_shared.objects import Workflow

SERVICES = ("scheduler", "sync-worker", "approvals", "notifier", "console")
INSTALLATION = "tests"

HR = {"kind": "provider", "name": "hr", "type": "csv", "path": "people.csv"}
CORP = {
    "kind": "provider",
    "name": "corp",
    "type": "ldap",
    "url": "ldap://127.0.0.1",
    "bind_dn": "cn=admin,dc=corp",
    "password": {"env": "PLACET_SECRET_CORP"},
    "base_dn": "dc=corp",
}
PEOPLE = {
    "kind": "job",
    "name": "people",
    "source": {"provider": "hr"},
    "destination": {"provider": "corp"},
    "key": [{"source": "id", "destination": "employeeNumber"}],
    "fields": [{"to": "sn", "from": "last"}],
}


class SigningKeys:
    """A fresh key for each service: `private/<service>.pem`, `public/<service>/current.pem`."""

    def __init__(self, folder: Path) -> None:
        self.public = folder / "public"
        self.private = folder / "private"
        self.private.mkdir(parents=True)
        for service in SERVICES:
            self.rotate(service)

    def rotate(self, service: str) -> None:
        """A new key; the one before goes to the retired ones, which count in audits alone."""
        current = self.public / service / "current.pem"
        if current.exists():
            old = current.parent / "old" / f"{uuid4()}.pem"
            old.parent.mkdir(exist_ok=True)
            current.rename(old)
        current.parent.mkdir(parents=True, exist_ok=True)
        key = OKPKey.generate_key("Ed25519")
        self.private_key(service).write_bytes(key.as_pem(private=True))
        current.write_bytes(key.as_pem(private=False))

    def private_key(self, service: str) -> Path:
        return self.private / f"{service}.pem"

    def signer(self, service: str) -> Signer:
        return Signer(load_signing_key(service, self.private_key(service)))

    def verifier(self) -> Verifier:
        return Verifier(KeyRing(self.public), INSTALLATION)


def an_order(*, job: Mapping[str, Any] | None = None, workflow: Workflow | None = None, **fields: Any) -> Order:
    """An order of the job `people`, asked for by ada; `job` changes fields of the job, `fields` those of the order."""
    default = fields.pop("default_workflow", None)
    job_document = PEOPLE | ({"workflow": workflow.name} if workflow else {}) | dict(job or {})
    documents = {"job": job_document, "source": HR, "destination": CORP}
    snapshot = Snapshot.model_validate(
        {"job_id": str(uuid4()), "workflow": workflow, "default_workflow": default, **documents}
    )
    usual: dict[str, Any] = {
        "run_id": str(uuid4()),
        "installation": INSTALLATION,
        "epoch": 1,
        "trigger": "manual",
        "requested_by": "ada",
        "requested_at": utc_now(),
        "preview": False,
    }
    return Order(snapshot=snapshot, **(usual | fields))


def a_plan(order: Order, order_token: str, **fields: Any) -> PlanHeader:
    """A plan for the order, valid for a week from now; `fields` change the header."""
    usual: dict[str, Any] = {
        "run_id": order.run_id,
        "order": link_hash(order_token),
        "destination": DestinationIdentity(
            url="ldap://127.0.0.1", bind_dn="cn=admin", base_dn="dc=corp", base_id="1", server="s"
        ),
        "safety": "assertion",
        "digest": "sha256:00",
        "counts": Counts(create=3),
        "by_attribute": {"sn": 3},
        "source_read": 100,
        "destination_read": 100,
        "within_query": 100,
        "planned_at": utc_now(),
        "valid_until": utc_now() + timedelta(days=7),
    }
    return PlanHeader.model_validate(usual | fields)


def a_run_planned(keys: SigningKeys, order: Order, **fields: Any) -> RunPlanned:
    """run-planned as the worker would publish it for this order; `fields` change the plan's header."""
    order_token = keys.signer("scheduler").sign(order)
    plan = a_plan(order, order_token, **fields)
    return RunPlanned(
        run_id=order.run_id,
        job=order.snapshot.job.name,
        preview=order.preview,
        digest=plan.digest,
        counts=plan.counts,
        order=order_token,
        plan=keys.signer("sync-worker").sign(plan),
    )


def an_identity(user: str, method: str, target: str, body: bytes = b"", **fields: Any) -> Identity:
    """Who calls this, now; an approver unless `roles` says otherwise."""
    usual: dict[str, Any] = {
        "email": f"{user}@corp.example",
        "groups": (),
        "roles": ("approver",),
        "issued_at": utc_now(),
    }
    return Identity(user=user, method=method, target=target, body=body_hash(body), **(usual | fields))


def identity_header(keys: SigningKeys, identity: Identity) -> dict[str, str]:
    """The header that the console would send."""
    return {"Placet-Identity": keys.signer("console").sign(identity)}
