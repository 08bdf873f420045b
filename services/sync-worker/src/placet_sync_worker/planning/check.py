"""What `placet job review` says of a job that was looked up in its source and destination."""

from collections.abc import Mapping
from contextlib import closing

from pydantic import BaseModel, ConfigDict

from placet_shared.errors import PlacetError
from placet_shared.objects import Job, Provider

from ..connections import Connections
from .design import Design, Options
from .examining import Examination


class CheckedJob(BaseModel):
    """`queries` are the ones that a run uses, by `source` and `destination`; `errors` would end a run."""

    model_config = ConfigDict(frozen=True)
    queries: Mapping[str, str | None]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def check_job(connections: Connections, job: Job, source: Provider, destination: Provider) -> CheckedJob:
    """Connects to both sides. What cannot be reached or opened is a warning: it may be back before the job runs."""
    columns, queries, warnings = None, {"source": job.source.query, "destination": job.destination.query}, []
    try:
        with closing(connections.source(source)) as opened:
            columns, default = opened.columns(job.source.query), opened.default_query()
        queries["source"] = queries["source"] or default
    except PlacetError as error:
        warnings.append(f"the source could not be looked at: {error}")
    try:
        with closing(connections.destination(destination, job)) as store:
            examination = Examination(job, columns, store, Options.of(destination))
            design = examination.design()
            queries["destination"] = queries["destination"] or examination.default_query()
    except PlacetError as error:
        return CheckedJob(queries=queries, warnings=(*warnings, f"the destination could not be looked at: {error}"))
    errors = tuple(str(problem) for problem in examination.problems)
    return CheckedJob(queries=queries, errors=errors, warnings=(*warnings, *(cautions(design) if design else ())))


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
