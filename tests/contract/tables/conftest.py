"""The same table in memory and in real databases, each with and without `placet_applied`."""

from pathlib import Path
from typing import Any

import pytest

from placet_sync_worker.testing.rows import FakeTable
from tests.support.tables import FakeWorld, World, mariadb_world, postgres_world, sqlite_world

KINDS = ["fake", "sqlite", "postgresql", "mariadb"]


@pytest.fixture(params=[f"{kind}{kept}" for kind in KINDS for kept in ("", " unmarked")])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A table of the test's own."""
    kind, _, unmarked = str(request.param).partition(" ")
    settings: dict[str, Any] = {"applied_table": False} if unmarked else {}
    match kind:
        case "fake":
            return FakeWorld(FakeTable(keeps=not unmarked))
        case "sqlite":
            return sqlite_world(tmp_path, **settings)
        case "postgresql":
            return postgres_world(request.getfixturevalue("postgres"), **settings)
        case _:
            return mariadb_world(request.getfixturevalue("mariadb"), **settings)
