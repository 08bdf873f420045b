"""Reads both sides of a job and says what a run would change. Touches nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from placet_shared.errors import PlacetError
from placet_shared.events import Counts
from placet_shared.objects import Job

from ..changes import Rejected
from ..errors import EmptySourceError, SpoolError
from ..mapping.script import ScriptEngine
from ..plan import Draft
from ..ports import Destination, Source
from .candidates import Candidates
from .deciding import Decider
from .design import Options
from .drafting import Drafts
from .entries import Entries
from .examining import designed
from .joining import Joined
from .reading import Brake, ahead, both
from .records import Records
from .resolving import Resolution, spool_known
from .shelf import Shelf
from .warning import Findings, checks_of, warnings_of

NOTHING_SPECIAL = Options()


@dataclass(frozen=True)
class PlannedRun:
    """What a run would do. Open until it is closed: the changes stand in the spool, not in memory."""

    rejected: tuple[Rejected, ...]
    counts: Counts
    by_attribute: Mapping[str, int]
    source_read: int
    destination_read: int
    within_query: int
    warnings: tuple[str, ...]
    checks: tuple[str, ...]
    drafts: Drafts

    def changes(self) -> Iterator[Draft]:
        """In the order of the plan: phase by phase, removals the deepest first, by key; may be asked for again."""
        return self.drafts.changes()

    def matches(self) -> Iterator[tuple[str, str]]:
        """(entry id, source key) of all entries that were matched and are not linked like this yet."""
        return self.drafts.candidates.matches()

    def close(self) -> None:
        self.drafts.candidates.joined.close()

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
    options: Options = NOTHING_SPECIAL,
    stopped: Callable[[], bool] = lambda: False,
) -> PlannedRun:
    """What a run of the job would change.

    `links` are (entry id, source key) of this job at the destination's store; `folder` is an empty one for the spool,
    which the caller removes after `close()`. Blocks: call it in a thread. Both sides may be closed before the changes
    are asked for. Raises PlacetErrors whose message names the job; StoppedError soon after `stopped()` is true.
    """
    with _naming(job.name):
        design = designed(job, source, destination, options)
        shelf = Shelf(folder)
        records, entries = Records(design, scripts, folder, shelf), Entries(design, folder, shelf)
        brake = Brake(stopped)
        files = both(
            lambda: records.fill(ahead(source.read(design.columns, job.source.query), brake)),
            lambda: entries.fill(ahead(destination.read(design.read, design.query, job.destination.container), brake)),
            brake,
        )
        known = {
            name: spool_known(folder, match, ahead(destination.read([name], None), brake))
            for name, match in {match.name: match for match in design.references.values()}.items()
        }
        pa.default_memory_pool().release_unused()  # 60 MB of pages that are on disk now, before the join needs as much
        if not records.read:
            raise EmptySourceError(f"{job.source.provider} has no records; a run would empty the destination")
        joined = Joined(*files, folder, options.memory_limit, options.threads)
        try:
            resolution = None
            if design.references and destination.naming is not None:
                resolution = Resolution(design, joined, destination.naming, known)
            joined.match(
                design,
                links,
                options.records,
                all_keys_known=not records.unreadable,
                resolve=lambda: resolution.resolve(files[0], folder) if resolution else None,
            )
            candidates = Candidates(design, joined, shelf)
            removing = job.extra != "skip" and not records.unreadable and not options.records
            decider = Decider(design, cache(destination.attribute), destination.naming, destination.whole())
            drafts = Drafts(decider, candidates, resolution, options, removing, folder)
            drafts.survey(destination)
            return _planned(drafts, records, entries, options)
        except BaseException:
            joined.close()
            raise


def _planned(drafts: Drafts, records: Records, entries: Entries, options: Options) -> PlannedRun:
    candidates = drafts.candidates
    asked = set(options.records)
    rejected = [one for one in (*records.rejected, *candidates.rejected()) if not asked or one.key in asked]
    rejected += drafts.rejected
    findings = Findings(
        unreadable=records.unreadable,
        folded=candidates.folded(),
        rekeyed=list(candidates.rekeyed()),
        relinked=list(candidates.relinked()),
        protected=sorted(drafts.protected),
        in_the_way=drafts.in_the_way,
        units=drafts.renamed_units(),
        not_found=sorted(asked - candidates.known(asked)),
    )
    counts = Counts(
        **drafts.counts,
        unchanged=candidates.matched() - drafts.unequal,
        rejected=len(rejected),
        unlinked=candidates.unlinked(),
    )
    return PlannedRun(
        rejected=tuple(sorted(rejected, key=_place)),
        counts=counts,
        by_attribute=dict(sorted((+drafts.by_attribute).items())),
        source_read=records.read,
        destination_read=entries.read,
        within_query=entries.read,
        warnings=warnings_of(candidates.design.job, findings),
        checks=checks_of(findings),
        drafts=drafts,
    )


def _place(rejected: Rejected) -> tuple[int, str]:
    """Sorts `line 9` before `line 10`."""
    _, _, number = rejected.record.rpartition(" ")
    return int(number) if number.isdecimal() else 0, rejected.record


@contextmanager
def _naming(job: str) -> Iterator[None]:
    """Puts the job's name before what went wrong."""
    try:
        yield
    except PlacetError as error:
        error.args = (f"job {job}: {error}",)
        raise
    except (duckdb.Error, OSError) as error:
        raise SpoolError(f"job {job}: the work in progress cannot be kept in PLACET_SPOOL: {error}") from error
