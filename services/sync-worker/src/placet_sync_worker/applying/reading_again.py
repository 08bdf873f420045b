"""Says which changes of a plan moved in the real source since it was made."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from msgspec import convert

from placet_shared.chain import Order

from ..changes import Change
from ..connections import Connections
from ..leasing import Stopped
from ..mapping.script import ScriptEngine
from ..planning.design import Options
from ..planning.rereading import Moved, moved
from ..store import runs
from ..store.links import JobLinks
from ..store.plans import stream_unsent
from ..unaltered import CHANGE_ALTERED, AlteredError

ReadAgain = Callable[[runs.Run, Order, Path, Stopped], Moved]
"""Says which changes of a run moved in the source, with an empty folder for its spool. Blocks."""


@dataclass(frozen=True)
class SourceReader:
    """Reads the real source again."""

    database_url: str
    connections: Connections
    scripts: ScriptEngine

    def __call__(self, run: runs.Run, order: Order, folder: Path, stopped: Stopped) -> Moved:
        """The destination is asked for its schema alone."""
        shot = order.snapshot
        options = Options.of(shot.destination, record_key=run.record_key or b"")
        links = JobLinks(self.database_url, shot.destination.name, shot.job_id).all()
        unsent = _parsed(stream_unsent(self.database_url, run.run_id))
        with (
            closing(self.connections.destination(shot.destination, shot.job)) as destination,
            closing(self.connections.source(shot.source)) as source,
        ):
            return moved(
                shot.job, source, destination, unsent, links, folder,
                scripts=self.scripts, options=options, stopped=stopped,
            )  # fmt: skip


def _parsed(rows: Iterator[tuple[int, object]]) -> Iterator[tuple[int, Change]]:
    """Raises AlteredError where a document is none that a plan was ever saved as."""
    for number, document in rows:
        try:
            yield number, convert(document, Change)
        except ValueError as error:
            raise AlteredError(CHANGE_ALTERED) from error
