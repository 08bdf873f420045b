"""The demo: a real job on real servers, from a CSV of people to a directory, told step by step. `make demo` runs it."""

import csv
import email
import email.policy
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import directory
from rich.console import Console
from rich.rule import Rule

HERE = Path(__file__).parent
HOME = Path(".placet/demo").resolve()
WORK = HOME / "files"
PLACET = Path(sys.executable).parent / "placet"
PATIENCE_SECONDS = 60.0

console = Console(highlight=False, soft_wrap=True)


class Person:
    """Somebody who uses Placet: their commands carry their token."""

    def __init__(self, name: str, token: str | None = None) -> None:
        self.name = name
        self._environment = {**os.environ, "PLACET_HOME": str(HOME)} | ({"PLACET_TOKEN": token} if token else {})

    def show(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> None:
        """Runs a command for the reader to see."""
        console.print(
            f"\n[bold green]{self.name}[/bold green] [bold]$ placet {' '.join(map(_quoted, arguments))}[/bold]"
        )
        sys.stdout.flush()
        done = subprocess.run([str(PLACET), *arguments], env=self._environment, stderr=subprocess.STDOUT, check=False)
        if done.returncode not in expect:
            raise SystemExit(f"the demo stops: placet {' '.join(arguments)} ended with {done.returncode}")

    def ask(self, *arguments: str) -> Any:
        """Runs a command for its JSON."""
        command = [str(PLACET), *arguments, "--output", "json"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


def main() -> None:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    _forget_last_time()
    os.environ["PLACET_SECRET_DIRECTORY"] = secrets.token_urlsafe(12)
    slapd, port = directory.start(HOME / "slapd", os.environ["PLACET_SECRET_DIRECTORY"])
    try:
        _tell(port, began)
        if os.environ.get("DEMO_EXIT") != "1":
            _tell_what_to_try(port)
            signal.pause()
    except KeyboardInterrupt:
        console.print()
    finally:
        subprocess.run([str(PLACET), "down", "--home", str(HOME)], stderr=subprocess.DEVNULL, check=False)
        slapd.terminate()
        slapd.wait()


def _interrupt(*_: object) -> None:
    """Without it SIGTERM would leave the stack and its slapd behind."""
    raise KeyboardInterrupt


def _tell(port: int, began: float) -> None:
    chapter("A stack on this machine")
    admin = Person("admin")
    admin.show("up", "--home", str(HOME), "--detach")
    console.print(f"started in {time.monotonic() - began:.0f} s: PostgreSQL, Kafka, the services, and an empty slapd")
    ada = _join(admin, "ada", "editor", "operator", "approver")
    bob = _join(admin, "bob", "approver")
    _write_files(port)
    admin.show("apply", "-f", str(WORK / "placet.yaml"))
    admin.show("job", "review", "people")

    chapter("The first run: everybody is new")
    run_id = _until_it_waits(ada)
    ada.show("run", "show", run_id)
    ada.show("run", "changes", run_id, "--limit", "2")
    _decide(ada, bob, run_id, told=True)
    ada.show("run", "changes", run_id, "--result", "rejected")
    _mails()

    chapter("Three join, four change, two leave")
    _change_the_csv()
    run_id = _until_it_waits(ada)
    ada.show("run", "changes", run_id)
    _decide(ada, bob, run_id, told=False)

    chapter("Nothing has changed: nobody is asked")
    ada.show("job", "run", "people", "--wait", expect=(0, 3))


def _tell_what_to_try(port: int) -> None:
    """Each line can be typed as it stands, but for names in capitals. The password's directory ends with the demo."""
    chapter("What to try next")
    as_admin = f"-D {directory.ADMIN} -w {os.environ['PLACET_SECRET_DIRECTORY']}"
    look = f"ldapsearch -LLL -x -H ldap://127.0.0.1:{port} {as_admin} -b {directory.BASE}"
    url = Person("admin").ask("status", "--home", str(HOME))["url"]
    console.print(
        f"""The API is at {url}; the folder is {_short(HOME)}. In another terminal, as the admin:

  export PATH="$PWD/.venv/bin:$PATH" PLACET_HOME={_short(HOME)}
  placet run list
  placet audit verify
  sed -i s/Zürich/Genève/ {_short(WORK / "people.csv")}    # or edit it as you like
  placet job run people --preview --wait             # says what would happen, and touches nothing
  placet job run people --wait --timeout 10          # you asked for it, so somebody else must approve
  placet request list --state open
  placet token create bob                            # a token of Bob's, as the last word
  placet request approve REQUEST --token TOKEN
  {look} employeeNumber=E0002
  ls {_short(HOME / "mail")}                               # every mail that was sent

The stack stays up until Ctrl-C.""",
        markup=False,
    )


def chapter(title: str) -> None:
    console.print()
    console.print(Rule(title, align="left"))


def _forget_last_time() -> None:
    """Each demo starts with an empty directory and its own copy of the CSV."""
    subprocess.run([str(PLACET), "down", "--home", str(HOME)], stderr=subprocess.DEVNULL, check=False)
    pid = HOME / "slapd" / "slapd.pid"
    if pid.exists():
        subprocess.run(["kill", pid.read_text().strip()], stderr=subprocess.DEVNULL, check=False)
    shutil.rmtree(HOME, ignore_errors=True)
    WORK.mkdir(parents=True)


def _join(admin: Person, name: str, *roles: str) -> Person:
    given = [part for role in roles for part in ("--role", role)]
    admin.show("user", "add", name, "--email", f"{name}@example.org", *given)
    return Person(name, admin.ask("token", "create", name)["token"])


def _write_files(port: int) -> None:
    shutil.copy(HERE / "people.csv", WORK)
    (WORK / "placet.yaml").write_text((HERE / "placet.yaml").read_text().replace(":10389", f":{port}"))


def _until_it_waits(ada: Person) -> str:
    """Ada asks for a run, which waits for approval; its id."""
    console.print("\n[bold green]ada[/bold green] [bold]$ placet job run people[/bold]")
    run_id: str = ada.ask("job", "run", "people")["id"]
    _wait(lambda: ada.ask("run", "show", run_id)["state"] in ("awaiting_approval", "finished"))
    return run_id


def _decide(ada: Person, bob: Person, run_id: str, *, told: bool) -> None:
    request_id = ada.ask("run", "show", run_id)["request"]
    bob.show("request", "list", "--state", "open")
    if told:
        ada.show("request", "approve", request_id, expect=(1,))
        bob.show("request", "show", request_id)
    bob.show("request", "approve", request_id, "--comment", "as announced")
    ada.show("run", "watch", run_id, expect=(0, 3))


def _mails() -> None:
    """The mails that came: one to the approver, one with the results."""
    _wait(lambda: len(list((HOME / "mail").glob("*.eml"))) >= 2)
    for file in sorted((HOME / "mail").glob("*.eml")):
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        text = mail.get_body(("plain",))
        console.print(f"\n[bold]mail to {mail['to']}: {mail['subject']}[/bold]")
        console.print("  | " + (text.get_content().strip() if text else "").replace("\n", "\n  | "), markup=False)


def _change_the_csv() -> None:
    file = WORK / "people.csv"
    with file.open(newline="", encoding="utf-8") as text:
        header, *rows = list(csv.reader(text))
    people = {row[0]: row for row in rows[:-1]}
    people["E0001"][2] = "Newname-Byron"
    people["E0002"][3] = "Head of everything"
    people["E0003"][6] = "Gdańsk"
    people["E0004"][5] = "+48 22 555 0000"
    for gone in ("E0010", "E0011"):
        del people[gone]
    new = [
        [f"E90{n}", first, "Fresh", "Engineer", "Engineering", "+48 22 555 1111", "Kraków"]
        for n, first in ((1, "Ida"), (2, "Max"), (3, "Uma"))
    ]
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([header, *people.values(), rows[-1], *new])


def _wait(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise SystemExit(
                f"the demo stops: nothing happened for {PATIENCE_SECONDS:.0f} s; see {_short(HOME / 'logs')}"
            )
        time.sleep(0.2)


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd())


def _quoted(argument: str) -> str:
    argument = argument.replace(f"{Path.cwd()}/", "")
    return f"'{argument}'" if " " in argument else argument


if __name__ == "__main__":
    main()
