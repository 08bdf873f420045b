"""What is wrong with a job is said before it runs, in one sentence each."""

from typing import Any

import pytest

from placet_shared.objects import Job
from placet_shared.objects.provider import DisableSettings
from placet_sync_worker.planning.check import cautions
from placet_sync_worker.planning.design import Design, Options
from placet_sync_worker.planning.examining import Examination
from placet_sync_worker.testing.destination import BASE, PEOPLE, FakeDestination

FIELDS: list[dict[str, Any]] = [
    {"to": "employeeNumber", "from": "id"},
    {"to": "cn", "from": "name"},
    {"to": "surname", "from": "last"},
]
COLUMNS = ["id", "name", "last", "twice", "twice"]
PASSWORD = {"to": "userPassword", "password": {}, "only_on_create": True}


def examined(
    fields: list[dict[str, Any]] | None = None, columns: list[str] | None = COLUMNS, **job: Any
) -> tuple[Design | None, list[str]]:
    options = job.pop("options", Options())
    document = {
        "name": "people",
        "object_type": "user",
        "source": {"provider": "hr"},
        "destination": {"provider": "corp", "container": PEOPLE},
        "key": [{"source": "id", "destination": "employeenumber"}],
        "fields": FIELDS if fields is None else fields,
        **job,
    }
    examination = Examination(Job.model_validate(document), columns, FakeDestination(), options)
    return examination.design(), [str(problem) for problem in examination.problems]


def problems(*fields: dict[str, Any], **job: Any) -> list[str]:
    design, found = examined([*FIELDS, *fields], **job)
    assert (design is None) == bool(found)
    return found


def test_names_are_those_of_the_schema() -> None:
    design, found = examined()
    assert not found
    assert design is not None
    assert [target.name for target in design.targets] == ["employeeNumber", "cn", "sn"]
    assert design.read == ("employeeNumber", "cn", "sn")
    assert design.columns == ("id", "name", "last")
    assert design.query == "(&(objectClass=inetOrgPerson)(employeeNumber=*))"
    assert design.required == ("cn", "sn")


def test_the_jobs_own_query_is_used_as_it_is() -> None:
    design, _ = examined(destination={"provider": "corp", "container": PEOPLE, "query": "(uid=*)"})
    assert design is not None
    assert design.query == "(uid=*)"


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"to": "givenNme", "from": "name"}, "fields: the schema has no attribute givenNme"),
        ({"to": "entryUUID", "from": "name"}, "fields: entryUUID is kept by the server itself and cannot be written"),
        ({"to": "userPassword", "from": "name"}, "fields: userPassword cannot be read back by the account"),
        (PASSWORD | {"to": "mail"}, "fields: mail takes no password that is made; map the attribute that logins use"),
        (PASSWORD | {"to": "entryUUID"}, "fields: entryUUID is kept by the server itself and cannot be written"),
        ({"to": "sn", "from": "name"}, "fields: surname and sn are the same attribute"),
        ({"to": "displayName", "static": ["a", "b"]}, "fields: displayName takes one value, and 2 are given"),
        ({"to": "mail", "from": "nmae"}, "mail: the source has no column nmae; did you mean name?"),
        ({"to": "mail", "from": "zzz"}, "mail: the source has no column zzz; it has id, name, last"),
        ({"to": "mail", "join": ["name", "x"]}, "mail: the source has no column x"),
        ({"to": "mail", "script": "source['x']"}, "mail: the source has no column x"),
        ({"to": "mail", "script": "x = source['id']"}, "mail: the script has no return"),
    ],
)
def test_a_field_that_cannot_be_is_named(field: dict[str, Any], reason: str) -> None:
    (found,) = problems(field)
    assert found.startswith(reason)


def test_a_password_is_made_for_what_nobody_can_read() -> None:
    assert problems(PASSWORD) == []
    (found,) = problems(PASSWORD, options=Options(keeps_passwords=False))
    assert found.startswith("fields: userPassword: the workers have no key to keep passwords with")
    destination = {"provider": "corp", "container": PEOPLE, "rdn": "userPassword"}
    (found,) = problems(PASSWORD, destination=destination)
    assert found.startswith("destination.rdn: userPassword is a password and names nobody")


def test_all_problems_are_found_at_once() -> None:
    assert len(problems({"to": "nonsense", "from": "nowhere"}, {"to": "entryUUID", "static": "x"})) == 3


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ({"object_type": "starship"}, "there is no object type starship"),
        ({"key": [{"source": "no", "destination": "employeeNumber"}]}, "key: the source has no column no"),
        ({"key": [{"source": "id", "destination": "userPassword"}]}, "key: userPassword cannot be read back"),
        ({"key": [{"source": "id", "destination": "none"}]}, "key: the schema has no attribute none"),
        ({"destination": {"provider": "corp"}}, "destination.container is missing"),
        (
            {"destination": {"provider": "corp", "container": "ou=x,dc=other"}},
            "destination.container: ou=x,dc=other is no",
        ),
        (
            {"destination": {"provider": "corp", "container": 'ou="People"'}},
            'destination.container: ou="People" is no name below',
        ),
        (
            {"destination": {"provider": "corp", "container": PEOPLE, "rdn": "uid"}},
            "fields: uid names new entries, but",
        ),
        ({"extra": "disable"}, "extra: disable needs to know what disables an entry"),
        (
            {"extra": "disable", "options": Options(disable=DisableSettings(attribute="entryUUID", value="x"))},
            "disable: entryUUID is kept by the server",
        ),
        ({"options": Options(unique=("nonsense",))}, "unique: the schema has no attribute nonsense"),
    ],
)
def test_a_job_that_cannot_run_says_why(job: dict[str, Any], reason: str) -> None:
    assert any(found.startswith(reason) for found in problems(**job)), problems(**job)


def test_a_job_that_creates_nothing_needs_no_place_and_no_name() -> None:
    design, found = examined([{"to": "mail", "from": "name"}], missing="skip", destination={"provider": "corp"})
    assert not found
    assert design is not None
    assert design.read == ("employeeNumber", "mail")


def test_a_script_whose_columns_cannot_be_told_gets_all_that_can() -> None:
    fields = [*FIELDS, {"to": "mail", "script": "''.join(source)"}]
    design, _ = examined(fields)
    assert design is not None
    assert design.columns == ("id", "name", "last")
    assert problems(fields[-1], columns=None) == [
        "mail: say source['name'] with names in quotes, so that it is known what to read"
    ]


def test_the_base_itself_may_be_the_container() -> None:
    assert not problems(destination={"provider": "corp", "container": BASE.upper()})


def test_cautions_are_about_new_entries() -> None:
    design, _ = examined([*FIELDS[:2], {"to": "member", "static": "cn=x"}])
    assert design is not None
    assert cautions(design) == [
        "user needs sn, and no field makes it: every new record will be rejected",
        "user has no member: the server will refuse every new entry that has it",
    ]
    design, _ = examined(FIELDS[:2], missing="skip")
    assert design is not None
    assert cautions(design) == []
