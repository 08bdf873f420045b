"""The worker's settings."""

import tempfile
from pathlib import Path

from placet_shared.settings import Settings


class WorkerSettings(Settings):
    """`spool` is where both sides of a run are kept while it is planned."""

    spool: Path = Path(tempfile.gettempdir())
