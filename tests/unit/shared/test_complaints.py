"""What is wrong with a document, in the words of who wrote it and at the place where it stands."""

from datetime import datetime
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
        (JOB | {"extra": "kill"}, "extra", "should be 'skip', 'disable', 'move' or 'delete'"),
        (
            JOB | {"limits": {"delete": "many"}},
            "limits.delete",
            "'many' is not a number of changes, a share such as 5%, or null for no limit",
        ),
        ({name: JOB[name] for name in JOB if name != "key"}, "key", "is missing"),
        (
            LDAP | {"password": "secret"},
            "password",
            "a secret never stands in a file; write {env: PLACET_SECRET_…}, or {file: NAME} in the secrets folder",
        ),
        (LDAP | {"password": ["secret"]}, "password", "should be a group of fields: env, file"),
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
            "'type' is 'cvs', which is unknown; known are 'csv', 'excel'",
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


class Everything(BaseModel):
    """A field for each kind of mistake that people make over HTTP."""

    model_config = ConfigDict(extra="forbid")
    short: Annotated[str, Field(max_length=1)] = ""
    two: Annotated[str, Field(min_length=2)] = "ab"
    some: Annotated[tuple[str, ...], Field(max_length=1)] = ()
    at_most: Annotated[int, Field(le=500)] = 0
    more: Annotated[float, Field(gt=0)] = 1
    when: datetime | None = None
    rule: Notify | None = None
    code: Annotated[str, Field(pattern="^[a-z]$")] = "a"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"short": "ab"}, "short: should have at most 1 character"),
        ({"two": "a"}, "two: should have at least 2 characters"),
        ({"some": ["a", "b"]}, "some: should have at most 1 item"),
        ({"some": [1]}, "some.0: should be text"),
        ({"at_most": 501}, "at_most: should be at most 500"),
        ({"at_most": 1.5}, "at_most: should be a whole number"),
        ({"more": 0}, "more: should be more than 0.0"),
        ({"more": "much"}, "more: should be a number"),
        ({"when": "soon"}, "when: should be a time such as 2027-01-04T02:30:00Z"),
        ({"rule": []}, "rule: should be a group of fields"),
        ({"code": "A"}, "code: has a form that is not allowed; it should match ^[a-z]$"),
        ({"nonsense": 1}, "nonsense: is an unknown field"),
    ],
)
def test_the_library_never_speaks_itself(given: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(given)
    assert first_complaint(caught.value) == message
