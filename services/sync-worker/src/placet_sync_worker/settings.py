"""The worker's settings."""

import tempfile
from datetime import timedelta
from pathlib import Path

from pydantic import Field

from placet_shared.objects.base import Duration
from placet_shared.settings import Settings


class WorkerSettings(Settings):
    """`spool` is where both sides of a run are kept while it is planned; `password_key_file` holds the key that made
    passwords are kept with, the same for all workers; `lease_seconds` is how long a worker that is not heard of keeps
    its plan or batch; `retain_values` how long after a run's end its plan still shows values of people;
    `look_again_seconds` how old a plan, or the last look at its source, may be when writing begins
    and when removals do, before the source is read again."""

    spool: Path = Path(tempfile.gettempdir())
    password_key_file: Path | None = None
    lease_seconds: float = Field(60.0, ge=1)
    retain_values: Duration = timedelta(days=400)
    look_again_seconds: float = Field(900.0, ge=0)
