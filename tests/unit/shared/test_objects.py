"""Objects: from YAML and back, and one sentence for each mistake, which names the field."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from placet_shared.errors import InvalidError
from placet_shared.objects import (
    ActiveDirectoryProvider,
    CsvProvider,
    Job,
    LdapProvider,
    Object,
    Schedule,
    Workflow,
    parse_object,
)
from placet_shared.objects.base import format_duration, parse_duration
from tests.support.signing import CORP, HR, PEOPLE

EXAMPLES = """
kind: provider
name: hr
type: csv
path: people.csv
delimiter: ";"
quote: "'"
encoding: latin-1
header: false
trim: false
---
kind: provider
name: corp
type: ldap
url: ldaps://dc1.corp.example
bind_dn: CN=svc-placet,OU=Service,DC=corp,DC=example
password: {file: corp}
base_dn: DC=corp,DC=example
tls: {ca_file: /etc/ssl/corp.pem}
referential_integrity: true
unique: [uid]
disable: {attribute: loginShell, value: /bin/false}
notifications:
  host: smtp.corp.example
  port: 465
  security: tls
  username: placet
  password: {env: PLACET_SECRET_SMTP}
  sender: placet@corp.example
---
kind: provider
name: ad
type: active_directory
url: ldaps://dc1.corp.example
bind_dn: CN=svc-placet,OU=Service,DC=corp,DC=example
password: {file: corp}
base_dn: DC=corp,DC=example
tls: {ca_file: /etc/ssl/corp.pem}
unique: [sAMAccountName, userPrincipalName, mail]
driver: libldap
create_in_steps: true
---
kind: job
name: people
object_type: user
source: {provider: hr, query: "select * from people"}
destination:
  provider: corp
  query: "(employeeNumber=*)"
  container: OU=People,DC=corp,DC=example
  rdn: cn
  read_from: directory
key: [{source: employee_id, destination: employeeNumber}]
fields:
  - {to: employeeNumber, from: employee_id}
  - {to: givenName, from: first_name, compare: matching_rule}
  - {to: company, static: ACME}
  - {to: objectClass, static: [person, inetOrgPerson]}
  - {to: displayName, join: [first_name, last_name], separator: ", "}
  - {to: mail, script: "source['first_name'].lower()", only_on_create: true}
missing: skip
extra: delete
extra_scope: all
empty_values: clear
preview_when_finished: true
notify: {enabled: true, to: [ops@corp.example], when: errors}
workflow: two-eyes
limits: {delete: 5%, disable: 2.5%, update: null, create: 100, move: 0}
schedule: nightly
give_up_after: 45m
---
kind: schedule
name: nightly
triggers: [{daily: "02:30"}, {cron: "30 2 * * 1-5"}]
time_zone: Europe/Warsaw
---
kind: workflow
name: two-eyes
stages: [{approvers: [ada@corp.example, "group:identity"], need: all, expires_after: 48h, then: deny}]
when: always
requester_may_approve: true
"""
"""One object of each kind, with something in every field."""

DOCUMENTS: list[dict[str, Any]] = list(yaml.safe_load_all(EXAMPLES))
BY_NAME = {document["name"]: document for document in DOCUMENTS}
NIGHTLY, TWO_EYES, AD = BY_NAME["nightly"], BY_NAME["two-eyes"], BY_NAME["ad"]


def name_of(document: dict[str, Any]) -> str:
    return f"{document['kind']} {document['name']}"


def written(parsed: Object, *, everything: bool = False) -> dict[str, Any]:
    """What would be exported: all that differs from its default, or all."""
    fields = parsed.model_dump(mode="json", by_alias=True, exclude_defaults=not everything)
    return {"kind": parsed.kind, "name": parsed.name} | fields


# ---- back and forth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
@pytest.mark.parametrize("everything", [False, True])
def test_an_object_comes_back_from_yaml_as_it_was(document: dict[str, Any], everything: bool) -> None:
    parsed = parse_object(document)
    text = yaml.safe_dump(written(parsed, everything=everything))
    assert parse_object(yaml.safe_load(text)) == parsed


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_field_of_an_example_is_read(document: dict[str, Any]) -> None:
    """Of what a person wrote nothing is lost or changed, but for other words for the same."""
    assert document.items() <= (written(parse_object(document), everything=True) | same_words(document)).items()


def same_words(document: dict[str, Any]) -> dict[str, Any]:
    """Parts in which defaults are filled in."""
    return {name: value for name, value in document.items() if isinstance(value, dict | list)}


@pytest.mark.parametrize("document", [HR, CORP, PEOPLE], ids=name_of)
def test_what_nobody_wrote_is_not_exported(document: dict[str, Any]) -> None:
    assert written(parse_object(document)).items() <= document.items()


def test_what_is_left_out_is_as_the_interface_says() -> None:
    job = parse_object(PEOPLE)
    assert isinstance(job, Job)
    assert (job.missing, job.extra, job.extra_scope, job.empty_values) == ("create", "skip", "linked", "keep")
    assert (job.mode, job.destination.read_from, job.workflow, job.schedule) == ("all", "directory", None, None)
    assert (job.limits.delete, job.limits.disable) == ("5%", "5%")
    assert (job.limits.create, job.limits.update, job.limits.move) == (None, None, None)
    assert (job.give_up_after, job.fields_[0].compare) == (timedelta(minutes=30), "exact")

    hr, corp = parse_object(HR), parse_object(CORP)
    assert isinstance(hr, CsvProvider)
    assert isinstance(corp, LdapProvider)
    assert (hr.delimiter, hr.quote, hr.encoding, hr.header, hr.trim) == (",", '"', "utf-8", True, True)
    assert (corp.allow_plaintext, corp.referential_integrity, corp.unique) == (False, False, ())

    active = parse_object({key: value for key, value in CORP.items() if key != "type"} | {"type": "active_directory"})
    assert isinstance(active, ActiveDirectoryProvider)
    assert (active.referential_integrity, active.unique) == (True, ("sAMAccountName", "userPrincipalName"))
    assert (active.disable.attribute, active.disable.value) == ("userAccountControl;ACCOUNTDISABLE", "TRUE")

    schedule = parse_object({"kind": "schedule", "name": "s", "triggers": [{"daily": "02:30"}]})
    workflow = parse_object({"kind": "workflow", "name": "w", "stages": [{"approvers": ["ada"]}]})
    assert isinstance(schedule, Schedule)
    assert isinstance(workflow, Workflow)
    stage = workflow.stages[0]
    assert schedule.time_zone == "UTC"
    assert (stage.need, stage.expires_after, stage.then) == (1, timedelta(hours=72), "deny")
    assert not workflow.requester_may_approve


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_an_object_is_frozen(document: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(parse_object(document), "name", "other")  # noqa: B010 (mypy knows that it is frozen)


# ---- mistakes --------------------------------------------------------------------------------------------------------

Changed = tuple[dict[str, Any], dict[str, Any]]


def with_field(**field: Any) -> Changed:
    return PEOPLE, {"fields": [PEOPLE["fields"][0], {"to": "mail"} | field]}  # type: ignore[index] # a list, as above


def with_stage(**stage: Any) -> Changed:
    return TWO_EYES, {"stages": [{"approvers": ["ada"]} | stage]}


def with_password(password: Any) -> Changed:
    return CORP, {"password": password}


MISTAKES: list[tuple[Changed, str, str]] = [
    # what it is
    ((HR, {"kind": None}), "kind", "kind: None is unknown; known here: provider, job, schedule, workflow"),
    ((HR, {"kind": ["provider"]}), "kind", "kind: ['provider'] is unknown"),
    ((HR, {"kind": "providr"}), "kind", "kind: 'providr' is unknown; did you mean provider?"),
    ((HR, {"type": "cvs"}), "type", "'cvs', which is unknown; known are 'csv', 'excel'"),
    ((HR, {"type": None}), "type", "unknown; known are 'csv', 'excel'"),
    ((HR, {"type": ["csv"]}), "type", "unknown; known are 'csv', 'excel'"),
    ((HR, {"name": "Hr"}), "name", "name: 'Hr' is not a name: up to 63 of"),
    ((HR, {"name": "-hr"}), "name", "is not a name: up to 63 of"),
    ((HR, {"name": "hr\n"}), "name", "is not a name: up to 63 of"),
    ((HR, {"name": "h" * 64}), "name", "is not a name: up to 63 of"),
    ((HR, {"name": 7}), "name", "name: should be text"),
    # unknown fields, and the nearest known one
    ((HR, {"delimeter": ";"}), "delimeter", "delimeter: unknown field; did you mean delimiter?"),
    ((HR, {"xyzzy": 1}), "xyzzy", "xyzzy: unknown field; known here: kind, name, path, new_file"),
    ((HR, {"csv": 1}), "csv", "csv: unknown field"),
    ((HR, {"delimeter": ";", "delimiter": ";;"}), "delimeter", "did you mean delimiter?"),
    ((CORP, {"tls": {"cafile": "x"}}), "tls.cafile", "tls.cafile: unknown field; did you mean ca_file?"),
    (
        (CORP, {"notifications": {"host": "h", "sender": "s", "prot": 25}}),
        "notifications.prot",
        "notifications.prot: unknown field; did you mean port?",
    ),
    ((PEOPLE, {"source": {"provider": "hr", "qurey": ""}}), "source.qurey", "did you mean query?"),
    ((PEOPLE, {"limits": {"delte": 1}}), "limits.delte", "limits.delte: unknown field; did you mean delete?"),
    (with_field(form="mail"), "fields.1.form", "fields.1.form: unknown field; did you mean from?"),
    (with_stage(aprovers=[]), "stages.0.aprovers", "did you mean approvers?"),
    ((NIGHTLY, {"triggers": [{"dialy": "02:30"}]}), "triggers.0.dialy", "did you mean daily?"),
    # providers
    ((HR, {"delimiter": ";;"}), "delimiter", "delimiter: should have at most 1 character"),
    ((HR, {"path": None}), "path", "path: should be text"),
    ((CORP, {"url": "http://dc"}), "url", "url: 'http://dc' is no LDAP URL; write ldaps://host[:port]"),
    ((CORP, {"url": "ldaps://"}), "url", "is no LDAP URL"),
    ((CORP, {"url": "ldap://[dc"}), "url", "url: 'ldap://[dc' is no LDAP URL: Invalid IPv6 URL"),
    ((CORP, {"url": "ldap://dc"}), "url", "use ldaps://, or say allow_plaintext: true"),
    ((AD, {"url": "ldap://dc"}), "url", "use ldaps://, or say allow_plaintext: true"),
    ((AD, {"url": "ldaps://dc:3269"}), "url", "url: the global catalogue (port 3269) knows a part of each entry alone"),
    ((AD, {"bind_dn": "svc@corp.example"}), "bind_dn", "bind_dn: 'svc@corp.example' is no distinguished name"),
    ((AD, {"url": "ldapi://x"}), "url", "url: a domain controller is reached as ldaps://dc.corp.example"),
    ((AD, {"driver": "ldap3"}), "driver", "driver: "),
    ((CORP, {"notifications": {"host": "h", "sender": "s", "port": 0}}), "notifications.port", "should be at least 1"),
    ((CORP, {"notifications": {"host": "h"}}), "notifications.sender", "notifications.sender: is missing"),
    # secrets are references
    (with_password("hush"), "password", "password: a secret never stands in a file; write {env: PLACET_SECRET_…}"),
    (with_password({}), "password", "password: give one of env (PLACET_SECRET_…) or file"),
    (with_password({"env": "PLACET_SECRET_A", "file": "a"}), "password", "password: give one of env"),
    (with_password({"env": "HOME"}), "password.env", "password.env: this is not a variable such as PLACET_SECRET_LDAP"),
    (
        with_password({"env": "PLACET_SECRET_"}),
        "password.env",
        "password.env: this is not a variable such as PLACET_SECRET_LDAP",
    ),
    (with_password({"file": "../passwd"}), "password.file", "password.file: this is not a name in the secrets folder"),
    (with_password({"file": "..data"}), "password.file", "password.file: this is not a name in the secrets folder"),
    (with_password({"file": "corp\n"}), "password.file", "password.file: this is not a name in the secrets folder"),
    # jobs
    ((PEOPLE, {"key": []}), "key", "key: should not be empty"),
    ((PEOPLE, {"fields": []}), "fields", "fields: should not be empty"),
    ((PEOPLE, {"fields": "all"}), "fields", "fields: should be a list"),
    ((PEOPLE, {"source": {}}), "source.provider", "source.provider: is missing"),
    ((PEOPLE, {"create_move_to": True}), "create_move_to", "create_move_to: it goes with move_to"),
    (
        (PEOPLE, {"mode": "changed"}),
        "mode",
        "mode: changed needs time_stamp, the source column that says when a record last",
    ),
    ((PEOPLE, {"time_stamp": "at"}), "time_stamp", "time_stamp: it goes with mode: changed"),
    ((PEOPLE, {"overlap": "1h"}), "overlap", "overlap: it goes with mode: changed"),
    (
        (PEOPLE, {"mode": "changed", "time_stamp": "at", "extra": "delete"}),
        "extra",
        "extra: delete does not go with mode: changed: a run that reads only what changed cannot know what is gone",
    ),
    ((PEOPLE, {"extra": "remove"}), "extra", "extra: should be 'skip', 'disable', 'move' or 'delete'"),
    (
        with_field(),
        "fields.1",
        "give exactly one of from, static, join, left, substring, resolve, script, password for mail",
    ),
    (with_field(static="a", split=";"), "fields.1", "split: it goes with from and resolve"),
    (with_field(static="a", script="b"), "fields.1", "give exactly one of"),
    (with_field(static={"a": 1}), "fields.1.static", "fields.1.static: should be text"),
    (
        (PEOPLE, {"fields": [{"to": "sn", "from": "a"}, {"to": "SN", "static": "b"}]}),
        "fields",
        "fields: SN is mapped twice",
    ),
    ((PEOPLE, {"limits": {"delete": "five"}}), "limits.delete", "limits.delete: 'five' is not a number of changes"),
    ((PEOPLE, {"limits": {"delete": "5"}}), "limits.delete", "limits.delete: '5' is not a number of changes"),
    ((PEOPLE, {"limits": {"delete": -1}}), "limits.delete", "limits.delete: "),
    ((PEOPLE, {"notify": {}}), "notify", "notify is enabled but `to` names nobody"),
    ((PEOPLE, {"notify": {"to": ["ops"]}}), "notify.to.0", "notify.to.0: 'ops' is not an e-mail address"),
    ((PEOPLE, {"notify": {"to": ["a@b\nBcc: c@d"]}}), "notify.to.0", "is not an e-mail address"),
    ((PEOPLE, {"give_up_after": "soon"}), "give_up_after", "such as 90s, 15m, 48h or 7d"),
    ((PEOPLE, {"limits": {"delete": True}}), "limits.delete", "limits.delete: True is not a number of changes"),
    # schedules and workflows
    ((NIGHTLY, {"triggers": []}), "triggers", "triggers: should not be empty"),
    ((NIGHTLY, {"triggers": [{}]}), "triggers.0", "triggers.0: give exactly one of daily, cron"),
    (
        (NIGHTLY, {"triggers": [{"daily": "1:00", "cron": "* * * * *"}]}),
        "triggers.0.daily",
        "is not a time of day such as 06:30",
    ),
    ((NIGHTLY, {"triggers": [{"daily": "01:00", "cron": "* * * * *"}]}), "triggers.0", "give exactly one of"),
    (
        (NIGHTLY, {"triggers": [{"daily": "24:00"}]}),
        "triggers.0.daily",
        "triggers.0.daily: '24:00' is not a time of day",
    ),
    (
        (NIGHTLY, {"triggers": [{"cron": "@daily"}]}),
        "triggers.0.cron",
        "triggers.0.cron: '@daily' is not a cron line of five fields",
    ),
    ((NIGHTLY, {"time_zone": "Mars/Olympus"}), "time_zone", "time_zone: Mars/Olympus is no time zone of the IANA list"),
    ((NIGHTLY, {"time_zone": "../../etc/passwd"}), "time_zone", "is no time zone of the IANA list"),
    ((TWO_EYES, {"stages": []}), "stages", "stages: should not be empty"),
    (with_stage(approvers=[]), "stages.0.approvers", "stages.0.approvers: should not be empty"),
    (with_stage(need=0), "stages.0.need", "stages.0.need: should be at least 1"),
    (with_stage(need="most"), "stages.0.need", "stages.0.need: "),
    (with_stage(expires_after="999999999d"), "stages.0.expires_after", "at most 3650d"),
    (with_stage(expires_after=-5), "stages.0.expires_after", "write a length of time"),
]


@pytest.mark.parametrize(
    ("changed", "field", "words"), MISTAKES, ids=lambda part: part if isinstance(part, str) else ""
)
def test_a_mistake_is_one_sentence_that_names_the_field(changed: Changed, field: str, words: str) -> None:
    document, changes = changed
    with pytest.raises(InvalidError) as raised:
        parse_object({**document, **changes})
    assert raised.value.field == field
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("document", "field"),
    [(document, field) for document in (HR, CORP, PEOPLE) for field in document]
    + [
        (document, field)
        for document in (NIGHTLY, TWO_EYES)
        for field in ("name", "triggers", "stages")
        if field in document
    ],
    ids=str,
)
def test_what_is_missing_is_named(document: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidError) as raised:
        parse_object({name: value for name, value in document.items() if name != field})
    assert raised.value.field == field
    assert field in str(raised.value)


@pytest.mark.parametrize(
    "password", ["hush", {"env": "hush"}, {"file": "/hush"}, {"value": "hush"}, {"env": ["hush"]}, ["hush"]], ids=str
)
def test_a_secret_in_the_wrong_place_is_not_repeated(password: Any) -> None:
    with pytest.raises(InvalidError) as raised:
        parse_object(CORP | {"password": password})
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("ldaps://dc.corp.example:636", {}),
        ("ldap://127.0.0.1:3389", {}),
        ("ldap://localhost", {}),
        ("ldap://[::1]:389", {}),
        ("ldapi:///", {}),
        ("ldap://dc.corp.example", {"allow_plaintext": True}),
    ],
)
def test_a_password_may_go_where_nobody_listens(url: str, more: dict[str, Any]) -> None:
    assert parse_object(CORP | {"url": url} | more).name == "corp"


# ---- lengths of time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length", "shortest"),
    [
        ("90s", timedelta(seconds=90), "90s"),
        ("15m", timedelta(minutes=15), "15m"),
        ("60m", timedelta(hours=1), "1h"),
        ("48h", timedelta(days=2), "2d"),
        (" 7 d ", timedelta(days=7), "7d"),
        ("0s", timedelta(0), "0d"),
        ("3650d", timedelta(days=3650), "3650d"),
    ],
)
def test_a_length_of_time_is_read_and_written_in_its_shortest_form(text: str, length: timedelta, shortest: str) -> None:
    assert parse_duration(text) == length
    assert format_duration(length) == shortest
    assert parse_duration(shortest) == length


@pytest.mark.parametrize(
    "text", ["", "5", "-5m", "1.5h", "5 minutes", "PT5M", "3651d", "9999999999s", "٥m x", 5, None, True]
)
def test_what_is_no_length_of_time_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="such as 90s, 15m, 48h or 7d, at most 3650d"):
        parse_duration(text)
