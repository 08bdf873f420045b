"""What a command line asks for, also when the rest of it is wrong."""

import json
import sys

import pytest

from placet_cli import main
from placet_cli.context import wanted_form
from placet_cli.local.control import Options
from placet_cli.output import Form


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ("run list", Form.TABLE),
        ("run list --output json", Form.JSON),
        ("run list -o yaml", Form.YAML),
        ("run list --output=json --bogus", Form.JSON),
        ("run list --output nonsense", Form.TABLE),
        ("run list --output", Form.TABLE),
    ],
)
def test_the_form_is_found_on_every_line(words: str, form: Form) -> None:
    assert wanted_form(words.split()) is form


def run(words: str, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["placet", *words.split()])
    with pytest.raises(SystemExit) as left:
        main.app()
    return left.value.code


@pytest.mark.parametrize(
    "words",
    [
        "bogus",
        "run",
        "run show",
        "run list --bogus",
        "job run people --timeout 5",
        "run changes x --op eat",
        "run changes x --result eaten",
        "run list --state nonsense",
        "request list --state ajar",
        "user add x --email x@example.org --role wizard",
        "user change x",
        "token create x --expires tomorrow",
        "notification configure x --host h --sender x@example.org --security ssl",
        "notification configure x --host h --sender x@example.org --port 0",
        "notification configure x --host h --sender nomail",
        "notification configure x --host h --sender x@example.org --username u",
        "notification configure x --host h --sender x@example.org --password-env PLACET_SECRET_X",
        f"up --home {__file__}",
    ],
)
def test_wrong_usage_ends_with_2(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words, monkeypatch) == 2
    assert "Value error" not in capsys.readouterr().err


def test_the_version_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version", monkeypatch) == 0
    assert capsys.readouterr().out.startswith("placet 0.")


def test_programs_get_json_with_wrong_usage_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run list --colour red --output json", monkeypatch) == 2
    assert "--colour" in json.loads(capsys.readouterr().out)["error"]


COMMANDS = [
    "up", "down", "status", "apply", "export", "provider list", "provider show", "provider test", "provider delete",
    "query test", "job list", "job show", "job delete", "job review", "job run", "run list", "run show", "run watch",
    "run cancel", "run changes", "run passwords", "request list", "request show", "request approve", "request deny",
    "notification list", "notification resend", "notification configure", "dead-letter list", "dead-letter show",
    "dead-letter replay", "user add", "user list", "user disable", "token create", "audit verify",
    "user change", "user enable", "token list", "token revoke", "schedule list", "schedule show", "schedule delete",
    "workflow list", "workflow show", "workflow delete",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_interface_explains_itself(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{command} --help", monkeypatch) == 0
    said = capsys.readouterr().out
    assert f"placet {command}" in said
    assert "--output" in said


def test_a_detached_supervisor_gets_the_same_options() -> None:
    options = Options(port=0, workers=3, kafka="k:9092", database="postgresql://x")
    words = "--port 0 --workers 3 --kafka k:9092 --database postgresql://x"
    assert options.arguments() == words.split()
    assert Options().arguments() == ["--port", "8080", "--workers", "1"]
