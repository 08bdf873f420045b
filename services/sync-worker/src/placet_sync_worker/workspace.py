"""Folders for work in progress: people's data that goes when the plan is made, or when its worker was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "placet-run-"


@contextmanager
def workspace(spool: Path) -> Iterator[Path]:
    """An empty folder of the caller's own. A folder is locked while it is used; those without a lock are removed."""
    with _locked(spool):
        for left in spool.glob(f"{PREFIX}*"):
            _remove_unused(left)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=spool))
        lock = _lock(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _lock(folder)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, how: int = fcntl.LOCK_EX) -> int:
    """The open folder, whose lock ends when it is closed or the process dies. Raises BlockingIOError."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, how)
    except BaseException:
        os.close(opened)
        raise
    return opened


def _remove_unused(folder: Path) -> None:
    with suppress(OSError):
        lock = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
