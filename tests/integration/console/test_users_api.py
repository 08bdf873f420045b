"""Users and tokens over HTTP, and the first admin."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from placet_console.users import UserDetails
from placet_shared.clock import utc_now
from tests.support.console import Console
from tests.support.signing import SigningKeys


async def test_a_user_is_made_listed_changed_and_announced(console: Console) -> None:
    bob = {
        "name": "bob",
        "email": "bob@corp.example",
        "roles": ["operator", "approver", "operator"],
        "groups": ["identity"],
    }
    made = await console.call("POST", "/api/v1/users", json=bob)
    assert (made.status_code, made.json()["roles"]) == (201, ["approver", "operator"])
    again = await console.call("POST", "/api/v1/users", json=bob)
    assert (again.status_code, again.json()) == (200, made.json())
    other = await console.call("POST", "/api/v1/users", json=bob | {"roles": ["viewer"]})
    assert (other.status_code, "PUT /api/v1/users/bob" in other.json()["detail"]) == (409, True)
    changed = await console.call("PUT", "/api/v1/users/bob", json={"roles": ["viewer"]})
    assert (changed.json()["roles"], changed.json()["email"]) == (["viewer"], None)
    listed = (await console.call("GET", "/api/v1/users")).json()
    assert [user["name"] for user in listed["items"]] == ["admin", "bob"]
    first, second, third = await console.announced()
    assert [event.name for event in (first, second, third)] == ["admin", "bob", "bob"]
    assert (second.email, second.groups, third.email, third.groups) == ("bob@corp.example", ("identity",), None, ())
    assert third.version > second.version


async def test_users_are_listed_page_by_page(console: Console) -> None:
    for name in ("c", "b", "a"):
        await console.add_user(name, "viewer")
    first = (await console.call("GET", "/api/v1/users?limit=3")).json()
    rest = (await console.call("GET", f"/api/v1/users?limit=3&cursor={first['next']}")).json()
    assert [user["name"] for user in first["items"] + rest["items"]] == ["a", "admin", "b", "c"]
    assert rest["next"] is None


async def test_two_users_never_have_one_address(console: Console) -> None:
    await console.add_user("bob", "approver", email="bob@corp.example")
    eve = {"name": "eve", "email": "BOB@corp.example", "roles": ["approver"]}
    refused = await console.call("POST", "/api/v1/users", json=eve)
    assert (refused.status_code, "another user has the e-mail" in refused.json()["detail"]) == (409, True)
    wishes = [{"name": f"u{n}", "email": "one@corp.example", "roles": ["viewer"]} for n in range(4)]
    answers = await asyncio.gather(*(console.call("POST", "/api/v1/users", json=wish) for wish in wishes))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_only_admins_manage_users(console: Console) -> None:
    token = await console.add_user("olga", "editor", "operator", "approver", "viewer")
    calls = [
        ("POST", "/api/v1/users", {"name": "eve", "roles": ["admin"]}),
        ("PUT", "/api/v1/users/olga", {"roles": ["admin"]}),
        ("POST", "/api/v1/users/admin/disable", None),
        ("POST", "/api/v1/users/olga/enable", None),
        ("POST", "/api/v1/users/admin/tokens", {"expires": None}),
        ("GET", "/api/v1/users/admin/tokens", None),
        ("POST", "/api/v1/users/admin/tokens/x/revoke", None),
    ]
    for method, path, body in calls:
        answer = await console.call(method, path, token, json=body)
        assert (answer.status_code, answer.json()["detail"]) == (
            403,
            "olga needs the role admin for this; ask an admin",
        )
    assert (await console.call("GET", "/api/v1/users", token)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"name": "bob'; DROP TABLE console.users;--", "roles": ["viewer"]},
        {"name": "bob", "roles": ["viewer"], "hash": "x"},
        {"name": "bob", "roles": []},
        {"name": "bob", "roles": ["viewer"], "groups": ["a'b"]},
        {"name": "policy", "roles": ["viewer"]},
        [],
        None,
    ],
)
async def test_a_user_of_another_shape_is_refused(console: Console, body: object) -> None:
    answer = await console.call("POST", "/api/v1/users", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_names_in_paths_are_never_sql(console: Console) -> None:
    for name in ("x'--", "x%27%20OR%20%271%27=%271", "%00", "a%2Fb", "..", "%E2%80%AE"):
        for method, tail, body in (("POST", "/disable", None), ("POST", "/tokens", {}), ("GET", "/tokens", None)):
            answer = await console.call(method, f"/api/v1/users/{name}{tail}", json=body)
            assert answer.status_code in (404, 405, 422), (name, tail)
    missing = await console.call("POST", "/api/v1/users/nobody/disable")
    assert (missing.status_code, missing.json()["detail"]) == (404, "there is no user nobody; see `placet user list`")


async def test_a_disabled_user_is_out_and_may_come_back(console: Console) -> None:
    token = await console.add_user("bob", "viewer")
    assert (await console.call("POST", "/api/v1/users/bob/disable")).json()["disabled"]
    assert (await console.call("GET", "/api/v1/jobs", token)).status_code == 401
    assert (await console.call("POST", "/api/v1/users/bob/tokens", json={})).status_code == 409
    events = await console.announced()
    assert [event.disabled for event in events] == [False, False, True]
    await console.call("POST", "/api/v1/users/bob/disable")
    assert len(await console.announced()) == 3
    assert not (await console.call("POST", "/api/v1/users/bob/enable")).json()["disabled"]
    assert (await console.call("GET", "/api/v1/jobs", token)).status_code == 200


async def test_the_last_admin_stays(console: Console) -> None:
    for method, path, body in (
        ("POST", "/api/v1/users/admin/disable", None),
        ("PUT", "/api/v1/users/admin", {"roles": ["viewer"]}),
    ):
        answer = await console.call(method, path, json=body)
        assert (answer.status_code, "last admin" in answer.json()["detail"]) == (409, True)
    second = await console.add_user("root", "admin")
    answers = await asyncio.gather(
        console.call("POST", "/api/v1/users/root/disable"), console.call("POST", "/api/v1/users/admin/disable", second)
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 401], [200, 409])


async def test_a_token_expires_and_is_revoked(console: Console) -> None:
    await console.add_user("bob", "viewer")
    made = await console.call("POST", "/api/v1/users/bob/tokens", json={"expires": "90d"})
    assert made.headers["cache-control"] == "no-store"
    fresh = made.json()
    expires_at = type(utc_now()).fromisoformat(fresh["expires_at"])
    assert abs(expires_at - utc_now() - timedelta(days=90)) < timedelta(minutes=1)
    assert (await console.call("GET", "/api/v1/jobs", fresh["token"])).status_code == 200
    path = f"/api/v1/users/bob/tokens/{fresh['id']}/revoke"
    assert (await console.call("POST", path.replace("bob", "admin"))).status_code == 404
    assert (await console.call("POST", path)).status_code == 204
    assert (await console.call("GET", "/api/v1/jobs", fresh["token"])).status_code == 401
    for wish in (
        {"expires": "0s"},
        {"expires": "-1d"},
        {"expires": "soon"},
        {"expires": "999999999d"},
        {"forever": True},
    ):
        assert (await console.call("POST", "/api/v1/users/bob/tokens", json=wish)).status_code == 422, wish


async def test_no_secret_is_kept(console: Console) -> None:
    async with console.service.database.engine.connect() as connection:
        (stored,) = (await connection.execute(text("SELECT hash FROM console.tokens"))).scalars().all()
    assert stored.startswith("$argon2id$")
    assert console.admin.split("_")[2] not in stored


async def test_everybody_is_announced_again(console: Console) -> None:
    await console.add_user("bob", "viewer")
    (announce,) = console.service.loops
    await announce._step()
    events = await console.announced()
    assert [event.name for event in events] == ["admin", "bob", "admin", "bob"]
    assert events[0].version == events[2].version


async def test_what_is_announced_last_is_what_is_true(console: Console) -> None:
    """A change that is not yet committed when all users are announced again."""
    await console.add_user("bob", "viewer", email="old@corp.example")
    users, database = console.users, console.service.database
    async with database.transaction() as work:
        await users.change(work, "bob", UserDetails(email="new@corp.example", roles=("viewer",)))
        announcing = asyncio.create_task(users.announce_all(database))
        await asyncio.wait([announcing], timeout=0.5)
    await announcing
    told = [event.email for event in await console.announced() if event.name == "bob"]
    assert told == ["old@corp.example", "new@corp.example", "new@corp.example"]


def test_bootstrap_admin_is_idempotent(database_url: str, tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLACET_")}
    environment |= {
        "PLACET_DATABASE_URL": database_url,
        "PLACET_KAFKA": "unused",
        "PLACET_KEY": str(keys.private_key("console")),
        "PLACET_PUBLIC_KEYS": str(keys.public),
        "PLACET_INSTALLATION": "tests",
        "PLACET_HTTP_PORT": "1",
        **{f"PLACET_{name}_URL": "http://x" for name in ("SCHEDULER", "SYNC_WORKER", "APPROVALS", "NOTIFIER")},
    }
    command = [sys.executable, "-m", "placet_console", "bootstrap-admin"]
    words = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()[-1]
        for _ in range(2)
    ]
    assert all(word.startswith("placet_") for word in words)
    assert words[0] != words[1]
    wrong = subprocess.run([*command[:-1], "bootstrap"], env=environment, capture_output=True, text=True, check=False)
    assert (wrong.returncode, "usage" in wrong.stderr) == (2, True)
