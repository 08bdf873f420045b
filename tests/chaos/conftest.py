"""Stacks whose leases are short, so that what dies is soon taken over."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.desk import SECRET_FILE, Desk
from tests.support.slapd import PASSWORD, running_slapd
from tests.support.stack import Person, Stack, running_stack

LEASE_SECONDS = 3

MakeDesk = Callable[..., Desk]


def people_of(stack: Stack) -> Mapping[str, Person]:
    roles = {"ada": ("editor", "operator"), "bob": ("approver",), "cleo": ("viewer",)}
    return {name: stack.join(name, *some) for name, some in roles.items()}


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[MakeDesk]:
    """A desk on a directory and a stack of its own, with two workers; options are `running_stack`'s."""
    with ExitStack() as ends:

        def make(**options: str) -> Desk:
            directory = ends.enter_context(running_slapd())
            folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="placet-chaos-")))
            settings = {"PLACET_LEASE_SECONDS": str(LEASE_SECONDS)} | options
            stack = ends.enter_context(running_stack(folder, workers=2, **settings))
            (stack.secrets / SECRET_FILE).write_text(PASSWORD)
            return Desk(stack, directory, tmp_path, people_of(stack))

        yield make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One for all tests of a file, whose workers live on."""
    with (
        tempfile.TemporaryDirectory(prefix="placet-chaos-") as folder,
        running_stack(Path(folder), workers=2, PLACET_LEASE_SECONDS=str(LEASE_SECONDS)) as running,
    ):
        (running.secrets / SECRET_FILE).write_text(PASSWORD)
        yield running


@pytest.fixture(scope="module")
def people(stack: Stack) -> Mapping[str, Person]:
    return people_of(stack)
