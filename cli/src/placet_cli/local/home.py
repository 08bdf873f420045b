"""The folder of a local stack: what is kept in it, and where."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    def settings_file(self) -> Path:
        return self.folder / "settings.json"

    @property
    def token_file(self) -> Path:
        return self.folder / "token"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

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

    @property
    def password_key(self) -> Path:
        """What the workers keep made passwords with."""
        return self.folder / "keys" / "passwords"

    @property
    def settings(self) -> dict[str, Any]:
        """What stays the same over restarts: installation, epoch, passwords, ports."""
        found: dict[str, Any] = json.loads(self.settings_file.read_text())
        return found

    def read_state(self) -> Mapping[str, Any] | None:
        """What the supervisor wrote last; None where no stack ever ran, or a power cut left half a file."""
        try:
            state: Mapping[str, Any] = json.loads(self.state_file.read_text())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return state

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else runs a stack here; while the block lasts, nobody else can."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner reads, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    beside.touch(mode=0o600)
    beside.write_text(text)
    beside.replace(path)
