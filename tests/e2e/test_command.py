"""Every command of the interface: its exit code, its forms, and who may use it."""

import json
from collections.abc import Mapping

import pytest
import yaml

from tests.e2e.conftest import MakeDesk
from tests.support.desk import Desk
from tests.support.stack import Person, Stack, until

RUN = {
    "id", "job", "state", "outcome", "trigger", "requested_by", "requested_at", "finished_at", "preview", "plan",
    "request", "results", "reason",
}  # fmt: skip
PLAN = {
    "digest", "safety", "create", "update", "move", "disable", "delete", "unchanged", "rejected", "unlinked",
    "warnings",
}  # fmt: skip
RESULTS = {"applied", "already_applied", "conflict", "failed", "uncertain", "skipped", "expired"}
CHANGE = {"key", "id", "dn", "op", "phase", "attributes", "steps", "result", "reason"}
PAGE = {"items", "next"}

SHOWING = {
    "status": {"url", "kafka", "database", "elasticsearch", "smtp", "services"},
    "export job {job}": None,
    "export": None,
    "apply -f {file} --dry-run": {"results"},
    "provider list": PAGE,
    "provider show {provider}": {"kind", "name", "type", "url"},
    "provider test {provider}": {"ok", "steps"},
    "query test {source} --limit 1": {"columns", "rows", "total", "seconds"},
    "schedule list": PAGE,
    "workflow list": PAGE,
    "workflow show {workflow}": {"kind", "name", "stages"},
    "job list": PAGE,
    "job show {job}": {"kind", "name", "source", "destination", "key", "fields"},
    "job review {job}": {"text", "queries", "next", "warnings"},
    "job review -f {file}": {"text", "queries", "next", "warnings"},
    "run list": PAGE,
    "run list --job {job} --state finished": PAGE,
    "run show {run}": RUN,
    "run watch {run}": RUN,
    "run changes {run}": PAGE,
    "run changes {run} --op create --result applied --key {key} --limit 1": PAGE,
    "request list": PAGE,
    "request list --state approved": PAGE,
    "request show {request}": {"id", "job", "state", "approvers", "need", "votes", "digest"},
    "notification list --run {run}": PAGE,
    "dead-letter list": PAGE,
    "user list": PAGE,
    "audit verify": {"ok", "runs", "problems"},
}
"""Commands that change nothing, and what their JSON holds at least; None: a list of documents."""


@pytest.fixture(scope="module")
def known(make_desk: MakeDesk) -> tuple[Desk, Mapping[str, object]]:
    """A desk whose first run is over, and the names that commands need."""
    desk = make_desk()
    desk.two_eyes()
    desk.job["notify"] = {"to": ["ops@example.org"]}
    desk.people(("1", "Ann", "Berg", "Engineer"))
    desk.apply()
    run = desk.approve(desk.request())
    sent = until(lambda: desk.admin.ask("notification", "list", "--run", run["id"])["items"], "a delivery")
    return desk, {
        "job": desk.name, "workflow": f"eyes-of-{desk.name}", "file": desk.write(),
        "provider": desk.directory["name"], "source": desk.hr["name"],
        "run": run["id"], "request": run["request"], "key": desk.id_of("1"), "delivery": sent[0]["id"],
    }  # fmt: skip


@pytest.mark.parametrize("line", SHOWING)
def test_a_command_shows_a_table_to_people_and_one_document_to_programs(
    line: str, known: tuple[Desk, Mapping[str, object]]
) -> None:
    desk, names = known
    words, keys = line.format(**names).split(), SHOWING[line]
    found = desk.admin.ask(*words)
    assert isinstance(found, list) if keys is None else keys <= set(found)
    people = desk.admin.run(*words)
    assert (people.code, bool(people.out.strip())) == (0, True)
    with pytest.raises(json.JSONDecodeError):
        json.loads(people.out)


def test_a_run_and_its_changes_have_the_shape_of_the_interface(known: tuple[Desk, Mapping[str, object]]) -> None:
    desk, names = known
    run = desk.ada.ask("run", "show", str(names["run"]))
    assert yaml.safe_load(desk.ada.run("run", "show", run["id"], "-o", "yaml").out) == run
    assert (set(run), set(run["plan"]) >= PLAN, set(run["results"])) == (RUN, True, RESULTS)
    assert run["plan"]["digest"].startswith("sha256:")
    (change,) = desk.changes(run).values()
    assert set(change) == CHANGE
    assert {"name": "sn", "before": [], "after": ["Berg"]} in change["attributes"]
    assert change["steps"] == [{"what": "add", "phase": "create", "result": "applied"}]
    rows = desk.ada.ask("query", "test", desk.hr["name"])
    assert (rows["columns"], rows["rows"], rows["total"]) == (
        ["id", "first", "last", "title"], [[desk.id_of("1"), "Ann", "Berg", "Engineer"]], 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ("job run nobody", 1, "there is no job named nobody"),
        ("job show nobody", 1, "placet job list"),
        ("run show nothing", 1, "placet run list"),
        ("run watch nothing", 1, "placet run list"),
        ("run cancel nothing", 1, "placet run list"),
        ("run changes nothing", 1, "placet run list"),
        ("request approve nothing", 1, "placet request list"),
        ("provider test nobody", 1, "placet provider list"),
        ("query test nobody", 1, "placet provider list"),
        ("dead-letter show nothing", 1, "placet dead-letter list"),
        ("notification resend nothing", 1, "placet notification list"),
        ("user disable nobody", 1, "nobody"),
        ("token create nobody", 1, "nobody"),
        ("apply -f missing.yaml", 2, "missing.yaml: there is no such file"),
        ("job review", 2, "-f FILE"),
        ("run list --url nowhere", 2, "http://host:port"),
    ],
)
def test_an_error_is_one_sentence_with_a_document_beside_it(words: str, code: int, sentence: str, stack: Stack) -> None:
    assert sentence in stack.admin.complaint(*words.split(), code=code)


@pytest.mark.parametrize("words", ["job", "job walk", "job run", "run show", "request deny x", "run list --colour red"])
def test_wrong_usage_ends_with_2_and_json_all_the_same(words: str, stack: Stack) -> None:
    done = stack.admin.run(*words.split(), "--output", "json")
    assert (done.code, "error" in done.document if words != "job" else True) == (2, True)
    assert done.err


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("cleo", "job run {job}"),
        ("cleo", "job run {job} --preview"),
        ("bob", "job run {job}"),
        ("cleo", "run cancel {run}"),
        ("bob", "run cancel {run}"),
        ("cleo", "request deny {request} --comment no"),
        ("ada", "request deny {request} --comment no"),
        ("cleo", "job delete {job}"),
        ("bob", "job delete {job}"),
        ("cleo", "query test {source}"),
        ("cleo", "notification resend {delivery}"),
        ("ada", "user add eve --email eve@example.org --role admin"),
        ("bob", "token create admin"),
        ("ada", "notification configure {provider} --host h --sender a@b.example"),
    ],
)
def test_what_a_role_does_not_allow_is_refused(
    who: str, words: str, known: tuple[Desk, Mapping[str, object]], people: Mapping[str, Person]
) -> None:
    _, names = known
    sentence = people[who].complaint(*words.format(**names).split())
    assert any(word in sentence for word in ("needs the role", "only an admin", "already approved")), sentence


def test_an_editor_changes_the_job_and_not_what_guards_it(desk: Desk) -> None:
    desk.apply()
    desk.job["limits"] = {"delete": "100%"}
    assert f"job {desk.name}: limits: only an admin" in desk.ada.complaint("apply", "-f", desk.write(desk.job))
    desk.job["limits"] = {"delete": None, "disable": None}
    desk.job["extra"] = "skip"
    assert desk.ada.ask("apply", "-f", desk.write(desk.job))["results"][0]["result"] == "updated"
    assert "only an admin" in desk.ada.complaint("apply", "-f", desk.write({**desk.directory, "unique": ["mail"]}))


def test_applying_twice_and_applying_what_was_exported_changes_nothing(desk: Desk) -> None:
    desk.two_eyes()
    desk.schedule = {"kind": "schedule", "name": f"s-{desk.name}", "triggers": [{"daily": "02:30"}]}
    desk.job |= {"schedule": desk.schedule["name"], "notify": {"to": ["ops@example.org"]}}
    dry = desk.admin.ask("apply", "-f", desk.write(), "--dry-run")
    assert {one["result"] for one in dry["results"]} == {"created"}
    assert f"no job named {desk.name}" in desk.admin.complaint("job", "show", desk.name)
    assert {one["result"] for one in desk.apply()["results"]} == {"created"}
    assert {one["result"] for one in desk.apply()["results"]} == {"unchanged"}

    exported = desk.folder / "all.yaml"
    exported.write_text(desk.admin.run("export").out)
    again = desk.admin.ask("apply", "-f", exported)["results"]
    assert (len(again) >= 5, {one["result"] for one in again}) == (True, {"unchanged"})
    pruned = desk.admin.ask("apply", "-f", desk.write(desk.hr), "--prune", "--dry-run")["results"]
    assert {"kind": "job", "name": desk.name, "result": "deleted"}.items() <= next(
        one for one in pruned if one["name"] == desk.name
    ).items()


def test_a_set_with_one_bad_object_saves_none_of_them(desk: Desk) -> None:
    desk.job["source"] = {"provider": "nobody"}
    assert "nobody" in desk.admin.complaint("apply", "-f", desk.write())
    assert "there is no provider" in desk.admin.complaint("provider", "show", desk.hr["name"])


def test_a_deleted_job_leaves_its_history(desk: Desk) -> None:
    desk.people(("1", "Ann", "Berg", "Engineer"))
    desk.apply()
    run = desk.run()
    assert f"still used by job {desk.name}" in desk.admin.complaint("provider", "delete", desk.hr["name"])
    assert "limits: only an admin" in desk.ada.complaint("job", "delete", desk.name)
    assert desk.admin.ask("job", "delete", desk.name)["result"] == "deleted"
    assert "only an admin" in desk.ada.complaint("provider", "delete", desk.hr["name"])
    assert desk.admin.ask("provider", "delete", desk.hr["name"])["result"] == "deleted"
    assert f"no job named {desk.name}" in desk.ada.complaint("job", "run", desk.name)
    assert [one["id"] for one in desk.runs()] == [run["id"]]
    assert desk.changes(run)["1"]["result"] == "applied"
    assert desk.admin.ask("audit", "verify")["ok"] is True


def test_waiting_ends_with_the_code_of_what_the_run_is_then(desk: Desk) -> None:
    """0, 5 and 7 are in the tests of the gate."""
    desk.people(("1", "Ann", "Berg", "Engineer"), ("2", "Bo", "Neil", "Clerk"), ("2", "Bo", "Again", "Clerk"))
    desk.apply()
    assert desk.run(3)["outcome"] == "succeeded_with_errors"
    desk.people()
    assert desk.run(4)["outcome"] == "failed"
    desk.people(("3", "Cy", "Smith", "Head"))
    desk.two_eyes()
    desk.apply()
    started = desk.ada.ask("job", "run", desk.name, "--wait", "--timeout", "0", code=8)
    assert started["state"] == "planning"
    desk.wait_for(started["id"], "awaiting_approval")
    assert desk.ada.ask("run", "watch", started["id"], "--timeout", "0.1", code=6)["id"] == started["id"]


def test_who_asks_again_or_cancels_again_is_told_what_is(desk: Desk) -> None:
    desk.two_eyes()
    desk.people(("1", "Ann", "Berg", "Engineer"))
    desk.apply()
    run = desk.request()
    again = desk.ada.run("job", "run", desk.name, "--output", "json")
    assert (again.document["id"], again.document["joined"]) == (run["id"], True)
    assert "this run is open already, asked for by ada at" in again.err
    waiting = desk.ada.run("run", "watch", run["id"], "--timeout", "0.1")
    assert waiting.err.splitlines()[:2] == [
        f"run {run['id']} of job {desk.name}",
        f"it waits for approval; see `placet request show {run['request']}`; who can approve: bob",
    ]
    assert f"run {run['id']} is being cancelled" in desk.ada.run("run", "cancel", run["id"]).err
    desk.wait_for(run["id"], "finished")
    assert f"run {run['id']} is over already: cancelled" in desk.ada.run("run", "cancel", run["id"]).err


def test_a_job_is_reviewed_with_its_query_its_container_and_its_scripts(desk: Desk) -> None:
    desk.people(("1", "Ann", "Berg", "Engineer"))
    desk.job["destination"] |= {"query": "((employeeNumber=1", "container": f"ou=Nowhere,{desk.unit}"}
    desk.job["fields"].append({"to": "mail", "script": "sorce['id']"})
    review = desk.admin.ask("job", "review", "-f", desk.write(), code=1)
    assert [error.split(":")[0] for error in review["errors"]] == ["destination.query", "destination.container"]
    assert any("NameError" in warning for warning in review["warnings"])


def test_users_and_tokens_come_and_go(stack: Stack) -> None:
    added = stack.admin.ask("user", "add", "dora", "--email", "dora@example.org", "--role", "viewer", "--group", "it")
    assert (added["roles"], added["groups"], added["disabled"]) == (["viewer"], ["it"], False)
    printed = stack.admin.run("token", "create", "dora", "--expires", "90d")
    dora = Person(stack.home, printed.out.split()[-1])
    assert dora.ask("run", "list")["next"] is None
    stack.admin.ask("user", "disable", "dora")
    assert "dora" in [one["name"] for one in stack.admin.ask("user", "list")["items"] if one["disabled"]]
    assert dora.run("run", "list").code == 1
    assert stack.admin.ask("user", "enable", "dora")["disabled"] is False
    assert dora.run("run", "list").code == 0
    changed = stack.admin.ask("user", "change", "dora", "--role", "approver", "--no-groups")
    assert (changed["email"], changed["roles"], changed["groups"]) == ("dora@example.org", ["approver"], [])
    (known,) = stack.admin.ask("token", "list", "dora")["items"]
    assert known["id"] in printed.out
    assert stack.admin.ask("token", "revoke", "dora", known["id"])["result"] == "revoked"
    assert dora.run("run", "list").code == 1
    assert Person(stack.home, "placet_no_token").run("run", "list").code == 1


def test_a_sent_mail_is_sent_again_only_by_force(known: tuple[Desk, Mapping[str, object]]) -> None:
    desk, names = known
    delivery = str(names["delivery"])
    until(lambda: len(desk.mails("ops@example.org")) == 1, "the mail")
    until(lambda: "force" in desk.ada.run("notification", "resend", delivery).err, "it is known as sent")
    desk.ada.ask("notification", "resend", delivery, "--force")
    until(lambda: len(desk.mails("ops@example.org")) == 2, "the second mail")


def test_a_second_stack_in_the_folder_says_that_one_runs(stack: Stack) -> None:
    done = stack.admin.run("up", "--home", stack.home, "--detach")
    assert (done.code, "runs in" in done.err) == (0, True)
    names = sorted(one["name"] for one in stack.admin.ask("status")["services"] if one["state"] == "running")
    assert names == ["approvals", "console", "notifier", "scheduler", "sync-worker", "sync-worker"]
