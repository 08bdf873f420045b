"""What a job may say about passwords, and why not."""

from typing import Any

import pytest
from pydantic import ValidationError

from placet_shared.objects import Field, Job, Password
from tests.support.worker import a_job

USUAL = {"to": "userPassword", "password": {}, "only_on_create": True}


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ({"length": 11}, "greater than or equal to 12"),
        ({"length": 128}, "less than or equal to 127"),
        ({"length": 12, "classes": ["digit"]}, "12 of these characters are worth 39 bits, and a password needs 64"),
        ({"classes": []}, "at least 1"),
        ({"exclude": "0123456789"}, "exclude: it leaves no character of the class digit"),
        ({"deliver_to": ["role:approver"]}, "is not a user's name, an e-mail address or group:NAME"),
        ({"deliver_to": [""]}, "is not a user's name"),
        ({"expires_after": "0s"}, "for 1h at least and 90d at most"),
        ({"expires_after": "91d"}, "for 1h at least and 90d at most"),
    ],
)
def test_what_a_password_cannot_be(password: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Password.model_validate(password)


def test_the_usual_is_enough() -> None:
    policy = Field.model_validate(USUAL).password
    assert policy is not None
    assert (policy.length, policy.deliver_to, policy.expires_after.days) == (20, (), 7)
    assert Password(deliver_to=("ada", "ada@corp.example", "group:helpdesk")).deliver_to


def test_it_is_for_new_entries_alone_and_says_why() -> None:
    with pytest.raises(ValidationError, match="needs only_on_create: true, since nobody can read a password"):
        Field.model_validate(USUAL | {"only_on_create": False})


def test_a_new_entry_has_one_password() -> None:
    fields = [{"to": "employeeNumber", "from": "id"}, USUAL]
    job = a_job(fields=fields)
    assert job.password == Password()
    assert a_job().password is None
    with pytest.raises(ValidationError, match="userPassword and unicodePwd would get passwords of their own"):
        Job.model_validate(job.model_dump(by_alias=True) | {"fields": [*fields, USUAL | {"to": "unicodePwd"}]})
