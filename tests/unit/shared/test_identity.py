"""Who calls: an identity holds for the very call that the console signed it for, and for a minute."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from httpx2 import ASGITransport, AsyncClient

from placet_shared.api import install_problem_documents
from placet_shared.errors import ForbiddenError
from placet_shared.identity import (
    HEADER,
    LIFETIME,
    SKEW,
    Identity,
    NotSignedInError,
    Role,
    caller_of,
    verify_identity,
)
from tests.support.samples import NOON
from tests.support.signing import SigningKeys, an_identity, an_order, identity_header

CALL: dict[str, Any] = {"method": "POST", "target": "/api/v1/runs?job=people", "body": b'{"job": "people"}'}
A_MOMENT = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return SigningKeys(tmp_path_factory.mktemp("keys"))


def token_for_call(keys: SigningKeys, by: str = "console") -> str:
    identity = an_identity("ada", CALL["method"], CALL["target"], CALL["body"], issued_at=NOON)
    return keys.signer(by).sign(identity)


def test_the_call_that_was_signed_has_its_caller(keys: SigningKeys) -> None:
    identity = verify_identity(keys.verifier(), token_for_call(keys), **CALL, now=NOON)
    assert (identity.user, identity.email, identity.roles) == ("ada", "ada@corp.example", ("approver",))


@pytest.mark.parametrize(
    "other",
    [
        {"method": "PUT"},
        {"method": "post"},
        {"target": "/api/v1/runs"},
        {"target": "/api/v1/runs?job=groups"},
        {"target": "/api/v1/runs?job=people&job=groups"},
        {"target": "/api/v1/runs/?job=people"},
        {"target": "/api/v1/jobs?job=people"},
        {"body": b""},
        {"body": b'{"job": "groups"}'},
        {"body": b'{"job":"people"}'},
    ],
    ids=str,
)
def test_another_call_has_not(keys: SigningKeys, other: dict[str, Any]) -> None:
    with pytest.raises(NotSignedInError, match="for another call"):
        verify_identity(keys.verifier(), token_for_call(keys), **(CALL | other), now=NOON)


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        (NOON - SKEW, True),
        (NOON - SKEW - A_MOMENT, False),
        (NOON + LIFETIME, True),
        (NOON + LIFETIME + A_MOMENT, False),
    ],
)
def test_it_holds_for_a_minute_give_or_take_what_clocks_differ(keys: SigningKeys, now: datetime, holds: bool) -> None:
    token = token_for_call(keys)
    if holds:
        verify_identity(keys.verifier(), token, **CALL, now=now)
    else:
        with pytest.raises(NotSignedInError, match="check the clocks"):
            verify_identity(keys.verifier(), token, **CALL, now=now)


def test_the_word_of_one_service_is_not_the_word_of_another(keys: SigningKeys) -> None:
    """What only the scheduler may call does not listen to the console, and the other way round."""
    for signer, asked in (("console", "scheduler"), ("scheduler", "console")):
        with pytest.raises(NotSignedInError):
            verify_identity(keys.verifier(), token_for_call(keys, signer), **CALL, now=NOON, issuer=asked)
        verify_identity(keys.verifier(), token_for_call(keys, signer), **CALL, now=NOON, issuer=signer)


def test_no_other_signature_is_an_identity(keys: SigningKeys) -> None:
    console = keys.signer("console")
    for token in ("", "a.b.c", console.sign(an_order()), console.sign_bytes("Identity", b"{}")):
        with pytest.raises(NotSignedInError, match="the identity does not hold"):
            verify_identity(keys.verifier(), token, **CALL, now=NOON)


@pytest.mark.parametrize(
    ("roles", "asked", "passes"),
    [
        (("viewer",), ("viewer",), True),
        (("viewer",), ("operator",), False),
        (("editor", "operator"), ("operator",), True),
        (("approver",), ("editor", "approver"), True),
        (("admin",), ("approver",), True),
        (("operator",), ("admin",), False),
        ((), ("viewer",), False),
        (("admin",), (), True),
        (("viewer",), (), False),
    ],
)
def test_roles(roles: tuple[Role, ...], asked: tuple[Role, ...], passes: bool) -> None:
    identity = an_identity("ada", "GET", "/", roles=roles)
    assert identity.may(*asked) is passes
    if asked and not passes:
        with pytest.raises(ForbiddenError, match=f"ada needs the role {' or '.join(asked)}"):
            identity.require(*asked)


# ---- through FastAPI -------------------------------------------------------------------------------------------------


@pytest.fixture
async def client(keys: SigningKeys) -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    install_problem_documents(app)
    caller = Depends(caller_of(keys.verifier()))

    @app.api_route("/users/{name:path}", methods=["GET", "POST"])
    async def whose(name: str, identity: Annotated[Identity, caller]) -> list[str]:
        return [name, identity.user]

    only_the_scheduler = Depends(caller_of(keys.verifier(), issuer="scheduler"))

    @app.post("/query-tests", dependencies=[only_the_scheduler])
    async def tried() -> None: ...

    async with AsyncClient(transport=ASGITransport(app), base_url="http://peer") as client:
        yield client


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/users/eve", "eve"),
        ("/users/eve?x=1", "eve"),
        ("/users/eve?x=%20+&x=", "eve"),
        ("/users/eve%20w", "eve w"),
        ("/users/%C3%A9%2Fb", "é/b"),
        ("/users/a%3Fb", "a?b"),
    ],
)
async def test_a_service_reads_the_target_as_it_comes_over_the_wire(
    client: AsyncClient, keys: SigningKeys, target: str, name: str
) -> None:
    answer = await client.get(target, headers=identity_header(keys, an_identity("ada", "GET", target)))
    assert answer.json() == [name, "ada"]


async def test_nothing_has_a_nul_in_its_name(client: AsyncClient, keys: SigningKeys) -> None:
    """The database would refuse to be asked for it."""
    answer = await client.get("/users/a%00", headers=identity_header(keys, an_identity("ada", "GET", "/users/a%00")))
    assert answer.status_code == 404


async def test_what_decodes_to_the_same_is_still_another_target(client: AsyncClient, keys: SigningKeys) -> None:
    answer = await client.get("/users/a%3Fb", headers=identity_header(keys, an_identity("ada", "GET", "/users/a?b")))
    assert (answer.status_code, answer.json()["detail"]) == (403, "the identity was signed for another call")


async def test_a_service_reads_the_body_and_the_method(client: AsyncClient, keys: SigningKeys) -> None:
    header = identity_header(keys, an_identity("ada", "POST", "/users/eve", b"one"))
    assert (await client.post("/users/eve", content=b"one", headers=header)).status_code == 200
    assert (await client.post("/users/eve", content=b"two", headers=header)).status_code == 403
    assert (await client.request("GET", "/users/eve", content=b"one", headers=header)).status_code == 403


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (rb'{"name": "a\u0000b"}', "NUL"),
        (rb'{"a\u0000b": 1}', "NUL"),
        (rb'{"name": "\ud800"}', "must be JSON in UTF-8"),
        (rb'["\udc00\ud800"]', "must be JSON in UTF-8"),
        (b'"\xff"', "must be JSON in UTF-8"),
        (b"[" * 100_000, "must be JSON in UTF-8"),
        (rb'{"name": "\ud83d\ude00 \\u0000 \\ud800"}', None),
    ],
)
async def test_a_body_has_no_text_that_nobody_can_keep(
    client: AsyncClient, keys: SigningKeys, body: bytes, says: str | None
) -> None:
    header = identity_header(keys, an_identity("ada", "POST", "/users/eve", body))
    answer = await client.post("/users/eve", content=body, headers=header | {"Content-Type": "application/json"})
    assert answer.status_code == (200 if says is None else 422)
    assert says is None or says in answer.json()["detail"]


@pytest.mark.parametrize(("signer", "status"), [("scheduler", 200), ("console", 403), ("approvals", 403)])
async def test_what_the_scheduler_alone_may_call(
    client: AsyncClient, keys: SigningKeys, signer: str, status: int
) -> None:
    token = keys.signer(signer).sign(an_identity("ada", "POST", "/query-tests"))
    assert (await client.post("/query-tests", headers={HEADER: token})).status_code == status


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {HEADER: "a.b.c"}, {"Authorization": "Bearer x"}])
async def test_who_does_not_come_through_the_console_is_told_so(client: AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get("/users/eve", headers=headers)
    assert answer.status_code == 403
    assert "call the console's address" in answer.json()["detail"]
