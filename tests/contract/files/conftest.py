"""The same files in each format."""

from pathlib import Path

import pytest

from tests.support.files import KINDS, FileWorld


@pytest.fixture(params=list(KINDS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> FileWorld:
    """A folder of the test's own."""
    return FileWorld(tmp_path, KINDS[request.param]())
