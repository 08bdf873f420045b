"""A job of a test's own on a stack that others use too: a CSV, a provider, an organizational unit, a workflow."""

import csv
import io
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from ldap3 import SUBTREE, Connection, Server

from tests.support.slapd import BASE_DN, BIND_DN, Audited, Slapd
from tests.support.stack import Person, Stack, until

SECRET_FILE = "directory"
"""The bind account's password, in the stack's folder of secrets."""

COLUMNS = ("id", "first", "last", "title")
Row = Sequence[str]

ADA, BOB = "ada@example.org", "bob@example.org"
_NUMBERS = count(1)


class Desk:
    """One job, made of documents that a test changes before it applies them.

    `job`, `hr`, `directory`, `workflow` and `schedule` are documents as YAML has them; those that are not None are
    applied. Keys of people are unique in the whole directory, so `id_of` makes the desk's own of short ones.
    """

    base_dn, bind_dn = BASE_DN, BIND_DN

    def __init__(self, stack: Stack, slapd: Slapd, folder: Path, people: Mapping[str, Person]) -> None:
        number = next(_NUMBERS)
        self.stack, self.slapd, self.folder = stack, slapd, folder
        self.admin, self.ada, self.bob, self.cleo = stack.admin, *(people[name] for name in ("ada", "bob", "cleo"))
        self.name, self.unit = f"job-{number}", f"ou=Unit{number},{self.base_dn}"
        self._prefix = f"D{number}-"
        self.csv_file = folder / "people.csv"
        self.hr: dict[str, Any] = {"kind": "provider", "name": f"hr-{number}", "type": "csv", "path": "people.csv"}
        self.directory: dict[str, Any] = {
            "kind": "provider", "name": f"directory-{number}", "type": "ldap", "url": slapd.url,
            "bind_dn": self.bind_dn, "password": {"file": SECRET_FILE}, "base_dn": self.base_dn,
            "notifications": stack.mail_settings,
        }  # fmt: skip
        self.workflow: dict[str, Any] | None = None
        self.schedule: dict[str, Any] | None = None
        self.job: dict[str, Any] = {
            "kind": "job", "name": self.name, "object_type": "user", "source": {"provider": self.hr["name"]},
            "destination": {
                "provider": self.directory["name"], "container": self.unit, "rdn": "cn",
                "query": f"(employeeNumber={self._prefix}*)",
            },
            "key": [{"source": "id", "destination": "employeeNumber"}],
            "fields": [
                {"to": "employeeNumber", "from": "id"},
                {"to": "cn", "join": ["first", "last"]},
                {"to": "givenName", "from": "first"},
                {"to": "sn", "from": "last"},
                {"to": "title", "from": "title"},
            ],
            "extra": "delete",
            "limits": {"delete": None, "disable": None},
        }  # fmt: skip
        with slapd.hand() as hand:
            hand.add(self.unit, "organizationalUnit")

    # ---- the catalogue -----------------------------------------------------------------------------------------------

    def two_eyes(self, approver: str = BOB, **stage: Any) -> None:
        """From now on the job has a workflow of its own."""
        name = f"eyes-of-{self.name}"
        self.workflow = {"kind": "workflow", "name": name, "stages": [{"approvers": [approver], **stage}]}
        self.job["workflow"] = name

    def field(self, to: str) -> dict[str, Any]:
        """How the job makes an attribute."""
        return next(one for one in self.job["fields"] if one["to"] == to)

    def write(self, *documents: Mapping[str, Any], name: str = "placet.yaml") -> Path:
        """The documents, or all of the desk's own, as a file."""
        own = [self.hr, self.directory, self.workflow, self.schedule, self.job]
        chosen = documents or [one for one in own if one is not None]
        file = self.folder / name
        file.write_text("---\n".join(yaml.safe_dump(dict(one), sort_keys=False) for one in chosen))
        return file

    def apply(self) -> Any:
        """What `placet apply` of all documents prints."""
        return self.admin.ask("apply", "-f", self.write())

    def id_of(self, short: str) -> str:
        return f"{self._prefix}{short}"

    def people(self, *rows: Row, columns: Row = COLUMNS) -> None:
        """Writes the CSV; the first value of a row is made the desk's own, unless it is empty."""
        text = io.StringIO(newline="")
        own = [[self.id_of(row[0]) if row[0] else "", *row[1:]] for row in rows]
        csv.writer(text).writerows([list(columns), *own])
        self.csv_file.write_text(text.getvalue(), encoding="utf-8")

    # ---- runs --------------------------------------------------------------------------------------------------------

    def run(self, code: int = 0, *more: str) -> Any:
        """Ada runs the job to its end, which has this exit code."""
        return self.ada.ask("job", "run", self.name, "--wait", "--timeout", "45", *more, code=code)

    def request(self) -> Any:
        """Ada asks for a run; as it is when it waits for people."""
        return self.wait_for(self.ada.ask("job", "run", self.name)["id"], "awaiting_approval")

    def wait_for(self, run_id: str, state: str) -> Any:
        """The run, as soon as it is in this state."""

        def there() -> Any:
            found = self.ada.ask("run", "show", run_id)
            assert state == "finished" or found["state"] != "finished", found
            return found if found["state"] == state else None

        return until(there, f"run {run_id} is {state}")

    def approve(self, run: Mapping[str, Any], code: int = 0) -> Any:
        """Bob approves a run that waits; as it is at its end, with the exit code of who watches it."""
        self.bob.ask("request", "approve", run["request"], "--comment", "fine")
        return self.ada.ask("run", "watch", run["id"], "--timeout", "45", code=code)

    def runs(self) -> list[Any]:
        """All runs of the job, the newest first."""
        found: list[Any] = self.ada.ask("run", "list", "--job", self.name)["items"]
        return found

    def changes(self, run: Mapping[str, Any], *options: str) -> dict[str, Any]:
        """Changes of a run by the short forms of their keys."""
        items = self.ada.ask("run", "changes", run["id"], *options)["items"]
        return {(one["key"] or "").removeprefix(self._prefix): one for one in items}

    def mails(self, recipient: str) -> list[EmailMessage]:
        """Mails about the job to one recipient."""
        return [one for one in self.stack.mails(self.name) if one["to"] == recipient]

    # ---- the directory -----------------------------------------------------------------------------------------------

    def entries(self) -> dict[str, dict[str, list[str]]]:
        """People of the desk by the short forms of their keys; `dn` is among their attributes."""
        found: dict[str, dict[str, list[str]]] = {}
        with self.slapd.hand() as hand:
            hand.search(self.base_dn, f"(employeeNumber={self._prefix}*)", SUBTREE, attributes=["*", "entryUUID"])
            for entry in (one for one in hand.response if one["type"] == "searchResEntry"):
                values = {name: [_text(one) for one in some] for name, some in entry["raw_attributes"].items()}
                short = values["employeeNumber"][0].removeprefix(self._prefix)
                found[short] = {**values, "dn": [entry["dn"]]}
        return found

    def signs_in(self, dn: str, password: str) -> bool:
        """Whether somebody's password is this."""
        server = Server(self.slapd.url, connect_timeout=2, get_info="NO_INFO")
        connection = Connection(server, dn, password, receive_timeout=5)
        try:
            return bool(connection.bind())
        finally:
            connection.unbind()

    def writes(self) -> list[Audited]:
        """What Placet wrote to the desk's unit, by slapd's own log."""
        placet, ours = BIND_DN.lower(), self.unit.lower()
        return [one for one in self.slapd.audited() if one.dn.lower().endswith(ours) and one.by.lower() == placet]


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
