"""The stack's mail server: it keeps every mail, byte for byte, and a line about each."""

import json
import smtplib
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from placet_cli.local.servers import listens
from tests.support.ports import free_port
from tests.support.processes import ServerProcess


@pytest.fixture(name="folder")
def mail_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mail"
    folder.mkdir()
    return folder


@pytest.fixture(name="catcher")
def running_catcher(folder: Path, tmp_path: Path) -> Iterator[tuple[ServerProcess, int]]:
    port = free_port()
    command = [sys.executable, "-m", "placet_cli.local.mail_catcher", str(port), str(folder)]
    process = ServerProcess(command, tmp_path / "log", lambda: listens(port))
    process.start()
    yield process, port
    process.kill()


def send(port: int, subject: str, *to: str) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"], mail["Message-ID"] = subject, "placet@localhost", to, "<1@placet>"
    mail.set_content("Zażółć\n.dot\n")
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(mail)


def test_each_mail_is_a_file_and_a_line(catcher: tuple[ServerProcess, int], folder: Path) -> None:
    process, port = catcher
    send(port, "[Placet] people: 3 created", "ops@example.org", "bob@example.org")
    (line,) = (folder / "log.jsonl").read_text().splitlines()
    about = json.loads(line)
    assert about.items() >= {
        "file": "0001.eml", "from": "placet@localhost", "to": ["ops@example.org", "bob@example.org"],
        "subject": "[Placet] people: 3 created", "message_id": "<1@placet>",
    }.items()  # fmt: skip
    kept = (folder / "0001.eml").read_bytes()
    assert b"Subject: [Placet] people: 3 created\r\n" in kept

    process.kill()
    process.start()
    send(port, "after a restart", "ops@example.org")
    assert sorted(file.name for file in folder.glob("*.eml")) == ["0001.eml", "0002.eml"]
    assert (folder / "0001.eml").read_bytes() == kept


def test_a_name_outside_ascii_is_taken(catcher: tuple[ServerProcess, int], folder: Path) -> None:
    _, port = catcher
    send(port, "Grüße", "józef@example.org")
    about = json.loads((folder / "log.jsonl").read_text())
    assert (about["subject"], about["to"]) == ("Grüße", ["józef@example.org"])
