"""A job in words, as `placet job review` tells it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from placet_scheduler.references import Document
from placet_scheduler.review import look_at, words
from tests.support.catalogue import catalogue
from tests.support.scheduler import NIGHTLY, TWO_EYES, people
from tests.support.signing import CORP, HR

NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)
DEFAULT = TWO_EYES | {"name": "default"}


def told(job: Document, *others: Document, **queries: str) -> str:
    documents = catalogue(HR, CORP, NIGHTLY, TWO_EYES, *others, job)
    return words(look_at(job["name"], documents, queries, NOW))


def line(job: Document, label: str, *others: Document) -> str:
    """The rest of the one line that begins so."""
    (found,) = [one.strip() for one in told(job, *others).splitlines() if one.strip().startswith(label)]
    return found.removeprefix(label).strip()


WHOLE = people(
    object_type="user",
    source={"provider": "hr", "query": "select * from people"},
    destination={"provider": "corp", "container": "ou=People,dc=corp", "rdn": "cn"},
    key=[{"source": "id", "destination": "employeeNumber"}, {"source": "site", "destination": "l"}],
    fields=[{"to": "sn", "from": "last"}, {"to": "cn", "join": ["first", "last"]}],
    extra="disable",
    notify={"to": ["ops@corp.example", "eve@corp.example"], "when": "errors"},
    workflow="two-eyes",
    schedule="nightly",
)


def test_the_whole_job_a_paragraph_a_question() -> None:
    assert told(WHOLE, source="select * from people", destination="(objectClass=inetOrgPerson)") == (
        "Job people\n"
        "\n"
        "  copies     user records from hr to corp\n"
        "  source     select * from people\n"
        "  entries    (objectClass=inetOrgPerson)\n"
        "  new ones   in ou=People,dc=corp, named by cn\n"
        "  key        id = employeeNumber and site = l\n"
        "\n"
        "  attributes\n"
        "    sn                     from last\n"
        "    cn                     first + last, joined by ' '\n"
        "\n"
        "  a record without an entry  is created\n"
        "  an entry without a record  is disabled, if it is one that this job made or matched before\n"
        "  an empty source value      changes nothing\n"
        "\n"
        "  approval   1 of bob, but not who asked for the run, within 3d, else it is denied, for every plan that "
        "changes anything (workflow two-eyes)\n"
        "  limits     disable 5%, delete 5%; above them: 1 of bob, but not who asked for the run, within 3d, else it "
        "is denied\n"
        "  told       ops@corp.example, eve@corp.example, when one or more errors occur\n"
        "\n"
        "  schedule   nightly, in the time of UTC; next:\n"
        "             Tue 2027-01-05 02:30\n"
        "             Wed 2027-01-06 02:30\n"
        "             Thu 2027-01-07 02:30\n"
        "             Fri 2027-01-08 02:30\n"
        "             Sat 2027-01-09 02:30"
    )


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("copies", "user records from hr to corp"),
        ("source", "all records"),
        ("entries", "all user entries"),
        ("approval", "by policy, within the limits"),
        ("told", "nobody"),
        ("schedule", "none: it runs when somebody asks"),
        ("an entry without a record", "is left alone"),
    ],
)
def test_what_nobody_wrote_is_told_too(label: str, words: str) -> None:
    assert line(people(), label) == words
    assert "new ones" not in told(people())


@pytest.mark.parametrize(("label", "words"), [("copies", "records from hr to phones"), ("entries", "all records")])
def test_what_a_table_or_a_file_holds_is_no_user(label: str, words: str) -> None:
    phones = HR | {"name": "phones", "path": "phones.csv"}
    assert line(people(destination={"provider": "phones"}), label, phones) == words


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"from": "last"}, "from last"),
        ({"static": "ACME"}, "always 'ACME'"),
        ({"static": ["person", "inetOrgPerson"]}, "always 'person', 'inetOrgPerson'"),
        ({"static": ""}, "always ''"),
        ({"join": ["first", "last"], "separator": ", "}, "first + last, joined by ', '"),
        ({"script": "source['a'].lower()"}, "script: source['a'].lower()"),
        ({"script": "\nx = source['a']\nreturn x\n"}, "script: x = source['a'] … (2 lines)"),
        ({"resolve": {"from": "a", "match": "uid"}}, "the entry whose uid is a"),
        ({"resolve": {"from": "a", "match": "uid"}, "split": ";"}, "the entry whose uid is a, split at ';'"),
        ({"from": "a", "only_on_create": True}, "from a (only on create)"),
        ({"from": "a", "compare": "matching_rule"}, "from a (compared by the matching rule)"),
        (
            {"from": "a", "only_on_create": True, "compare": "matching_rule"},
            "from a (only on create, compared by the matching rule)",
        ),
    ],
)
def test_how_each_attribute_is_made(field: dict[str, Any], words: str) -> None:
    assert line(people(fields=[{"to": "displayName", **field}]), "displayName") == words


@pytest.mark.parametrize(
    ("fields", "label", "words"),
    [
        ({"missing": "skip"}, "a record without an entry", "is left out"),
        ({"extra": "delete"}, "an entry without a record",
         "is deleted, leaf first, if it is one that this job made or matched before"),
        ({"extra": "disable", "extra_scope": "all"}, "an entry without a record",
         "is disabled, if it is one that the query finds"),
        ({"extra": "move", "move_to": "ou=Left", "create_move_to": True}, "an entry without a record",
         "is moved to ou=Left, which is made where it is missing, if it is one that this job made or matched before"),
        ({"empty_values": "clear"}, "an empty source value", "clears the attribute"),
        ({"object_type": "group"}, "entries", "all group entries"),
        ({"destination": {"provider": "corp", "container": "ou=P"}}, "new ones", "in ou=P"),
        ({"notify": {"enabled": False, "to": ["a@b"]}}, "told", "nobody"),
        ({"notify": {"to": ["a@b"]}}, "told", "a@b, after each run, whatever came of it"),
        ({"notify": {"to": ["a@b"], "when": "records_updated"}}, "told", "a@b, when one or more records were updated"),
        ({"notify": {"to": ["a@b"], "when": "failed"}}, "told", "a@b, when the job fails"),
    ],
)  # fmt: skip
def test_each_setting_has_its_words(fields: dict[str, Any], label: str, words: str) -> None:
    assert line(people(**fields), label) == words


# ---- who decides -----------------------------------------------------------------------------------------------------

BOB = "1 of bob, but not who asked for the run, within 3d, else it is denied"
ANYONE = "any approver but the one who asked for the run"
STAGE = {"approvers": ["ada@corp.example", "group:identity"], "need": "all", "expires_after": "36h"}
ALL = {"kind": "workflow", "name": "all", "stages": [STAGE], "requester_may_approve": True}
EVERYBODY = "all of ada@corp.example, group:identity, within 36h, else it is denied"


@pytest.mark.parametrize(
    ("job", "others", "approval", "above"),
    [
        (people(), (), None, ANYONE),
        (people(), (DEFAULT,), f"{BOB}, for every plan that changes anything (workflow default)", BOB),
        (people(workflow="none"), (), None, ANYONE),
        (people(workflow="none"), (DEFAULT,), None, BOB),
        (people(workflow="all"), (ALL, DEFAULT), f"{EVERYBODY}, for every plan that changes anything (workflow all)",
         EVERYBODY),
    ],
)  # fmt: skip
def test_who_decides(job: Document, others: tuple[Document, ...], approval: str | None, above: str) -> None:
    assert line(job, "approval", *others) == (approval or "by policy, within the limits")
    assert line(job, "limits", *others) == f"disable 5%, delete 5%; above them: {above}"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"disable": None, "delete": None}, "none"),
        ({"disable": None, "delete": 0}, f"delete 0; above them: {ANYONE}"),
        ({"create": 100, "move": "2.5%"}, f"create 100, move 2.5%, disable 5%, delete 5%; above them: {ANYONE}"),
    ],
)
def test_limits(limits: dict[str, Any], words: str) -> None:
    assert line(people(limits=limits), "limits") == words


def test_times_are_shown_by_the_clock_of_the_schedules_zone() -> None:
    kolkata = {"kind": "schedule", "name": "s", "triggers": [{"cron": "0 20 * * 5"}], "time_zone": "Asia/Kolkata"}
    told_of = told(people(schedule="s"), kolkata).splitlines()[-6:]
    assert told_of[0].strip() == "schedule   s, in the time of Asia/Kolkata; next:"
    days = ["2027-01-08", "2027-01-15", "2027-01-22", "2027-01-29", "2027-02-05"]
    assert [one.strip() for one in told_of[1:]] == [f"Fri {day} 20:00" for day in days]
