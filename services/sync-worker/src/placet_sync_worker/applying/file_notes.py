"""What stands beside a file that is written: its lock, and the note of what it is to become."""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Note:
    """What a file is to become: its checksums before and after, a digest of the changes, and what was refused of them:
    result and reason."""

    before: str
    after: str
    work: str
    refused: Mapping[str, tuple[str, str]]


def beside(path: Path, what: str) -> Path:
    return path.with_name(f".{path.name}.placet-{what}")


def lock(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_note(path: Path) -> Note | None:
    """None where there is none that could be read: then nothing was put in place."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        refused = {name: (str(one[0]), str(one[1])) for name, one in found.pop("refused").items()}
        return Note(refused=refused, **found)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_note(path: Path, note: Note) -> None:
    """On the disk before it returns."""
    new = path.with_name(f"{path.name}~")
    new.write_text(json.dumps({"before": note.before, "after": note.after, "work": note.work, "refused": note.refused}))
    sync(new)
    new.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
