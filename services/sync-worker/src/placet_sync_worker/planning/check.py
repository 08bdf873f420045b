"""What `placet job review` says of a job that was looked up in its source and destination."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from placet_shared.errors import PermanentError, PlacetError, TransientError
from placet_shared.objects import Job, Provider

from ..connections import Connections
from ..errors import EmptySourceError, SourceFileError
from ..keys import shown_key
from ..mapping.mapper import map_field
from ..mapping.script import ScriptEngine
from ..ports import DN, RECORD, Destination
from .design import Design, Options
from .examining import Examination, wanted_columns
from .hiding import hidden

TRIED = 20
"""Records that scripts are tried with."""


class CheckedJob(BaseModel):
    """`queries` are the ones that a run uses, by `source` and `destination`; `errors` would end a run."""

    model_config = ConfigDict(frozen=True)
    queries: Mapping[str, str | None]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class Findings:
    """What is known of the two sides so far. `columns` None: any name may be asked for; `records`: the first ones."""

    queries: dict[str, str | None]
    columns: Sequence[str] | None = None
    records: pa.RecordBatch | None = None
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def checked(self) -> CheckedJob:
        return CheckedJob(queries=self.queries, errors=tuple(self.errors), warnings=tuple(self.warnings))


def check_job(
    connections: Connections, job: Job, source: Provider, destination: Provider, scripts: ScriptEngine
) -> CheckedJob:
    """Connects to both sides, and reads a page of each. What cannot be reached or opened is a warning: it may be back
    before the job runs; what would be wrong then too is an error."""
    found = Findings({"source": job.source.query, "destination": job.destination.query})
    _look_at_source(found, connections, job, source)
    try:
        with closing(connections.destination(destination, job)) as store:
            _look_at_destination(
                found, job, store, Options.of(destination, keeps_passwords=connections.keeps_passwords)
            )
    except PlacetError as error:
        found.warnings.append(f"the destination could not be looked at: {error}")
        found.errors += map(str, wanted_columns(job, found.columns)[1])
    if found.records is not None:
        found.warnings += tried_scripts(job, found.records, scripts)
    return found.checked()


def _look_at_source(found: Findings, connections: Connections, job: Job, source: Provider) -> None:
    opened_once = False
    try:
        with closing(connections.source(source)) as opened:
            opened_once = True
            found.queries["source"] = job.source.query or opened.default_query()
            found.columns = opened.columns(job.source.query)
            wanted, wrong = wanted_columns(job, found.columns)
            if job.time_stamp is not None and not wrong:
                opened.stamps(job.time_stamp, job.source.query)
            page = None if wrong else next(opened.read(wanted, job.source.query), None)
            found.records = page.records.slice(0, TRIED) if page else None
    except (SourceFileError, EmptySourceError, TransientError) as error:
        found.warnings.append(f"the source could not be looked at: {error}")
    except PlacetError as error:
        (found.errors if opened_once else found.warnings).append(f"the source could not be looked at: {error}")


def _look_at_destination(found: Findings, job: Job, store: Destination, options: Options) -> None:
    examination = Examination(job, found.columns, store, options)
    design = examination.design()
    found.queries["destination"] = job.destination.query or examination.default_query()
    found.errors += map(str, examination.problems)
    if design is not None:
        found.errors += list(_unreadable(design, store)) or map(str, hidden(design, store, _first(design, store)))
        found.warnings += cautions(design)


def _unreadable(design: Design, store: Destination) -> Iterator[str]:
    """Why the query or the container gives nothing. Raises what another moment may mend."""
    places: dict[str, tuple[str | None, str | None]] = {"destination.query": (design.query, None)}
    if design.job.missing == "create" and design.job.destination.container is not None:
        places["destination.container"] = (None, design.job.destination.container)
    for where, (query, base) in places.items():
        try:
            next(store.read([part.attribute.name for part in design.keys], query, base), None)
        except PermanentError as error:
            yield f"{where}: {error}"


def _first(design: Design, store: Destination) -> str | None:
    """The name of an entry that a run would read."""
    keys = [part.attribute.name for part in design.keys]
    pages = store.read(keys, design.query, design.job.destination.container)
    return next((page.column(DN)[0].as_py() for page in pages if page.num_rows), None)


def tried_scripts(job: Job, records: pa.RecordBatch, scripts: ScriptEngine) -> Iterator[str]:
    """Which scripts fail for how many of the first records, and why for the first of them."""
    for one in job.fields_:
        if one.script is None:
            continue
        try:
            problems = map_field(one, records, scripts).problems
        except PlacetError as error:
            yield str(error)
            continue
        if problems:
            first = min(problems)
            yield (
                f"{one.to}: the script fails for {len(problems)} of the first {records.num_rows} records, "
                f"first {_whose(job, records, first)}: {problems[first]}"
            )


def _whose(job: Job, records: pa.RecordBatch, row: int) -> str:
    """Where a record stands, with its key where that can be read."""
    where = records.column(RECORD)[row].as_py()
    parts = [records.column(pair.source)[row].as_py() for pair in job.key]
    readable = all(isinstance(part, str) for part in parts)
    return f"for {shown_key(parts)} ({where})" if readable else f"in {where}"


def cautions(design: Design) -> list[str]:
    """What makes a job run with errors rather than not at all. Pure."""
    if design.job.missing != "create":
        return []
    kind, mapped = design.job.object_type or "a new entry", {target.name for target in design.targets}
    needed = [name for name in design.required if name not in mapped]
    strange = sorted(mapped - design.object_type.allowed)
    found = [f"{kind} needs {name}, and no field makes it: every new record will be rejected" for name in needed]
    if not mapped & design.object_type.given.keys():
        found += [f"{kind} has no {name}: the server will refuse every new entry that has it" for name in strange]
    return found
