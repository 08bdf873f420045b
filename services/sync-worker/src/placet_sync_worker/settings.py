"""The worker's settings."""

import tempfile
from pathlib import Path

from pydantic import Field

from placet_shared.settings import Settings


class WorkerSettings(Settings):
    """`spool` is where both sides of a run are kept while it is planned; `lease_seconds` how long a worker that is not
    heard of keeps its plan or batch."""

    spool: Path = Path(tempfile.gettempdir())
    lease_seconds: float = Field(60.0, ge=1)
