"""The chain of signatures: order, plan, decision. Each is a compact JWS (EdDSA) with the hash of the one before."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from joserfc import jws
from joserfc.errors import JoseError
from pydantic import BaseModel, ConfigDict, ValidationError
from rfc8785 import CanonicalizationError
from rfc8785 import dumps as canonical_json

from .errors import ForgedEventError
from .events import Counts, Event, TriggerKind
from .keys import KeyRing, SigningKey
from .objects import Job, Provider, Workflow

ALGORITHM = "EdDSA"
LARGEST_PAYLOAD = 1024 * 1024
"""Bytes: what is signed travels in messages, which are no larger. The library's own limit would let a long order be
signed that nobody then can verify."""


class Link(BaseModel):
    """The signed content of one link. Unknown fields are kept out: what was signed is what is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Snapshot(Link):
    """The job as it was when the run was ordered, with everything that it refers to. `job_id` tells a job from a
    later one of the same name; `default_workflow` is the workflow named `default`, if there is one."""

    job_id: str
    job: Job
    source: Provider
    destination: Provider
    workflow: Workflow | None = None
    default_workflow: Workflow | None = None


class Order(Link):
    """The scheduler's: do this job once. `everything`: also what has not changed, whatever the job's mode."""

    run_id: str
    installation: str
    epoch: int
    trigger: TriggerKind
    requested_by: str
    requested_at: datetime
    reason: str = ""
    preview: bool
    records: tuple[str, ...] = ()
    everything: bool = False
    snapshot: Snapshot


class DestinationIdentity(Link):
    """The destination that a plan was made for."""

    url: str
    bind_dn: str
    base_dn: str
    base_id: str
    server: str


class PlanHeader(Link):
    """The worker's: this is what the run would change.

    `digest` is over the ordered list of (phase, index, digest) of the batches; `by_attribute` counts changes by name.
    `checks` say why a person should look at the plan, whatever the policy.
    `within_query` is what percentages of limits are of: how many entries of the destination the job's query gave, or,
    where a run reads only what changed, how many were looked up.
    """

    run_id: str
    order: str
    destination: DestinationIdentity
    safety: Literal["assertion", "value", "read_back"]
    digest: str
    counts: Counts
    by_attribute: Mapping[str, int]
    source_read: int
    destination_read: int
    within_query: int
    warnings: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    planned_at: datetime
    valid_until: datetime


class Decision(Link):
    """Approvals': yes or no to one plan. `decided_by` is `policy` or the people, in the order of their votes."""

    run_id: str
    plan: str
    request_id: str | None
    approved: bool
    decided_by: tuple[str, ...]
    reason: str
    decided_at: datetime
    expires_at: datetime


LinkT = TypeVar("LinkT", bound=Link)
EventT = TypeVar("EventT", bound=Event)


def sha256(data: bytes) -> str:
    """A digest as it is written everywhere: `sha256:` and hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def link_hash(token: str) -> str:
    """The hash by which the next link names this one."""
    return sha256(token.encode())


class Signer:
    """Signs in the name of one service."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    @property
    def issuer(self) -> str:
        """The service in whose name it signs."""
        return self._key.issuer

    def sign(self, content: BaseModel) -> str:
        """A compact JWS over the content; its `typ` is the content's class."""
        return self.sign_bytes(type(content).__name__, canonical_json(content.model_dump(mode="json", by_alias=True)))

    def sign_bytes(self, purpose: str, payload: bytes) -> str:
        """A compact JWS for one purpose, which a reader must ask for."""
        header = {"alg": ALGORITHM, "kid": self._key.kid, "iss": self._key.issuer, "typ": purpose}
        return jws.serialize_compact(header, payload, self._key.key, algorithms=[ALGORITHM], registry=_REGISTRY)

    def signed(self, event_class: type[EventT], **fields: Any) -> EventT:
        """An event with its publisher's signature over type and content."""
        draft = event_class.model_validate({**fields, "signature": ""})
        return draft.model_copy(update={"signature": self.sign_bytes(event_class.__name__, _content(draft))})


class Verifier:
    """Checks signatures against the public keys. A token that does not hold raises ForgedEventError."""

    def __init__(self, keys: KeyRing, installation: str) -> None:
        self._keys = keys
        self._installation = installation

    def order(self, token: str, *, audit: bool = False) -> Order:
        """The order, if it is the scheduler's and of this installation."""
        order = self._read(token, "scheduler", Order, audit)
        if order.installation != self._installation:
            raise ForgedEventError(f"the order of run {order.run_id} is of another installation")
        return order

    def order_if_true(self, token: str) -> Order | None:
        """The order, or None where the token is not what the scheduler signed."""
        try:
            return self.order(token)
        except ForgedEventError:
            return None

    def plan(self, token: str, order: str, *, audit: bool = False) -> PlanHeader:
        """The plan's header, if it is a worker's and answers this order."""
        plan = self._read(token, "sync-worker", PlanHeader, audit)
        if plan.order != link_hash(order):
            raise ForgedEventError(f"the plan of run {plan.run_id} was made for another order")
        return plan

    def decision(self, token: str, plan: str, *, audit: bool = False) -> Decision:
        """The decision, if it is approvals' and about this plan."""
        decision = self._read(token, "approvals", Decision, audit)
        if decision.plan != link_hash(plan):
            raise ForgedEventError(f"the decision about run {decision.run_id} is about another plan")
        return decision

    def event(self, event: Event, issuer: str) -> None:
        """Passes if the event carries its publisher's signature over this very content."""
        signed = self.read_bytes(str(getattr(event, "signature", "")), issuer, type(event).__name__)
        if signed != _content_if_any(event):
            raise ForgedEventError(f"{type(event).__name__} about {event.subject} is not what {issuer} signed")

    def read_bytes(self, token: str, issuer: str, purpose: str, *, audit: bool = False) -> bytes:
        """What the issuer signed for this purpose."""
        try:
            header = jws.extract_compact(token.encode(), registry=_REGISTRY).headers()
            key = self._keys.find(issuer, str(header.get("kid")), audit=audit)
            if key is None or header.get("iss") != issuer or header.get("typ") != purpose:
                raise ForgedEventError(f"{purpose}: no signature of {issuer} by a key that is in use")
            return jws.deserialize_compact(token, key, algorithms=[ALGORITHM], registry=_REGISTRY).payload
        except (JoseError, ValueError, TypeError) as error:  # a `crit` of another type is a TypeError
            raise ForgedEventError(f"{purpose}: the signature does not hold ({error})") from error

    def _read(self, token: str, issuer: str, link: type[LinkT], audit: bool) -> LinkT:
        try:
            return link.model_validate_json(self.read_bytes(token, issuer, link.__name__, audit=audit))
        except ValidationError as error:
            raise ForgedEventError(f"{link.__name__}: the signed content has another shape") from error


class _Registry(jws.JWSRegistry):
    max_payload_length = LARGEST_PAYLOAD * 4 // 3  # measured in base64


_REGISTRY = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


def _content(event: Event) -> bytes:
    return canonical_json(event.model_dump(mode="json", by_alias=True, exclude={"signature"}))


def _content_if_any(event: Event) -> bytes | None:
    """None for what no service could have signed, such as a number too large for JSON."""
    try:
        return _content(event)
    except CanonicalizationError:
        return None
