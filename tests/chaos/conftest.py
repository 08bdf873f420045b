"""A stack whose leases are short, so that what dies is soon taken over."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import SECRET_FILE, Desk
from tests.support.slapd import PASSWORD, Slapd, running_slapd
from tests.support.stack import Stack, running_stack

LEASE_SECONDS = 3


@pytest.fixture
def directory() -> Iterator[Slapd]:
    with running_slapd() as server:
        yield server


@pytest.fixture
def stack() -> Iterator[Stack]:
    with (
        tempfile.TemporaryDirectory(prefix="placet-chaos-") as folder,
        running_stack(Path(folder), workers=2, PLACET_LEASE_SECONDS=str(LEASE_SECONDS)) as running,
    ):
        (running.secrets / SECRET_FILE).write_text(PASSWORD)
        yield running


@pytest.fixture
def desk(stack: Stack, directory: Slapd, tmp_path: Path) -> Desk:
    roles = {"ada": ("editor", "operator"), "bob": ("approver",), "cleo": ("viewer",)}
    return Desk(stack, directory, tmp_path, {name: stack.join(name, *some) for name, some in roles.items()})
