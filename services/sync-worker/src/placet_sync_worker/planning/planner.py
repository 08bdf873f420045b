"""Reads both sides of a job and says what a run would change. Touches nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from placet_shared.events import Counts
from placet_shared.objects import Job
from placet_shared.objects.provider import DisableSettings

from ..changes import Change, Rejected
from ..mapping.script import ScriptEngine
from ..ports import Destination, Source


@dataclass(frozen=True)
class Options:
    """What planning needs to know besides the job. `disable` and `unique` are the destination provider's."""

    disable: DisableSettings | None = None
    unique: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    """Keys, as shown: plan for these records alone, and no removals."""
    memory_limit: str = "128MB"
    threads: int = 2


@dataclass
class PlannedRun:
    """What a run would do. Open until it is closed: the changes stand in the spool, not in memory."""

    rejected: tuple[Rejected, ...]
    counts: Counts
    by_attribute: Mapping[str, int]
    source_read: int
    destination_read: int
    within_query: int
    warnings: tuple[str, ...]

    def changes(self) -> Iterator[Change]:
        """In the order of the plan (`plan.in_order`); may be asked for again."""
        raise NotImplementedError

    def matches(self) -> Iterator[tuple[str, str]]:
        """(entry id, source key) of all entries that were matched and are not linked like this yet."""
        raise NotImplementedError

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def plan_run(
    job: Job,
    source: Source,
    destination: Destination,
    links: Iterable[tuple[str, str]],
    folder: Path,
    *,
    scripts: ScriptEngine,
    options: Options = Options(),
    stopped: Callable[[], bool] = lambda: False,
) -> PlannedRun:
    """What a run of the job would change.

    `links` are (entry id, source key) of this job at the destination's store; `folder` is an empty one for the spool, which
    the caller removes after `close()`. Blocks: call it in a thread. Raises PlacetError subclasses whose message names the job;
    StoppedError soon after `stopped()` is true.
    """
    raise NotImplementedError
