"""Users, tokens and throttling, without any I/O."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from placet_console.hashing import REMEMBER_SECONDS, SecretHasher
from placet_console.throttle import MOST_FAILURES, MOST_GUESSERS, FailureLimit
from placet_console.tokens import TokenRecord, new_token, read_token
from placet_console.users import NewUser, User, leaves_no_admin, next_version
from placet_shared.events import UserChanged

NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)
ADA = User("ada", "ada@corp.example", ("admin",), ("identity",), 3, NOW, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Ada"},
        {"name": ""},
        {"name": "a" * 64},
        {"name": "ada'; DROP TABLE users;--"},
        {"name": "ada\x00"},
        {"name": "../ada"},
        {"name": "group:identity"},
        {"name": "role:approver"},
        {"name": "ada@corp.example"},
        {"name": "policy"},
        {"name": "expiry"},
        {"email": "nobody"},
        {"email": "a@b\x00"},
        {"email": "а@corp.example"},  # a Cyrillic letter
        {"email": "a" * 260 + "@b"},
        {"roles": []},
        {"roles": ["root"]},
        {"groups": ["a b"]},
        {"groups": ["group:x"]},
        {"password": "x"},
    ],
)
def test_a_user_of_another_shape_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewUser.model_validate({"name": "ada", "email": "ada@corp.example", "roles": ["viewer"]} | fields)


def test_the_announcement_has_what_the_event_wants() -> None:
    event = UserChanged(**replace(ADA, disabled_at=NOW).announcement(), signature="")
    assert (event.name, event.email, event.roles, event.groups) == ("ada", ADA.email, ("admin",), ("identity",))
    assert (event.version, event.disabled, event.deleted) == (3, True, False)


def test_versions_grow_even_after_a_restore() -> None:
    assert next_version(0, NOW) == int(NOW.timestamp())
    assert next_version(int(NOW.timestamp()) + 5, NOW) == int(NOW.timestamp()) + 6


def test_somebody_must_stay_who_can_administer() -> None:
    bob = replace(ADA, name="bob")
    assert leaves_no_admin([ADA], "ada")
    assert leaves_no_admin([ADA, replace(bob, disabled_at=NOW), replace(bob, roles=("editor",))], "ada")
    assert not leaves_no_admin([ADA, bob], "ada")


def test_a_token_is_read_back() -> None:
    token = new_token()
    assert read_token(str(token)) == token
    assert str(token).startswith(f"placet_{token.id}_")
    assert token.secret not in repr(token)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "placet_",
        "placet_a_b",
        f"placet_{'a' * 16}_{'A' * 64}",
        f"placet_{'a' * 16}_{'a' * 64}\n",
        "placet_' OR 1=1--_x",
    ],
)
def test_another_form_is_no_token(text: str) -> None:
    assert read_token(text) is None


def test_a_token_ends_when_it_expires_or_is_revoked() -> None:
    token = TokenRecord("id", "ada", "hash", NOW, None, None, None)
    assert token.usable(NOW)
    assert not replace(token, revoked_at=NOW).usable(NOW)
    assert not replace(token, expires_at=NOW).usable(NOW)
    assert replace(token, expires_at=NOW + timedelta(seconds=1)).usable(NOW)


async def test_a_secret_is_remembered_for_its_own_hash_alone() -> None:
    hasher = SecretHasher()
    hashed, other = await hasher.hash("secret"), await hasher.hash("secret")
    assert hashed.startswith("$argon2id$")
    assert not hasher.remembers("secret", hashed, 0)
    assert not await hasher.holds("Secret", hashed, 0)
    assert not await hasher.holds("secret", "no hash", 0)
    assert await hasher.holds("secret", hashed, 0)
    assert hasher.remembers("secret", hashed, REMEMBER_SECONDS - 1)
    assert not hasher.remembers("secret", hashed, REMEMBER_SECONDS)
    assert not hasher.remembers("secret", other, 0)
    assert not hasher.remembers("Secret", hashed, 0)


def test_an_address_waits_after_too_many_failures() -> None:
    limit = FailureLimit()
    for _ in range(MOST_FAILURES):
        assert limit.wait("a", 10.0) == 0
        limit.note("a", 10.0)
    assert limit.wait("a", 10.5) == 60
    assert limit.wait("b", 10.5) == 0
    assert limit.wait("a", 70.0) == 0
    limit.note("a", 70.0)
    assert limit.wait("a", 70.0) == 0


def test_addresses_are_forgotten_when_there_are_too_many() -> None:
    limit = FailureLimit()
    for number in range(MOST_GUESSERS + 1):
        for _ in range(MOST_FAILURES if number == 0 else 1):
            limit.note(str(number), 0.0)
    assert limit.wait("0", 0.0) == 0
