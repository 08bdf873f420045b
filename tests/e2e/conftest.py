"""One stack and one directory for all of these tests; each test has a desk of its own."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.desk import SECRET_FILE, Desk
from tests.support.slapd import PASSWORD, Slapd, running_slapd
from tests.support.stack import Person, Stack, running_stack

MakeDesk = Callable[[], Desk]


@pytest.fixture(scope="session")
def directory() -> Iterator[Slapd]:
    with running_slapd() as server:
        yield server


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Its notifier has no mail server of its own: mails go out by the settings of the desks' directories."""
    with (
        tempfile.TemporaryDirectory(prefix="placet-e2e-") as folder,
        running_stack(Path(folder), workers=2, PLACET_SMTP_HOST="") as running,
    ):
        (running.secrets / SECRET_FILE).write_text(PASSWORD)
        yield running


@pytest.fixture(scope="session")
def people(stack: Stack) -> Mapping[str, Person]:
    """Who everybody is: ada edits and runs, bob approves, cleo only reads."""
    roles = {"ada": ("editor", "operator"), "bob": ("approver",), "cleo": ("viewer",)}
    return {name: stack.join(name, *some) for name, some in roles.items()}


@pytest.fixture(scope="session")
def make_desk(
    stack: Stack, directory: Slapd, people: Mapping[str, Person], tmp_path_factory: pytest.TempPathFactory
) -> MakeDesk:
    def make() -> Desk:
        return Desk(stack, directory, tmp_path_factory.mktemp("desk"), people)

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()
