"""The folder of a stack: what a first start makes in it, who may read it, and what commands find there."""

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from placet_cli.errors import CommandError
from placet_cli.local.control import StackFailedError, wait_ready
from placet_cli.local.home import SERVICES, Home, write_private
from placet_cli.local.ports import choose_ports
from placet_cli.local.preparing import prepare
from placet_cli.local.processes import identify
from placet_cli.local.services import Addresses, environment
from placet_cli.local.status import is_ready, running_pid, status_of
from placet_cli.target import find_target, is_local
from tests.support.ports import free_port

NAMES = ("public", "kafka", "scheduler")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "home")
    with found.alone():
        prepare(found)
    return found


def ran(home: Home, pid: int, **more: object) -> None:
    """Leaves the file of a stack whose supervisor has this process id."""
    state = {"supervisor": identify(pid), "url": "http://127.0.0.1:8080", **more}
    write_private(home.state_file, json.dumps(state))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_what_a_first_start_makes_is_for_its_owner_alone(home: Home) -> None:
    folders = (home.folder, home.logs, home.mail, home.spool, home.secrets)
    assert {mode(folder) for folder in folders} == {0o700}
    assert {mode(home.private_key(service)) for service in SERVICES} == {0o600}
    assert mode(home.settings_file) == mode(home.password_key) == 0o600


def test_keys_passwords_and_the_installation_are_made_once(home: Home) -> None:
    files = [home.settings_file, home.password_key, *(home.folder / "keys").rglob("*.pem")]
    before = {file: file.read_bytes() for file in files}
    prepare(home)
    assert {file: file.read_bytes() for file in files} == before
    passwords = home.settings["passwords"]
    assert set(passwords) == {"owner", *SERVICES}
    assert len(set(passwords.values())) == len(passwords)
    assert min(map(len, passwords.values())) >= 32


def test_a_key_that_is_lost_is_made_anew(home: Home) -> None:
    lost = home.public_keys / "notifier" / "current.pem"
    lost.unlink()
    prepare(home)
    assert lost.exists()


def test_only_one_runs_a_stack_in_a_folder(home: Home) -> None:
    with home.alone() as first, home.alone() as second:
        assert (first, second) == (True, False)
    with home.alone() as again:
        assert again


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), mode(file), [one.name for one in tmp_path.iterdir()]) == ("new", 0o600, ["token"])


def test_ports_stay_the_same_over_restarts(home: Home) -> None:
    first = choose_ports(home, NAMES, 0)
    assert len(set(first.values())) == len(NAMES)
    assert choose_ports(home, [*NAMES, "sync-worker-2"], 0).items() >= first.items()


def test_a_port_that_somebody_took_meanwhile_is_replaced(home: Home) -> None:
    first = choose_ports(home, NAMES, 0)
    with socket.create_server(("127.0.0.1", first["kafka"])):
        second = choose_ports(home, NAMES, 0)
    assert second["kafka"] != first["kafka"]
    assert second["scheduler"] == first["scheduler"]


def test_the_public_origin_takes_the_wanted_port_or_one_of_the_next(home: Home) -> None:
    wanted = free_port()
    assert choose_ports(home, NAMES, wanted)["public"] == wanted
    with socket.create_server(("", wanted)):
        assert wanted < choose_ports(home, NAMES, wanted)["public"] < wanted + 200


def test_a_folder_without_a_stack_has_an_empty_status(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert running_pid(home) is None
    assert status_of(home) == {
        "url": None, "kafka": None, "database": None, "elasticsearch": None, "smtp": None, "services": [],
    }  # fmt: skip


def test_a_half_written_state_counts_as_none(home: Home) -> None:
    home.state_file.write_text('{"url": ')
    assert running_pid(home) is None


def test_a_process_that_has_gone_or_is_another_now_is_stopped(home: Home) -> None:
    mine = identify(os.getpid())
    rows = [
        {"name": "console", "pid": os.getpid(), "port": 1, "state": "running"},
        {"name": "scheduler", "pid": 1, "port": 2, "state": "running"},
        {"name": "notifier", "pid": None, "port": 3, "state": "restarting"},
    ]
    ran(home, os.getpid(), services=rows, processes=[mine, {**identify(1), "born": "another boot 1"}], ready=True)
    assert [one["state"] for one in status_of(home)["services"]] == ["running", "stopped", "restarting"]
    assert is_ready(home)


def test_nobody_waits_for_a_stack_that_has_ended(home: Home) -> None:
    with pytest.raises(StackFailedError, match="has ended; start it again"):
        wait_ready(home)
    ran(home, os.getpid(), ready=True)
    wait_ready(home)


def test_a_supervisor_that_has_gone_does_not_run(home: Home) -> None:
    ran(home, os.getpid())
    state = json.loads(home.state_file.read_text())
    state["supervisor"]["born"] = "another boot 1"
    write_private(home.state_file, json.dumps(state))
    assert running_pid(home) is None


def test_services_get_what_the_stack_decides_what_they_inherit_and_what_is_usual(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: Mapping[str, str] = {
        "PLACET_KAFKA": "elsewhere:9092", "PLACET_LOG": "console", "PLACET_SECRET_CORP": "hush", "PLACET_TOKEN": "mine",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PLACET_SMTP_HOST", raising=False)
    ports = {service: 1000 + number for number, service in enumerate((*SERVICES, "public", "smtp", "sync-worker-2"))}
    addresses = Addresses("k:1", dict.fromkeys(SERVICES, "postgresql://x"), ports, embedded_kafka=True)
    found = environment(home, addresses, "sync-worker", "sync-worker-2")
    assert (found["PLACET_KAFKA"], found["PLACET_LOG"], found["PLACET_SECRET_CORP"]) == ("k:1", "console", "hush")
    assert (found["PLACET_HTTP_PORT"], found["PLACET_GROUP_INSTANCE_ID"]) == (
        str(ports["sync-worker-2"]), "sync-worker-2",
    )  # fmt: skip
    assert found["PLACET_SMTP_PORT"] == str(ports["smtp"])
    console = environment(home, addresses, "console", "console")
    assert (console["PLACET_HTTP_PORT"], console["PLACET_PUBLIC_PORT"]) == (str(ports["console"]), str(ports["public"]))
    assert found["PLACET_PASSWORD_KEY_FILE"] == str(home.password_key)
    assert "PLACET_PASSWORD_KEY_FILE" not in console
    assert "PLACET_PUBLIC_PORT" not in found
    assert "PLACET_TOKEN" not in found
    monkeypatch.setenv("PLACET_SMTP_HOST", "mail.example")
    assert "PLACET_SMTP_PORT" not in environment(home, addresses, "notifier", "notifier")


def test_options_come_first_then_the_environment_then_the_folder(home: Home) -> None:
    ran(home, os.getpid())
    write_private(home.token_file, "placet_local")
    remote = {"PLACET_URL": "https://placet.example", "PLACET_TOKEN": "placet_remote"}
    assert find_target(None, None, {}, home).token == "placet_local"
    found = find_target(None, None, remote, home)
    assert (found.url, found.token) == (remote["PLACET_URL"], "placet_remote")
    found = find_target("http://localhost:8080/", "placet_mine", remote, home)
    assert (found.url, found.token, found.is_this_machine) == ("http://localhost:8080", "placet_mine", True)


def test_a_stack_that_does_not_run_is_not_waited_for(home: Home) -> None:
    write_private(home.token_file, "placet_local")
    write_private(home.state_file, json.dumps({"url": "http://127.0.0.1:8080"}))
    with pytest.raises(CommandError, match=r"does not run; start it with `placet up`, or give --url"):
        find_target(None, None, {}, home)
    assert find_target("http://127.0.0.1:8080", None, {}, home).token == "placet_local"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        (None, True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("http://127.0.0.1:8081", False),
        ("https://placet.example", False),
        ("http://x:99999", False),
    ],
)
def test_the_local_token_goes_to_the_local_stack_alone(url: str | None, local: bool, home: Home) -> None:
    ran(home, os.getpid())
    write_private(home.token_file, "placet_local")
    assert is_local(url, home) is local
    if not local:
        with pytest.raises(CommandError):
            find_target(url, None, {}, home)


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        (None, "t", "run `placet up`, or give --url"),
        ("placet.example", "t", "write http://host:port"),
        ("ftp://placet.example", "t", "write http://host:port"),
        ("http://[::1", "t", "write http://host:port"),
        ("http://x:99999", "t", "write http://host:port"),
        ("https://placet.example", None, "give --token or set PLACET_TOKEN"),
        ("https://placet.example", "pläcet", "copy it again"),
    ],
)
def test_what_is_missing_or_wrong_is_said(url: str | None, token: str | None, words: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=words):
        find_target(url, token, {}, Home(tmp_path))
