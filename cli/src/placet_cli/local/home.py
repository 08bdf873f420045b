"""The folder of a local stack: what is kept in it, and where."""

import json
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from placet_shared.keys import write_key_pair

SERVICES = ("scheduler", "sync-worker", "approvals", "notifier", "console")
FIRST_PORT = 8080


@dataclass(frozen=True)
class Home:
    """Paths below the folder of one stack."""

    folder: Path

    @property
    def state_file(self) -> Path:
        """Who runs, at which ports: written by the supervisor, read by `status`."""
        return self.folder / "stack.json"

    @property
    def token_file(self) -> Path:
        return self.folder / "token"

    @property
    def lock_file(self) -> Path:
        return self.folder / "lock"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def noida(self) -> Path:
        return self.folder / "noida"

    @property
    def public_keys(self) -> Path:
        return self.folder / "keys" / "public"

    def private_key(self, service: str) -> Path:
        return self.folder / "keys" / f"{service}.pem"

    def prepare(self) -> None:
        """Makes what a first start needs: folders, keys, the installation's id, passwords."""
        for folder in (self.logs, self.mail, self.folder / "spool"):
            folder.mkdir(parents=True, exist_ok=True)
        for service in SERVICES:
            if not self.private_key(service).exists():
                write_key_pair(service, self.private_key(service), self.public_keys)
        if not self._settings_file.exists():
            made = {"installation": str(uuid4()), "epoch": 1, "password": secrets.token_urlsafe(24), "ports": {}}
            write_private(self._settings_file, json.dumps(made))

    @property
    def settings(self) -> dict[str, Any]:
        """What stays the same over restarts: installation, epoch, password, ports."""
        found: dict[str, Any] = json.loads(self._settings_file.read_text())
        return found

    def choose_ports(self, names: list[str], console_port: int) -> dict[str, int]:
        """A free port for each name; those of the last time where they are still free."""
        settings = self.settings
        ports: dict[str, int] = {}
        for name in names:
            before = settings["ports"].get(name)
            wanted = console_port if name == "console" else before
            ports[name] = free_port(wanted, avoid=set(ports.values()), next_one=name == "console")
        settings["ports"] = ports
        write_private(self._settings_file, json.dumps(settings))
        return ports

    def read_state(self) -> Mapping[str, Any] | None:
        """What the supervisor wrote last, or None where no stack ever ran."""
        try:
            state: Mapping[str, Any] = json.loads(self.state_file.read_text())
        except FileNotFoundError:
            return None
        return state

    @property
    def _settings_file(self) -> Path:
        return self.folder / "settings.json"


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner reads, whole or not at all."""
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_text(text)
    beside.replace(path)


def free_port(wanted: int | None, *, avoid: set[int], next_one: bool) -> int:
    """The wanted port if it is free, else the next free one or any."""
    candidates = [] if wanted is None else list(range(wanted, wanted + 200)) if next_one else [wanted]
    for port in candidates:
        if port not in avoid and is_free(port):
            return port
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        found: int = listener.getsockname()[1]
    return found if found not in avoid else free_port(None, avoid=avoid, next_one=False)


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
