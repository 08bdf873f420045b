"""What a person should know about a job that is saved all the same."""

from typing import Any

import pytest

from placet_scheduler.references import Document
from placet_scheduler.warnings import warnings_of
from tests.support.catalogue import catalogue
from tests.support.scheduler import NIGHTLY, TWO_EYES, corp, people
from tests.support.signing import CORP, HR

TOLD = {"to": ["ops@corp.example"]}
MAIL = {"host": "smtp", "sender": "placet@corp"}
WITH_MAIL = corp(notifications=MAIL)
NO_MAIL = (
    "notification is enabled, but no mail settings are known: mails wait until somebody runs `placet notification "
)


def said(*documents: Document, notifier_has_mail: bool = False) -> list[str]:
    return warnings_of("people", catalogue(HR, CORP, *documents), notifier_has_mail=notifier_has_mail)


def test_a_usual_job_needs_no_warning() -> None:
    assert said(people(), NIGHTLY, TWO_EYES) == []


def test_who_is_skipped_until_an_entry_is_there_is_not_read_again() -> None:
    job = people(mode="changed", time_stamp="changed", missing="skip")
    (warning,) = said(job)
    assert "`placet job run people --all`" in warning
    assert said(job | {"missing": "create"}) == []


# ---- mails that would wait -------------------------------------------------------------------------------------------


def test_mails_that_would_wait_and_what_ends_it() -> None:
    configure = "configure corp --host HOST --port PORT --sender ADDRESS`"
    assert said(people(notify=TOLD)) == [NO_MAIL + configure]


@pytest.mark.parametrize(
    ("notify", "store", "notifier_has_mail"),
    [
        (None, CORP, False),
        (TOLD | {"enabled": False}, CORP, False),
        (TOLD, WITH_MAIL, False),
        (TOLD, CORP, True),
    ],
)
def test_nobody_waits_for_a_mail(notify: Any, store: Document, notifier_has_mail: bool) -> None:
    assert said(store, people(notify=notify), notifier_has_mail=notifier_has_mail) == []


def test_the_mail_settings_of_the_source_serve_too() -> None:
    other = WITH_MAIL | {"name": "other"}
    assert said(other, people(notify=TOLD, source={"provider": "other"})) == []
    assert said(other, people(notify=TOLD)) != []


# ---- jobs that undo each other ---------------------------------------------------------------------------------------


def fields(*names: str, **more: Any) -> list[Document]:
    return [{"to": name, "from": "x", **more} for name in names]


@pytest.mark.parametrize(
    ("other", "attributes"),
    [
        (people(name="others"), "sn"),
        (people(name="others", fields=fields("SN")), "sn"),
        (people(name="others", fields=fields("mail", "sn", "cn")), "sn"),
        (people(name="others", fields=fields("mail")), None),
        (people(name="others", fields=fields("sn", only_on_create=True)), None),
        (people(name="others", destination={"provider": "other"}), None),
        (people(name="others", key=[{"source": "id", "destination": "sn"}]), None),
        (people(name="others", destination={"provider": "corp", "query": "(l=Oslo)"}), "sn"),
    ],
)
def test_another_job_that_writes_the_same_attributes(other: Document, attributes: str | None) -> None:
    sentence = f"job others writes {attributes} of corp too, and each run would undo the other's"
    assert said(CORP | {"name": "other"}, other, people()) == ([sentence] if attributes else [])


def test_attributes_are_named_in_order_and_as_the_job_writes_them() -> None:
    mine = people(fields=[*fields("title", "sn", "Mail"), *fields("cn", only_on_create=True)])
    theirs = people(name="others", fields=fields("MAIL", "Title", "cn"))
    assert said(mine, theirs) == ["job others writes Mail, title of corp too, and each run would undo the other's"]


def test_keys_are_equal_anyway() -> None:
    with_key = fields("employeeNumber")
    assert said(people(fields=with_key), people(name="others", fields=with_key)) == []


def test_each_other_job_is_named() -> None:
    found = said(people(), people(name="a"), people(name="b"))
    assert [sentence.split(" writes ")[0] for sentence in found] == ["job a", "job b"]


# ---- what may not be meant -------------------------------------------------------------------------------------------


def test_one_provider_on_both_sides() -> None:
    assert said(people(source={"provider": "corp"})) == [
        "source and destination are both corp; check that this is meant"
    ]


@pytest.mark.parametrize("extra", ["disable", "delete"])
def test_entries_that_the_job_has_never_managed(extra: str) -> None:
    sentence = f"extra: {extra} with extra_scope: all reaches entries that this job has never managed"
    assert said(people(extra=extra, extra_scope="all")) == [sentence]
    assert said(people(extra=extra)) == said(people(extra=extra, extra_scope="linked")) == []


def test_entries_that_are_left_alone_are_reached_by_nobody() -> None:
    assert said(people(extra_scope="all")) == said(people(extra="skip", extra_scope="all")) == []
