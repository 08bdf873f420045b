"""What no run could ever use is refused when it is written."""

from typing import Any

import pytest

from placet_shared.errors import InvalidError
from placet_shared.objects import parse_object

JOB: dict[str, Any] = {
    "kind": "job", "name": "people", "source": {"provider": "hr"}, "destination": {"provider": "corp"},
    "key": [{"source": "id", "destination": "uid"}], "fields": [{"to": "cn", "from": "name"}],
}  # fmt: skip
CSV: dict[str, Any] = {"kind": "provider", "name": "hr", "type": "csv", "path": "people.csv"}
LDAP: dict[str, Any] = {
    "kind": "provider", "name": "corp", "type": "ldap", "url": "ldaps://x", "bind_dn": "cn=a",
    "password": {"file": "corp"}, "base_dn": "dc=example,dc=org",
}  # fmt: skip
MAIL = {"host": "smtp.example.org", "sender": "placet@example.org"}
SECRET = {"username": "placet", "password": {"file": "smtp"}}


def placed(container: str) -> dict[str, Any]:
    return JOB | {"destination": {"provider": "corp", "container": container}}


def made_by(**transform: Any) -> dict[str, Any]:
    return JOB | {"fields": [{"to": "cn", **transform}]}


def mailing(**settings: Any) -> dict[str, Any]:
    return LDAP | {"notifications": MAIL | settings}


@pytest.mark.parametrize(
    ("document", "field", "words"),
    [
        (LDAP | {"base_dn": "example.org"}, "base_dn", "'example.org' is not a distinguished name such as ou=People"),
        (LDAP | {"base_dn": ""}, "base_dn", "'' is not a distinguished name"),
        (placed("People"), "destination.container", "'People' is not a distinguished name"),
        (placed("ou=People,,dc=org"), "destination.container", "is not a distinguished name"),
        (CSV | {"encoding": "utf-9"}, "encoding", "'utf-9' is no encoding that is known; write utf-8, cp1250"),
        (CSV | {"encoding": "hex"}, "encoding", "'hex' is no encoding that is known"),
        (made_by(script="source["), "fields.0.script", "the script cannot be read on line 1: '[' was never closed"),
        (made_by(script="if x:\n  return"), "fields.0.script", None),
        (made_by(script="x = 1\nreturn x x"), "fields.0.script", "cannot be read on line 2"),
        (JOB | {"fields": [{"to": "", "from": "name"}]}, "fields.0.to", "should not be empty"),
        (JOB | {"key": [{"source": "", "destination": "uid"}]}, "key.0.source", "should not be empty"),
        (JOB | {"limits": {"delete": "100.5%"}}, "limits.delete", "100.5% is more than all; the largest share is 100%"),
        (JOB | {"limits": {"delete": "100%"}}, "limits.delete", None),
        (mailing(sender="nomail"), "notifications.sender", "'nomail' is not an address, or Name <name@example.org>"),
        (mailing(sender="Placet <placet@example.org>"), "", None),
        (mailing(username="u"), "notifications", "the user u has no password; give one, as {env: PLACET_SECRET_…}"),
        (mailing(security="none", **SECRET), "notifications", "the password would go to smtp.example.org in clear"),
        (mailing(security="none", host="127.0.0.1", **SECRET), "", None),
        (mailing(**SECRET), "", None),
    ],
)
def test_it_is_refused_with_its_field(document: dict[str, Any], field: str, words: str | None) -> None:
    if words is None:
        parse_object(document)
        return
    with pytest.raises(InvalidError) as raised:
        parse_object(document)
    assert raised.value.field == field
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "name",
    [
        "dc=org", "OU=People, DC=corp ,DC=example", "cn=Smith\\, Ann,ou=x", "2.5.4.3=Ann", "cn=a+uid=b,dc=org",
        r"cn=\2C\C3\BC,dc=org", "cn=,dc=org",
    ],
)  # fmt: skip
def test_names_of_all_forms_are_taken(name: str) -> None:
    assert parse_object(placed(name)).name == "people"
