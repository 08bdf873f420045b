"""Who can write to the console's tables is nobody else by it: what was altered lets nobody in and is an alarm."""

from typing import Any

import pytest

from placet_console import store
from placet_console.hashing import SecretHasher
from placet_console.tokens import new_token
from tests.support.alarms import alarms
from tests.support.console import Console

JOBS = "/api/v1/jobs"


async def status(console: Console, token: str) -> int:
    return (await console.call("GET", JOBS, token)).status_code


@pytest.mark.parametrize(
    "change",
    [
        """roles = '["admin"]'""",
        """groups = '["identity"]'""",
        "email = 'bob@corp.example'",
        "version = version + 1",
        "disabled_at = NULL",
        "signature = (SELECT signature FROM console.users WHERE name = 'admin')",
    ],
)
async def test_an_altered_user_cannot_sign_in(console: Console, change: str) -> None:
    token = await console.add_user("cleo", "viewer", email="cleo@corp.example")
    assert await status(console, token) == 200
    if "disabled_at" in change:
        await console.call("POST", "/api/v1/users/cleo/disable")
    before = alarms("altered")
    await console.alter(f"UPDATE console.users SET {change} WHERE name = 'cleo'")
    assert await status(console, token) == 401
    assert alarms("altered") == before + 1
    assert await status(console, console.admin) == 200


@pytest.mark.parametrize("user", ["cleo", "admin"])
async def test_a_token_that_the_console_did_not_make_lets_nobody_in(console: Console, user: str) -> None:
    await console.add_user("cleo", "viewer")
    mine = new_token()
    await console.alter(
        'INSERT INTO console.tokens (id, "user", hash, signature) SELECT :id, :user, :hash, signature'
        ' FROM console.tokens WHERE "user" = :user LIMIT 1',
        id=mine.id, user=user, hash=await SecretHasher().hash(mine.secret),
    )  # fmt: skip
    before = alarms("altered")
    assert await status(console, str(mine)) == 401
    assert alarms("altered") == before + 1


@pytest.mark.parametrize("change", ["\"user\" = 'admin'", "expires_at = now() + interval '1 year'", "hash = 'x'"])
async def test_an_altered_token_lets_nobody_in(console: Console, change: str) -> None:
    token = await console.add_user("cleo", "viewer")
    await console.alter(f"UPDATE console.tokens SET {change} WHERE \"user\" = 'cleo'")
    assert await status(console, token) == 401


async def test_a_revoked_token_is_not_brought_back(console: Console) -> None:
    token = await console.add_user("cleo", "viewer")
    assert (await console.call("POST", f"/api/v1/users/cleo/tokens/{token.split('_')[1]}/revoke")).status_code == 204
    await console.alter("UPDATE console.tokens SET revoked_at = NULL")
    assert await status(console, token) == 401


async def test_an_admin_says_anew_who_they_are(console: Console) -> None:
    token = await console.add_user("cleo", "viewer")
    await console.alter("""UPDATE console.users SET roles = '["admin"]', version = 2 ^ 60 WHERE name = 'cleo'""")
    listed = {one["name"]: one["altered"] for one in (await console.call("GET", "/api/v1/users")).json()["items"]}
    assert listed == {"admin": False, "cleo": True}
    for path in ("disable", "enable", "tokens"):
        refused = await console.call("POST", f"/api/v1/users/cleo/{path}")
        assert (refused.status_code, "PUT /api/v1/users/cleo" in refused.json()["detail"]) == (409, True)
    said: dict[str, Any] = (await console.call("PUT", "/api/v1/users/cleo", json={"roles": ["viewer"]})).json()
    assert (said["roles"], said["altered"]) == (["viewer"], False)
    assert await status(console, token) == 200


async def test_nobody_is_told_of_altered_users(console: Console) -> None:
    await console.add_user("cleo", "viewer", email="cleo@corp.example")
    await console.alter("UPDATE console.users SET email = 'x@evil.example' WHERE name = 'cleo'")
    told = len(await console.announced())
    await console.users.announce_all(console.service.database)
    assert [event.name for event in (await console.announced())[told:]] == ["admin"]


async def test_an_admin_who_was_altered_is_not_the_last_one_who_could_sign_in(console: Console) -> None:
    await console.add_user("root", "admin")
    await console.alter("UPDATE console.users SET groups = '[\"x\"]' WHERE name = 'root'")
    assert (await console.call("POST", "/api/v1/users/admin/disable")).status_code == 409
    async with console.service.database.transaction() as work:
        assert await console.users.bootstrap_admin(work)


async def test_rows_are_signed_with_the_current_key_before_the_former_is_trusted_no_more(console: Console) -> None:
    token = await console.add_user("cleo", "viewer")
    current, previous = (console.keys.public / "console" / f"{name}.pem" for name in ("current", "previous"))
    former = current.read_bytes()
    console.keys.rotate("console")
    previous.write_bytes(former)
    await console.users.announce_all(console.service.database)
    previous.unlink()
    seals = console.users.seals
    async with console.service.database.transaction() as work:
        assert await store.token_with_user(work, seals, token.split("_")[1]) is not None


# ---- rows from before there were signatures --------------------------------------------------------------------------


async def test_what_stood_there_before_is_signed_as_it_is_and_once(console: Console) -> None:
    token = await console.add_user("cleo", "viewer", email="cleo@corp.example", groups=["it"])
    expires = await console.call("POST", "/api/v1/users/cleo/tokens", json={"expires": "90d"})
    for table in ("users", "tokens"):
        await console.alter(f"ALTER TABLE console.{table} DROP COLUMN signature")
    await console.alter("UPDATE console.alembic_version SET version_num = '0001'")
    await console.migrate()
    for each in (token, expires.json()["token"], console.admin):
        assert await status(console, each) == 200
    await console.alter("UPDATE console.users SET roles = '[\"admin\"]' WHERE name = 'cleo'")
    await console.alter("UPDATE console.alembic_version SET version_num = '0001'")
    with pytest.raises(Exception, match="already exists"):
        await console.migrate()
    assert await status(console, token) == 401
