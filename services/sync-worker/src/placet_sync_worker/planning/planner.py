"""Reads both sides of a job and says what a run would change. Touches nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from placet_shared.events import Counts
from placet_shared.objects import Job

from ..changes import Rejected
from ..errors import EmptySourceError, SpoolError, naming
from ..mapping.script import ScriptEngine
from ..plan import Draft
from ..ports import Destination, Source
from .candidates import Candidates
from .claiming import Claiming
from .deciding import Decider
from .decisions import Decisions
from .design import Options
from .drafting import Drafts
from .entries import Entries
from .evidence import Evidence, explained
from .examining import designed
from .finding import window_of
from .hiding import hidden
from .joining import Joined
from .leaving import Leaving
from .links import Links
from .progress import Known, Progress
from .reading import Brake
from .records import Records
from .resolving import Resolution
from .shelf import Shelf
from .sides import Sides, Spools
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
    warnings: tuple[str, ...]
    checks: tuple[str, ...]
    drafts: Drafts
    explanations: tuple[Mapping[str, Any], ...] = ()
    """Documents of `Explanation`, where they were asked for."""
    mark: str | None = None
    """From where the next run of `mode: changed` reads on; None: it reads everything."""

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
    links: Links,
    folder: Path,
    *,
    scripts: ScriptEngine,
    options: Options = NOTHING_SPECIAL,
    stopped: Callable[[], bool] = lambda: False,
    known: Known | None = None,
) -> PlannedRun:
    """What a run of the job would change.

    `folder` is an empty one for the spool, which the caller removes after `close()`; `known` is what earlier runs leave
    to one of `mode: changed`. Blocks: call it in a thread. Both sides may be closed before the changes are asked for.
    Raises PlacetErrors whose message names the job; StoppedError soon after `stopped()` is true.
    """
    with naming_job(job.name):
        half_made = links.unfinished()
        design, shelf = designed(job, source, destination, options), Shelf(folder)
        progress = Progress(job.time_stamp, source.stamps(job.time_stamp, job.source.query)) if job.time_stamp else None
        records, entries = Records(design, scripts, folder, shelf, progress), Entries(design, folder, shelf)
        if options.explain:
            records.sightings.keys = tuple(dict.fromkeys(options.records))
        sides = Sides(design, source, destination, records, entries, Brake(stopped))
        spools = _read(sides, links, options, known)
        joined = Joined(spools.source, spools.destination, folder, options.memory_limit, options.threads)
        try:
            decider = Decider(design, cache(destination.attribute), destination.naming, destination.whole(), half_made)
            resolution = _join(joined, decider, records, spools, options)
            drafts = _draft(Candidates(design, joined, shelf), decider, resolution, records, spools, links, options)
            drafts.survey(destination)
            planned = _planned(drafts, sides, options, partial=spools.partial)
            mark = progress.mark(known.mark if known else None, job.read_again) if progress else None
            return replace(planned, mark=mark, explanations=_explanations(planned, sides))
        except BaseException:
            joined.close()
            raise


def _read(sides: Sides, links: Links, options: Options, known: Known | None) -> Spools:
    """Puts away both sides, and whom references may mean."""
    job, records = sides.design.job, sides.records
    spools = sides.read(window_of(job, records.progress, known, options.records), links)
    named = sides.read_named()
    pa.default_memory_pool().release_unused()  # 60 MB of pages that are on disk now, before the join needs as much
    if not records.read and not spools.partial:
        raise EmptySourceError(f"{job.source.provider} has no records; a run would empty the destination")
    if problem := next(hidden(sides.design, sides.destination, sides.entries.first), None):
        raise problem
    return replace(spools, named=named)


def _join(joined: Joined, decider: Decider, records: Records, spools: Spools, options: Options) -> Resolution | None:
    """Finds what belongs together; gives the references that were resolved meanwhile, if the job has some."""
    design, resolution = decider.design, None
    if design.references and decider.naming is not None:
        resolution = Resolution(design, joined, decider.naming, spools.named)
    joined.match(
        design,
        spools.links,
        options.records,
        decider.half_made,
        all_keys_known=not records.unreadable and not spools.partial,
        resolve=lambda: resolution.resolve(spools.source, records.folder) if resolution else None,
    )
    return resolution


def _draft(
    candidates: Candidates,
    decider: Decider,
    resolution: Resolution | None,
    records: Records,
    spools: Spools,
    links: Links,
    options: Options,
) -> Drafts:
    """What is decided with."""
    job = decider.design.job
    removing = job.extra != "skip" and not records.unreadable and not options.records
    return Drafts(
        decider,
        candidates,
        Decisions(records.folder),
        Claiming(candidates, decider.naming, spools.looked_up),
        Leaving(decider, options, resolution),
        links,
        removing,
        resolution,
        options.record_key,
    )


def _explanations(planned: PlannedRun, sides: Sides) -> tuple[Mapping[str, Any], ...]:
    records = sides.records
    if not records.sightings.keys:
        return ()
    unreadable = bool(records.unreadable)
    return explained(Evidence(planned.drafts, records.sightings, planned.rejected, sides.destination, unreadable))


def _planned(drafts: Drafts, sides: Sides, options: Options, *, partial: bool) -> PlannedRun:
    records, candidates, decisions = sides.records, drafts.candidates, drafts.decisions
    asked = set(options.records)
    rejected = [one for one in (*records.rejected, *candidates.rejected()) if not asked or one.key in asked]
    rejected += decisions.rejected
    findings = Findings(
        unreadable=records.unreadable,
        folded=candidates.folded(),
        pointed=candidates.pointed() if candidates.design.job.missing == "create" else (),
        rekeyed=list(candidates.rekeyed()),
        relinked=list(candidates.relinked()),
        protected=sorted(drafts.protected),
        in_the_way=drafts.in_the_way,
        shared=drafts.shared,
        unfollowed=drafts.leaving.unfollowed,
        not_found=sorted(asked - candidates.known(asked)),
        unstamped=records.progress.unstamped if records.progress and not partial else 0,
        unstamped_come=records.progress is not None and records.progress.stamps.unstamped_come,
    )
    counts = Counts(
        **decisions.counts,
        unchanged=candidates.matched() - drafts.unequal,
        rejected=len(rejected),
        unlinked=0 if partial else candidates.unlinked(),
    )
    return PlannedRun(
        rejected=tuple(sorted(rejected, key=_place)),
        counts=counts,
        by_attribute=dict(sorted((+decisions.by_attribute).items())),
        source_read=records.read,
        destination_read=sides.entries.read,
        warnings=warnings_of(candidates.design.job, findings),
        checks=checks_of(findings),
        drafts=drafts,
    )


def _place(rejected: Rejected) -> tuple[int, str]:
    """Sorts `line 9` before `line 10`."""
    _, _, number = rejected.record.rpartition(" ")
    return int(number) if number.isdecimal() else 0, rejected.record


@contextmanager
def naming_job(job: str) -> Iterator[None]:
    """Puts the job's name before what went wrong."""
    with naming(f"job {job}"):
        try:
            yield
        except (duckdb.Error, OSError) as error:
            raise SpoolError(f"the work in progress cannot be kept in PLACET_SPOOL: {error}") from error
