"""Bad input: a clear message, the rest goes on, nothing is lost."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ldap3 import MODIFY_REPLACE

from placet_shared.events import RunTriggered
from tests.e2e.conftest import MakeDesk
from tests.support.desk import Desk
from tests.support.ports import free_port
from tests.support.proxy import running_proxy
from tests.support.slapd import ADMIN_DN, BASE_DN, Setup, Slapd, running_slapd
from tests.support.stack import until

ANN, BO, CY = ("1", "Ann", "Berg", "Engineer"), ("2", "Bo", "Neil", "Clerk"), ("3", "Cy", "Smith", "Head")

# ---- what fails the run before anything is planned -------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def unanswered(make_desk: MakeDesk, directory: Slapd) -> Iterator[dict[str, tuple[Desk, str]]]:
    """Runs whose directory is down, or hangs: planned again for half a minute, during which the other tests go on."""
    begun = {}
    with running_proxy(directory.port) as proxy:
        proxy.hears = False
        for name, port in (("down", free_port()), ("hangs", proxy.port)):
            desk = make_desk()
            desk.directory["url"] = f"ldap://127.0.0.1:{port}"
            desk.people(ANN)
            desk.apply()
            begun[name] = (desk, str(desk.ada.ask("job", "run", desk.name)["id"]))
        yield begun


def _encoding(desk: Desk) -> None:
    desk.csv_file.write_bytes(desk.csv_file.read_text().replace("Ann", "Żaneta").encode("cp1250"))


def _column(desk: Desk) -> None:
    desk.field("title")["from"] = "titel"


def _wrong_password(desk: Desk) -> None:
    (desk.stack.secrets / desk.name).write_text("wrong")
    desk.directory["password"] = {"file": desk.name}


def _no_variable(desk: Desk) -> None:
    desk.directory["password"] = {"env": "PLACET_SECRET_OF_NOBODY"}


def _no_secret(desk: Desk) -> None:
    desk.directory["password"] = {"file": "nobody"}


def _secret_outside(desk: Desk) -> None:
    (desk.folder / "outside").write_text("secret")
    (desk.stack.secrets / desk.name).symlink_to(desk.folder / "outside")
    desk.directory["password"] = {"file": desk.name}


def _no_file(desk: Desk) -> None:
    desk.csv_file.unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_encoding, ["hr-", "not written in utf-8", "byte 0xaf on line 2", "encoding"]),
        (_column, ["title", "no column titel", "did you mean title?"]),
        (lambda desk: desk.csv_file.write_text(""), ["hr-", "is empty; a run on it would empty the destination"]),
        (lambda desk: desk.people(), ["hr-", "empty"]),
        (_no_file, ["hr-", "people.csv"]),
        (_wrong_password, ["does not let cn=placet,dc=example,dc=org in", "check bind_dn and the secret"]),
        (_no_variable, ["directory-", "PLACET_SECRET_OF_NOBODY is not set"]),
        (_no_secret, ["directory-", "file nobody in the secrets folder cannot be read"]),
        (_secret_outside, ["directory-", "points outside the secrets folder"]),
    ],
    ids=["encoding", "column", "empty", "header alone", "no file", "password", "variable", "secret", "outside"],
)
def test_the_run_fails_and_says_what_to_do(desk: Desk, spoil: Callable[[Desk], Any], words: list[str]) -> None:
    desk.job["notify"] = {"to": ["ops@example.org"], "when": "failed"}
    desk.people(ANN, BO)
    spoil(desk)
    desk.apply()
    run = desk.run(4)
    assert (run["job"], run["outcome"], run["plan"]) == (desk.name, "failed", None)
    assert [word for word in words if word not in run["reason"]] == [], run["reason"]
    assert desk.writes() == []
    told = until(lambda: desk.mails("ops@example.org"), "the mail about the failure")
    assert [one["subject"] for one in told] == [f"[Placet] {desk.name}: failed"]


def test_a_size_limit_fails_the_run_and_is_named(desk: Desk) -> None:
    desk.people(ANN, BO, CY)
    desk.apply()
    desk.run()
    with running_slapd(Setup(size_limit=2)) as limited:
        with limited.hand() as hand:
            hand.add(desk.unit, "organizationalUnit")
            for number in range(4):
                person = {"sn": "X", "employeeNumber": desk.id_of(f"X{number}")}
                hand.add(f"cn=X{number},{desk.unit}", "inetOrgPerson", person)
        desk.directory["url"] = limited.url
        desk.apply()
        run = desk.run(4)
        assert run["plan"] is None
        assert "limit" in run["reason"]
        assert limited.url in run["reason"]
        assert {one.by for one in limited.audited()} == {ADMIN_DN}


@pytest.mark.parametrize(
    ("document", "spoil", "sentence"),
    [
        ("job", {"notifiy": {"to": ["a@b.example"]}}, "notifiy: unknown field; did you mean notify?"),
        ("job", {"fields": [{"to": "sn", "form": "last"}]}, "fields.0.form: unknown field; did you mean from?"),
        ("directory", {"bind_nd": "cn=x"}, "bind_nd: unknown field; did you mean bind_dn?"),
        ("directory", {"password": {"file": "../../etc/passwd"}}, "password.file"),
        ("directory", {"password": "plain"}, "password"),
        ("directory", {"url": "ldap://directory.example"}, "use ldaps://, or say allow_plaintext: true"),
        ("job", {"kind": "jobb"}, "kind: 'jobb' is unknown; did you mean job?"),
        ("job", {"name": "No Name"}, "name"),
    ],
)
def test_a_wrong_file_names_its_line_and_saves_nothing(
    desk: Desk, document: str, spoil: dict[str, Any], sentence: str
) -> None:
    getattr(desk, document).update(spoil)
    file = desk.write()
    said = desk.admin.complaint("apply", "-f", file)
    assert sentence in said
    named = said.split(": ")[0]
    path, line = named.rsplit(":", 1)
    assert path == str(file)
    assert 1 <= int(line) <= len(file.read_text().splitlines())
    if "unknown field" in sentence:
        assert sentence.split(":")[0].split(".")[-1] in file.read_text().splitlines()[int(line) - 1]
    assert "there is no provider" in desk.admin.complaint("provider", "show", desk.hr["name"])


# ---- records that cannot be planned: the others go on ----------------------------------------------------------------


def test_ragged_rows_and_duplicate_keys_are_rejected_and_remove_nobody(desk: Desk) -> None:
    desk.people(ANN, BO, CY)
    desk.apply()
    desk.run()
    twins = [("4", "Di", last, "Clerk") for last in ("New", "Twin")]
    desk.people(ANN, (*BO, "too", "many"), *twins, ("5", "Ed", "N", ""))
    run = desk.run(3)
    assert (run["plan"]["rejected"], run["plan"]["delete"], run["results"]["applied"]) == (3, 0, 1)
    assert any("nothing is removed" in one for one in run["plan"]["warnings"])
    refused = desk.ada.ask("run", "changes", run["id"], "--result", "rejected")["items"]
    assert [one["record"] for one in refused] == ["line 3", "line 4", "line 5"]
    assert "cells" in refused[0]["reason"]
    assert [one["key"] for one in refused] == [None, desk.id_of("4"), desk.id_of("4")]
    assert all("line 4" in one["reason"] or "line 5" in one["reason"] for one in refused[1:])
    assert set(desk.entries()) == {"1", "2", "3", "5"}


def test_a_script_that_loops_eats_memory_or_raises_costs_its_record(desk: Desk) -> None:
    desk.job["fields"].append(
        {
            "to": "description",
            "script": "if source['title'] == 'loop':\n    while True:\n        pass\n"
            "if source['title'] == 'eat':\n    return 'x' * 10 ** 9\n"
            "return 'has ' + {'Engineer': 'wrench', 'Clerk': 'pen'}[source['title']]",
        }
    )
    desk.people(ANN, BO, ("3", "Cy", "A", "loop"), ("4", "Di", "B", "eat"), ("5", "Ed", "C", "raise"))
    desk.apply()
    run = desk.run(3)
    assert (run["plan"]["rejected"], run["results"]["applied"]) == (3, 2)
    refused = desk.changes(run, "--result", "rejected")
    assert {one["attribute"] for one in refused.values()} == {"description"}
    for short, words in {"3": "longer than its time limit", "4": "more memory than its limit", "5": "KeyError"}.items():
        assert words in refused[short]["reason"]
    assert {short: one["description"] for short, one in desk.entries().items()} == {
        "1": ["has wrench"], "2": ["has pen"],
    }  # fmt: skip


# ---- what the directory refuses, and what others did meanwhile -------------------------------------------------------


def test_a_value_that_the_schema_refuses_fails_its_record_alone(desk: Desk) -> None:
    desk.job["fields"].append({"to": "mail", "from": "mail"})
    rows = [(*ANN, "ann@example.org"), (*BO, "bo@żółw.example"), (*CY, "cy@example.org")]
    desk.people(*rows, columns=("id", "first", "last", "title", "mail"))
    desk.apply()
    run = desk.run(3)
    changes = desk.changes(run)
    assert {short: one["result"] for short, one in changes.items() if short != "2"} == {"1": "applied", "3": "applied"}
    assert changes["2"]["result"] == "failed"
    assert "mail: value #0 invalid per syntax" in changes["2"]["reason"]
    assert set(desk.entries()) == {"1", "3"}


def test_what_others_changed_moved_or_made_anew_meanwhile_is_a_conflict(desk: Desk) -> None:
    desk.two_eyes()
    people = [(str(n), f"First{n}", f"Last{n}", "Clerk") for n in range(1, 5)]
    desk.people(*people)
    desk.apply()
    desk.approve(desk.request())
    desk.people(*((*person[:3], "Boss") for person in people))
    run = desk.request()
    assert run["plan"]["update"] == 4
    dn = {short: one["dn"][0] for short, one in desk.entries().items()}
    with desk.slapd.hand() as hand:
        hand.modify(dn["1"], {"title": [(MODIFY_REPLACE, ["Poet"])]})
        hand.modify_dn(dn["2"], "cn=First2 Last2", new_superior=BASE_DN)
        _make_anew(desk, dn["3"], "3")
    written = len(desk.writes())
    ended = desk.approve(run, code=3)
    changes = desk.changes(ended)
    assert {short: one["result"] for short, one in changes.items()} == {
        "1": "conflict", "2": "conflict", "3": "conflict", "4": "applied",
    }  # fmt: skip
    assert [word for word in ("title", "Clerk", "Boss", "Poet") if word not in changes["1"]["reason"]] == []
    assert [one.dn for one in desk.writes()[written:]] == [dn["4"]]
    titles = {short: one["title"] for short, one in desk.entries().items()}
    assert titles == {"1": ["Poet"], "2": ["Clerk"], "3": ["Clerk"], "4": ["Boss"]}


def test_nobody_is_removed_who_is_another_or_was_changed_meanwhile(desk: Desk) -> None:
    desk.two_eyes()
    desk.people(ANN, BO, CY)
    desk.apply()
    desk.approve(desk.request())
    desk.people(ANN)
    run = desk.request()
    dn = {short: one["dn"][0] for short, one in desk.entries().items()}
    with desk.slapd.hand() as hand:
        hand.modify(dn["2"], {"title": [(MODIFY_REPLACE, ["Poet"])]})
    _make_anew(desk, dn["3"], "3")
    changes = desk.changes(desk.approve(run, code=3))
    assert changes["2"]["result"] == "conflict"
    assert "Poet" in changes["2"]["reason"]
    assert changes["3"]["result"] == "already_applied"
    assert set(desk.entries()) == {"1", "2", "3"}


def _make_anew(desk: Desk, dn: str, short: str) -> None:
    """The name of an entry is freed, and taken by another human."""
    with desk.slapd.hand() as hand:
        assert hand.delete(dn)
        person = {"sn": "Other", "title": "Clerk", "employeeNumber": desk.id_of(short)}
        assert hand.add(dn, "inetOrgPerson", person)


# ---- messages that are no events -------------------------------------------------------------------------------------


def test_messages_that_are_no_events_are_dead_letters_and_the_next_one_is_heard(desk: Desk) -> None:
    desk.people(ANN)
    desk.apply()
    topic, key, mark = RunTriggered.topic, desk.name.encode(), desk.name.encode()
    usual = {"ce_id": mark + b"-1", "ce_type": b"placet.run-triggers.v1"}
    for headers, body in (
        (usual, b"no JSON " + mark),
        (usual | {"ce_type": None}, b"{}"),
        (usual | {"ce_type": b"\xff\xfe"}, b"{}"),
        (usual | {"ce_type": b"placet.run-triggers.v9"}, b"{}"),
    ):
        desk.stack.publish_bytes(topic, key, list(headers.items()), body)
    desk.stack.publish(RunTriggered(job=desk.name), f"{desk.name}-2")
    until(desk.runs, "the run that the last message asks for")

    def mine() -> list[Any]:
        letters = [one for one in desk.ada.ask("dead-letter", "list")["items"] if one["topic"] == topic]
        whole = [desk.ada.ask("dead-letter", "show", one["id"]) for one in letters]
        return [one for one in whole if one["key"] == desk.name]

    found = mine()
    assert len(found) == 4
    text = next(one for one in found if "no JSON" in one["body"])
    assert text["body"] == f"no JSON {desk.name}"
    assert "JSON" in text["reason"]
    replayed = desk.ada.ask("dead-letter", "replay", text["id"])
    assert replayed["state"] == "replayed"


# ---- directories that do not answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "words"), [("down", "connection refused"), ("hangs", "does not answer")])
def test_a_directory_that_does_not_answer_fails_the_run(
    how: str, words: str, unanswered: dict[str, tuple[Desk, str]]
) -> None:
    desk, run_id = unanswered[how]
    run = desk.wait_for(run_id, "finished")
    assert (run["outcome"], run["plan"]) == ("failed", None)
    assert desk.directory["url"] in run["reason"]
    assert words in run["reason"]
