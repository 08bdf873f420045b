"""Signatures: what was signed passes for its own purpose, from its own service, under a key in use, unaltered."""

import base64
import hmac
import json
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from placet_shared.chain import Decision, Order, PlanHeader, Signer, Verifier, link_hash
from placet_shared.errors import ForgedEventError
from placet_shared.events import ApprovalRequested, Event, ObjectChanged, RunCancelled, RunFinished, UserChanged
from placet_shared.identity import Identity
from placet_shared.keys import KeyRing
from tests.support.samples import NOON, SAMPLES
from tests.support.signing import INSTALLATION, SERVICES, SigningKeys, a_plan, an_order

PUBLISHERS: dict[type[Event], str] = {
    ApprovalRequested: "approvals",
    RunCancelled: "scheduler",
    RunFinished: "sync-worker",
    ObjectChanged: "scheduler",
    UserChanged: "console",
}
CONTENT = [(kind, field) for kind in PUBLISHERS for field in kind.model_fields if field != "signature"]
OTHER_WORDS = {"outcome": "succeeded", "trigger": "event"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return SigningKeys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def fresh(tmp_path: Path) -> SigningKeys:
    """Keys that a test may rotate."""
    return SigningKeys(tmp_path)


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    """A field that is altered to what its type forbids would be another test."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Pydantic serializer warnings")
        yield


def other(value: Any, field: str) -> Any:
    """A value of the same type that differs."""
    if isinstance(value, BaseModel):
        name = next(iter(type(value).model_fields))
        return value.model_copy(update={name: other(getattr(value, name), name)})
    if field in OTHER_WORDS:
        return OTHER_WORDS[field]
    changes: list[tuple[type, Callable[[Any], Any]]] = [
        (bool, lambda it: not it),
        (int, lambda it: it + 1),
        (str, lambda it: it + "x"),
        (datetime, lambda it: it + timedelta(microseconds=1)),
        (tuple, lambda it: it[:-1]),
        (dict, lambda it: {**it, "one": 1}),
    ]
    return next(change(value) for kind, change in changes if isinstance(value, kind))


def signed(keys: SigningKeys, kind: type[Event], by: str | None = None) -> Event:
    fields = {name: value for name, value in SAMPLES[kind].items() if name != "signature"}
    return keys.signer(by or PUBLISHERS[kind]).signed(kind, **fields)


# ---- events ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PUBLISHERS)
def test_a_signed_event_passes_also_after_its_journey(keys: SigningKeys, kind: type[Event]) -> None:
    event = signed(keys, kind)
    again = kind.model_validate_json(event.model_dump_json(by_alias=True))
    keys.verifier().event(again, PUBLISHERS[kind])


@pytest.mark.parametrize(("kind", "field"), CONTENT, ids=lambda part: getattr(part, "__name__", part))
def test_an_altered_field_is_forged(keys: SigningKeys, kind: type[Event], field: str) -> None:
    event = signed(keys, kind)
    altered = event.model_copy(update={field: other(getattr(event, field), field)})
    with pytest.raises(ForgedEventError, match="is not what"):
        keys.verifier().event(altered, PUBLISHERS[kind])


@pytest.mark.parametrize("kind", PUBLISHERS)
def test_no_other_service_speaks_for_the_publisher(keys: SigningKeys, kind: type[Event]) -> None:
    for service in set(SERVICES) - {PUBLISHERS[kind]}:
        with pytest.raises(ForgedEventError):
            keys.verifier().event(signed(keys, kind, by=service), PUBLISHERS[kind])


def test_an_unsigned_event_is_forged(keys: SigningKeys) -> None:
    event = signed(keys, RunCancelled).model_copy(update={"signature": ""})
    with pytest.raises(ForgedEventError):
        keys.verifier().event(event, "scheduler")


def test_a_signature_over_one_kind_does_not_serve_another(keys: SigningKeys) -> None:
    """The same fields under another name would have the same bytes."""

    class RunEnded(RunCancelled):
        pass

    event = RunEnded.model_validate(signed(keys, RunCancelled).model_dump())
    with pytest.raises(ForgedEventError, match="RunEnded"):
        keys.verifier().event(event, "scheduler")


def test_a_number_that_nobody_could_sign_is_forged(keys: SigningKeys) -> None:
    event = signed(keys, ObjectChanged).model_copy(update={"version": 2**60})
    with pytest.raises(ForgedEventError):
        keys.verifier().event(event, "scheduler")


# ---- the chain -------------------------------------------------------------------------------------------------------


class Chain:
    """Order, plan and decision of one run, each signed by whom it is of."""

    def __init__(self, keys: SigningKeys, **order: Any) -> None:
        self.order = an_order(**order)
        self.order_token = keys.signer("scheduler").sign(self.order)
        self.plan = a_plan(self.order, self.order_token)
        self.plan_token = keys.signer("sync-worker").sign(self.plan)
        self.decision = Decision(
            run_id=self.order.run_id,
            plan=link_hash(self.plan_token),
            request_id=None,
            approved=True,
            decided_by=("policy",),
            reason="",
            decided_at=NOON,
            expires_at=NOON,
        )
        self.decision_token = keys.signer("approvals").sign(self.decision)


def test_a_chain_holds_and_says_what_was_signed(keys: SigningKeys) -> None:
    chain, verifier = Chain(keys), keys.verifier()
    assert verifier.order(chain.order_token) == chain.order
    assert verifier.plan(chain.plan_token, chain.order_token) == chain.plan
    assert verifier.decision(chain.decision_token, chain.plan_token) == chain.decision


def test_links_of_another_run_do_not_fit(keys: SigningKeys) -> None:
    """A replay: each link is true, but belongs elsewhere."""
    one, two, verifier = Chain(keys), Chain(keys), keys.verifier()
    with pytest.raises(ForgedEventError, match=f"{one.order.run_id} was made for another order"):
        verifier.plan(one.plan_token, two.order_token)
    with pytest.raises(ForgedEventError, match=f"{one.order.run_id} is about another plan"):
        verifier.decision(one.decision_token, two.plan_token)


def test_an_order_signed_anew_is_another_order(keys: SigningKeys) -> None:
    """Even with the same run id, a plan answers the very token that it was made for."""
    chain = Chain(keys)
    again = keys.signer("scheduler").sign(chain.order.model_copy(update={"reason": "again"}))
    with pytest.raises(ForgedEventError, match="another order"):
        keys.verifier().plan(chain.plan_token, again)


def test_an_order_of_another_installation_is_forged(keys: SigningKeys) -> None:
    chain = Chain(keys, installation="elsewhere")
    with pytest.raises(ForgedEventError, match="of another installation"):
        keys.verifier().order(chain.order_token)
    assert keys.verifier().order_if_true(chain.order_token) is None
    assert Verifier(KeyRing(keys.public), "elsewhere").order(chain.order_token) == chain.order


def test_the_epoch_is_signed_and_left_to_the_reader_to_judge(keys: SigningKeys) -> None:
    assert keys.verifier().order(Chain(keys, epoch=7).order_token).epoch == 7


ISSUERS: dict[str, Callable[[Verifier, Chain, str], Any]] = {
    "scheduler": lambda verifier, _chain, token: verifier.order(token),
    "sync-worker": lambda verifier, chain, token: verifier.plan(token, chain.order_token),
    "approvals": lambda verifier, chain, token: verifier.decision(token, chain.plan_token),
}


@pytest.mark.parametrize("issuer", ISSUERS)
def test_each_link_is_of_one_service_alone(keys: SigningKeys, issuer: str) -> None:
    chain = Chain(keys)
    link = {"scheduler": chain.order, "sync-worker": chain.plan, "approvals": chain.decision}[issuer]
    ISSUERS[issuer](keys.verifier(), chain, keys.signer(issuer).sign(link))
    for service in set(SERVICES) - {issuer}:
        with pytest.raises(ForgedEventError):
            ISSUERS[issuer](keys.verifier(), chain, keys.signer(service).sign(link))


@pytest.mark.parametrize("issuer", ISSUERS)
def test_a_link_does_not_serve_as_another(keys: SigningKeys, issuer: str) -> None:
    chain = Chain(keys)
    for link in (chain.order, chain.plan, chain.decision):
        token = keys.signer(issuer).sign_bytes("Identity", link.model_dump_json().encode())
        with pytest.raises(ForgedEventError, match="no signature of"):
            ISSUERS[issuer](keys.verifier(), chain, token)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [(Order, b"{}"), (Order, b"[]"), (Order, b"not JSON"), (PlanHeader, b"{}"), (Decision, b"\xff"), (Order, b"")],
)
def test_signed_content_of_another_shape_is_forged(keys: SigningKeys, kind: type[BaseModel], payload: bytes) -> None:
    chain = Chain(keys)
    issuer = {Order: "scheduler", PlanHeader: "sync-worker", Decision: "approvals"}[kind]
    token = keys.signer(issuer).sign_bytes(kind.__name__, payload)
    with pytest.raises(ForgedEventError):
        ISSUERS[issuer](keys.verifier(), chain, token)


def test_a_field_that_the_reader_does_not_know_is_not_ignored_in_signed_content(keys: SigningKeys) -> None:
    order = json.loads(an_order().model_dump_json(by_alias=True)) | {"unless": "it is Monday"}
    token = keys.signer("scheduler").sign_bytes("Order", json.dumps(order).encode())
    with pytest.raises(ForgedEventError, match="another shape"):
        keys.verifier().order(token)


def test_a_long_order_that_was_signed_is_verified(keys: SigningKeys) -> None:
    """900,000 bytes of an event are what the outbox takes; base64 makes four of three."""
    order = an_order(records=tuple(f"employee-{number:08d}" for number in range(30_000)))
    assert keys.verifier().order(keys.signer("scheduler").sign(order)) == order


# ---- tokens that were made by hand -----------------------------------------------------------------------------------


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_header(token: str, **changes: Any) -> str:
    """The token with another header over the same payload and signature; None takes a field away."""
    header, payload, signature = token.split(".")
    fields = json.loads(base64.urlsafe_b64decode(header + "==")) | changes
    kept = {name: value for name, value in fields.items() if value is not None}
    return f"{encoded(json.dumps(kept).encode())}.{payload}.{signature}"


def with_payload(token: str, change: Callable[[bytes], bytes]) -> str:
    header, payload, signature = token.split(".")
    return f"{header}.{encoded(change(base64.urlsafe_b64decode(payload + '==')))}.{signature}"


HAND_MADE: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "words": lambda _: "a.b.c",
    "not ASCII": lambda _: "é.é.é",
    "lone surrogate": lambda _: "\ud800",
    "two parts": lambda token: token.rpartition(".")[0],
    "four parts": lambda token: token + ".x",
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "signature cut": lambda token: token[:-4],
    "payload altered": lambda token: with_payload(token, lambda payload: payload.replace(b"ada", b"eve")),
    "payload padded": lambda token: with_payload(token, lambda payload: payload + b" "),
    "header no object": lambda token: f"{encoded(b'[]')}.{token.partition('.')[2]}",
    "header too deep": lambda token: f"{encoded(b'[' * 90_000)}.{token.partition('.')[2]}",
    "alg none": lambda token: with_header(token, alg="none"),
    "alg none, unsigned": lambda token: with_header(token, alg="none").rpartition(".")[0] + ".",
    "alg HS256": lambda token: with_header(token, alg="HS256"),
    "alg of another name": lambda token: with_header(token, alg="Ed25519"),
    "no alg": lambda token: with_header(token, alg=None),
    "alg a list": lambda token: with_header(token, alg=["EdDSA"]),
    "no kid": lambda token: with_header(token, kid=None),
    "kid a list": lambda token: with_header(token, kid=[]),
    "kid a path": lambda token: with_header(token, kid="../../private/scheduler"),
    "another issuer": lambda token: with_header(token, iss="console"),
    "another purpose": lambda token: with_header(token, typ="Identity"),
    "a key brought along": lambda token: with_header(token, jwk={"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}),
    "crit no list": lambda token: with_header(token, crit=5),
    "crit of objects": lambda token: with_header(token, crit=[{}]),
    "payload not encoded": lambda token: with_header(token, crit=["b64"], b64=False),
}


@pytest.mark.parametrize("name", HAND_MADE)
def test_a_token_made_by_hand_is_forged(keys: SigningKeys, name: str) -> None:
    token = HAND_MADE[name](keys.signer("scheduler").sign(an_order()))
    with pytest.raises(ForgedEventError):
        keys.verifier().order(token)


def test_a_public_key_is_no_shared_secret(keys: SigningKeys) -> None:
    """The classic: HS256 with the public key's bytes."""
    secret = (keys.public / "scheduler" / "current.pem").read_bytes()
    body = with_header(keys.signer("scheduler").sign(an_order()), alg="HS256").rpartition(".")[0]
    token = f"{body}.{encoded(hmac.digest(secret, body.encode(), 'sha256'))}"
    with pytest.raises(ForgedEventError, match="HS256"):
        keys.verifier().order(token)


# ---- keys that rotate ------------------------------------------------------------------------------------------------


def test_the_previous_key_still_counts_until_it_is_old(fresh: SigningKeys) -> None:
    home = fresh.public / "scheduler"
    before = fresh.signer("scheduler").sign(an_order())
    fresh.rotate("scheduler")
    (retired,) = (home / "old").iterdir()
    retired.rename(home / "previous.pem")
    after = fresh.signer("scheduler").sign(an_order())
    verifier = fresh.verifier()
    assert verifier.order(before) != verifier.order(after)

    (home / "previous.pem").rename(retired)
    verifier = fresh.verifier()
    with pytest.raises(ForgedEventError, match="by a key that is in use"):
        verifier.order(before)
    assert verifier.order(before, audit=True).installation == INSTALLATION
    verifier.order(after)


def test_a_process_meets_a_new_key_and_forgets_the_old_one(fresh: SigningKeys) -> None:
    verifier = fresh.verifier()
    before = fresh.signer("scheduler").sign(an_order())
    verifier.order(before)
    fresh.rotate("scheduler")
    verifier.order(fresh.signer("scheduler").sign(an_order()))
    with pytest.raises(ForgedEventError):
        verifier.order(before)


def test_an_audit_does_not_make_an_old_key_a_current_one(fresh: SigningKeys) -> None:
    before = fresh.signer("scheduler").sign(an_order())
    fresh.rotate("scheduler")
    verifier = fresh.verifier()
    verifier.order(before, audit=True)
    with pytest.raises(ForgedEventError):
        verifier.order(before)


def test_an_audit_still_asks_for_the_right_service(fresh: SigningKeys) -> None:
    before = fresh.signer("console").sign(an_order())
    fresh.rotate("console")
    with pytest.raises(ForgedEventError):
        fresh.verifier().order(before, audit=True)


def test_a_service_without_a_folder_has_no_key(fresh: SigningKeys, tmp_path: Path) -> None:
    token = fresh.signer("scheduler").sign(an_order())
    with pytest.raises(ForgedEventError):
        Verifier(KeyRing(tmp_path / "nowhere"), INSTALLATION).order(token)


def test_who_signs_stands_in_the_key_not_in_the_content(keys: SigningKeys) -> None:
    """A key that is not in the folder is nobody's, whatever its owner calls himself."""
    stranger = keys.signer("notifier")._key
    impostor = Signer(type(stranger)("scheduler", stranger.kid, stranger.key))
    with pytest.raises(ForgedEventError):
        keys.verifier().order(impostor.sign(an_order()))


def test_a_key_signs_in_the_name_of_its_service_alone(keys: SigningKeys) -> None:
    own = keys.signer("scheduler")._key
    astray = Signer(type(own)("console", own.kid, own.key))
    with pytest.raises(ForgedEventError):
        keys.verifier().order(astray.sign(an_order()))


def test_an_identity_is_no_order(keys: SigningKeys) -> None:
    identity = Identity(user="ada", email=None, roles=("admin",), method="GET", target="/", body="", issued_at=NOON)
    with pytest.raises(ForgedEventError):
        keys.verifier().order(keys.signer("scheduler").sign(identity))
