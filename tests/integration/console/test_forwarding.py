"""The one origin: what goes through to which service, in whose name, and what does not."""

import asyncio
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import pytest

from placet_console.calls import LARGEST_FORWARDED, LARGEST_OWN
from placet_shared.clock import utc_now
from tests.support.console import Console, running_console
from tests.support.signing import an_identity, identity_header

LEADS_TO = [
    ("/api/v1/providers", "scheduler"),
    ("/api/v1/jobs/people", "scheduler"),
    ("/api/v1/runs/42", "scheduler"),
    ("/api/v1/runs/42/changes?op=create&cursor=a%2Fb", "sync-worker"),
    ("/api/v1/requests?state=open", "approvals"),
    ("/api/v1/audit", "approvals"),
    ("/api/v1/notifications?run=it's", "notifier"),
]


async def test_a_call_reaches_its_service_in_the_callers_name(console: Console) -> None:
    token = await console.add_user("bob", "approver", "operator", email="bob@corp.example", groups=["identity"])
    for path, service in LEADS_TO:
        said = (await console.call("GET", path, token)).json()
        identity = said["identity"]
        assert (said["service"], identity["user"], identity["email"]) == (service, "bob", "bob@corp.example")
        assert (identity["roles"], identity["groups"]) == (["approver", "operator"], ["identity"])
        assert identity["target"] == said["target"].removesuffix("?")


async def test_body_status_and_the_headers_that_matter_pass(console: Console) -> None:
    headers = {"Idempotency-Key": "k-1", "If-Match": '"6"', "Content-Type": "application/yaml"}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = await console.call(method, "/api/v1/jobs/people", headers=headers, content=b"\xff\x00{")
        said = answer.json()
        assert (said["method"], said["body"]) == (method, "\xff\x00{")
        assert answer.status_code == (207 if method == "PATCH" else 200)
        assert {said["headers"][name] for name in ("idempotency-key", "if-match", "content-type")} == set(
            headers.values()
        ) - {"1"}
        assert answer.headers["etag"] == '"7"'
        assert not {"x-internal", "set-cookie"} & answer.headers.keys()


async def test_no_header_of_the_callers_reaches_a_service_that_should_not(console: Console) -> None:
    forged = identity_header(console.keys, an_identity("root", "GET", "/api/v1/jobs", roles=("admin",)))
    headers = {
        **forged,
        "placet-identity": "x.y.z",
        "Connection": "keep-alive, X-Dropped",
        "X-Dropped": "1",
        "Proxy-Authorization": "Basic eA==",
        "TE": "trailers",
        "Upgrade": "h2c",
        "Cookie": "a=b",
        "X-Forwarded-For": "10.0.0.1",
    }
    token = await console.add_user("vera", "viewer")
    said = (await console.call("GET", "/api/v1/jobs", token, headers=headers)).json()
    assert said["identity"]["user"] == "vera"
    assert set(said["headers"]) <= {"host", "accept", "accept-encoding", "connection", "user-agent", "placet-identity"}


LEADS_NOWHERE = [
    "/",
    "/api/v1",
    "/api/v1/nothing",
    "/api/v1/health/live",
    "/api/v1/metrics",
    "/api/v1/job-checks",
    "/api/v1/runs/../users",
    "/api/v1/runs/../../../metrics",
    "/api/v1/runs/%2e%2e/%2e%2e/health/live",
    "/api/v1/runs/..%2f..%2fmetrics",
    "/api/v1/runs%2f..%2fjobs",
    "/api/v1/runs/%252e%252e/x",
    "/api/v1/%72uns",
    "/api/v1/runs/",
    "/api/v1//runs",
    "/api/v1/runs?x=#y",
    "/api/v1/jobs/a%00",
    "/api/v1/jobs?name=%00",
    "/api/v1/users/admin/tokens/%00/revoke",
    "//evil/api/v1/jobs",
    "http://evil/api/v1/jobs",
    "/api/v1/dead-letters/console/x",
    "/api/v1/dead-letters/..%2fmetrics/x",
    "/api/v1/users/..%2f..%2fmetrics/disable",
]


async def test_no_path_leads_out_of_the_api(console: Console) -> None:
    for target in LEADS_NOWHERE:
        status, body = await console.raw(f"GET {target} HTTP/1.1")
        assert status in (400, 404), (target, body)
        assert b'"service"' not in body


async def test_two_lengths_or_two_hosts_do_not_smuggle_a_second_call(console: Console) -> None:
    smuggled = b"0\r\n\r\nGET /api/v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n"
    headers = (f"Content-Length: {len(smuggled)}", "Transfer-Encoding: chunked", "Content-Type: application/json")
    _, body = await console.raw("POST /api/v1/apply HTTP/1.1", *headers, body=smuggled)
    assert body.count(b'"service"') <= 1


async def test_the_identity_of_one_call_is_of_no_use_for_another(console: Console) -> None:
    said = (await console.call("GET", "/api/v1/requests?state=open")).json()
    approvals = console.service.settings.urls["approvals"]  # type: ignore[attr-defined]  # the console's own settings
    identity = {"Placet-Identity": said["headers"]["placet-identity"]}
    tries = [("GET", "/api/v1/requests?state=open"), ("GET", "/api/v1/requests"), ("GET", "/api/v1/audit")]
    tries += [("POST", "/api/v1/requests?state=open"), ("GET", "/api/v1/requests?state=open&limit=1")]
    async with httpx2.AsyncClient(base_url=approvals, trust_env=False) as client:
        statuses = [(await client.request(method, path, headers=identity)).status_code for method, path in tries]
        with_body = await client.request("GET", tries[0][1], headers=identity, content=b"{}")
    assert statuses == [200, 403, 403, 403, 403]
    assert with_body.status_code == 403


NO_TOKENS = [
    "",
    "Bearer",
    "Bearer x",
    "Basic YWRtaW46eA==",
    f"Bearer placet_{'0' * 16}_{'0' * 64}",
    "Bearer placet_' OR ''='_x",
]


async def test_without_a_valid_token_nothing_is_told(console: Console) -> None:
    paths = ("/api/v1/jobs", "/api/v1/nothing", "/api/v1/users")
    for authorization, path in product(NO_TOKENS, paths):
        headers = {"Authorization": authorization} if authorization else {}
        answer = await console.client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), path
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "placet token create" in answer.json()["detail"]


async def test_a_token_ends_at_once_when_it_should(console: Console) -> None:
    for end in (
        "UPDATE console.tokens SET expires_at = now() WHERE \"user\" = '{}'",
        "UPDATE console.tokens SET revoked_at = now() WHERE \"user\" = '{}'",
        "UPDATE console.users SET disabled_at = now() WHERE name = '{}'",
        "UPDATE console.tokens SET hash = 'other' WHERE \"user\" = '{}'",
        "DELETE FROM console.tokens WHERE \"user\" = '{}'",
    ):
        name = f"user{abs(hash(end))}"[:20]
        token = await console.add_user(name, "viewer")
        assert (await console.call("GET", "/api/v1/jobs", token)).status_code == 200
        await console.alter(end.format(name))
        assert (await console.call("GET", "/api/v1/jobs", token)).status_code == 401, end


async def test_changed_roles_count_at_once(console: Console) -> None:
    token = await console.add_user("bob", "viewer")
    await console.call("GET", "/api/v1/jobs", token)
    await console.call("PUT", "/api/v1/users/bob", json={"roles": ["editor"]})
    assert (await console.call("GET", "/api/v1/jobs", token)).json()["identity"]["roles"] == ["editor"]


async def test_the_last_use_of_a_token_is_known(console: Console) -> None:
    token = await console.add_user("bob", "viewer")
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert (await console.call("GET", "/api/v1/jobs", wrong)).status_code == 401
    (unused,) = (await console.call("GET", "/api/v1/users/bob/tokens")).json()
    assert unused["last_used_at"] is None
    await asyncio.gather(*(console.call("GET", "/api/v1/jobs", token) for _ in range(3)))
    (used,) = (await console.call("GET", "/api/v1/users/bob/tokens")).json()
    assert used["last_used_at"] is not None
    assert "secret" not in used
    assert "hash" not in used


async def test_who_guesses_waits_and_the_others_do_not(console: Console) -> None:
    bob, eve = await console.add_user("bob", "viewer"), await console.add_user("eve", "viewer")
    secret = "0" * 64
    unknown = [f"placet_{number:016x}_{secret}" for number in range(25)]
    of_bob = [f"placet_{bob.split('_')[1]}_{secret}"] * 25
    for guesses in (unknown, of_bob):
        statuses = [(await console.call("GET", "/api/v1/jobs", guess)).status_code for guess in guesses]
        assert statuses == [401] * 20 + [429] * 5
    refused = await console.call("GET", "/api/v1/jobs", bob)
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    assert (await console.call("GET", "/api/v1/jobs", eve)).status_code == 200
    assert (await console.call("GET", "/api/v1/jobs")).status_code == 200


async def test_a_service_that_is_away_is_named(database_url: str, tmp_path: Path) -> None:
    async with running_console(database_url, tmp_path, away="notifier") as console:
        for path in ("/api/v1/notifications", "/api/v1/dead-letters", "/api/v1/openapi.json"):
            answer = await console.call("GET", path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert answer.json()["detail"].startswith("the service notifier does not answer")
        assert (await console.call("GET", "/api/v1/jobs")).status_code == 200


async def test_a_body_has_a_limit_with_and_without_a_length(console: Console) -> None:
    async def endless(size: int) -> Any:
        for _ in range(size // 65536 + 1):
            yield b"x" * 65536

    json_type = {"Content-Type": "application/json"}
    for path, most in (("/api/v1/apply", LARGEST_FORWARDED), ("/api/v1/users", LARGEST_OWN)):
        for content in (b"x" * (most + 1), endless(most)):
            answer = await console.call("POST", path, content=content, headers=json_type)
            assert (answer.status_code, answer.json()["title"]) == (413, "Request Entity Too Large")
    whole = await console.call("POST", "/api/v1/apply", content=b"x" * LARGEST_FORWARDED)
    assert len(whole.json()["body"]) == LARGEST_FORWARDED


async def test_a_body_that_does_not_come_is_not_waited_for(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placet_console.calls.BODY_SECONDS", 0.2)
    for path in ("/api/v1/apply", "/api/v1/users"):
        status, _ = await console.raw(f"POST {path} HTTP/1.1", "Content-Length: 10", body=b"{")
        assert status == 408


async def test_the_identity_is_good_for_a_minute(console: Console) -> None:
    said = (await console.call("GET", "/api/v1/jobs")).json()
    issued = said["identity"]["issued_at"]
    assert abs(utc_now() - type(utc_now()).fromisoformat(issued)) < timedelta(seconds=5)


async def test_openapi_is_one_document(console: Console) -> None:
    document = (await console.call("GET", "/api/v1/openapi.json")).json()
    assert {"/api/v1/jobs", "/api/v1/requests", "/api/v1/users", "/api/v1/dead-letters"} <= document["paths"].keys()
    assert "/health/live" not in document["paths"]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
