"""The same files in each format."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.files import AccessKind, CsvKind, ExcelKind, FileKind, FileWorld

KINDS: dict[str, Callable[[], FileKind]] = {"csv": CsvKind, "xlsx": ExcelKind, "accdb": AccessKind}


@pytest.fixture(params=list(KINDS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> FileWorld:
    """A folder of the test's own."""
    return FileWorld(tmp_path, KINDS[request.param]())
