"""The embedded broker of the local stack (noida-db), with the same life as the real one."""

import shutil
import socket
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import OwnServer, ServerProcess, running


class Noida(OwnServer):
    """One embedded broker in one folder, always on the same port. It proves nothing about groups or durability."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        program = Path(str(files("noida_db"))) / "noida-db"
        program.chmod(0o755)
        data = folder / "data"
        options = ["--data-dir", str(data), "--only", "kafka", "--kafka-port", str(self._port)]
        self._process = ServerProcess([str(program), "start", *options], folder / "noida.log", self.answers, folder)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    def wipe(self) -> None:
        """kill -9, and everything that it knew is gone."""
        self.lose()
        self.start()

    def lose(self) -> None:
        """The first half of `wipe`: down, with nothing kept."""
        self.kill()
        shutil.rmtree(self._folder / "data", ignore_errors=True)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return True
        except OSError:
            return False


@pytest.fixture(scope="session")
def noida() -> Iterator[Noida]:
    """A running embedded broker for the whole session."""
    with running("noida", Noida) as broker:
        yield broker
