"""What is wrong with a document, in the words of who wrote it and at the place where it stands."""

from typing import Any

import pytest
from pydantic import ValidationError

from placet_shared.complaints import first_complaint
from placet_shared.errors import InvalidError
from placet_shared.objects import Notify
from placet_shared.objects.reading import parse_object

JOB: dict[str, Any] = {
    "kind": "job",
    "name": "people",
    "source": {"provider": "hr"},
    "destination": {"provider": "directory"},
    "key": [{"source": "id", "destination": "uid"}],
    "fields": [{"to": "cn", "from": "name"}],
}
LDAP: dict[str, Any] = {
    "kind": "provider",
    "name": "x",
    "type": "ldap",
    "url": "ldap://x",
    "bind_dn": "a",
    "base_dn": "b",
}


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        (JOB | {"notify": True}, "notify", "should be a group of fields: enabled, to, when"),
        (JOB | {"notify": {"to": ["ann"]}}, "notify.to.0", "'ann' is not an e-mail address such as ann@example.org"),
        (JOB | {"source": "hr"}, "source", "should be a group of fields: provider, query"),
        (JOB | {"fields": []}, "fields", "should not be empty"),
        (JOB | {"fields": "id"}, "fields", "should be a list"),
        (JOB | {"fields": [{"to": "cn", "static": 3}]}, "fields.0.static", "should be text"),
        (JOB | {"extra": "kill"}, "extra", "should be 'skip', 'disable' or 'delete'"),
        (
            JOB | {"limits": {"delete": "many"}},
            "limits.delete",
            "'many' is not a number of changes, a share such as 5%, or null for no limit",
        ),
        ({name: JOB[name] for name in JOB if name != "key"}, "key", "is missing"),
        (LDAP | {"password": "secret"}, "password", "should be a group of fields: env, file"),
    ],
)
def test_an_error_stands_at_its_field(document: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_object(document)
    assert (caught.value.field, str(caught.value)) == (field, f"{field}: {message}")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "provider", "name": "x"}, "'type' is missing"),
        (
            {"kind": "provider", "name": "x", "type": "cvs"},
            "'type' is 'cvs', which is unknown; known are 'csv', 'ldap'",
        ),
    ],
)
def test_a_provider_without_a_type_is_told_which_there_are(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        parse_object(document)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"to": ["ann"]}, "notify.to.0: 'ann' is not an e-mail address such as ann@example.org"),
        ({"to": []}, "notify: notify is enabled but `to` names nobody"),
        ("always", "notify: should be a group of fields"),
    ],
)
def test_the_first_complaint_names_the_field_from_above(rule: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Notify.model_validate(rule)
    assert first_complaint(caught.value, "notify") == message
    assert first_complaint(caught.value) == message.removeprefix("notify.").removeprefix("notify: ")
