"""A job in words, for the person who is about to save or run it: pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from placet_shared.objects import Field, Job, Schedule, Workflow, parse_object
from placet_shared.objects.base import format_duration
from placet_shared.objects.provider import IDENTITY_STORES
from placet_shared.objects.wording import transform_in_words
from placet_shared.objects.workflow import DEFAULT, workflow_of_every_plan

from .catalogue import schedule_of
from .references import Documents
from .times import next_times

TIMES = 5
MISSING = {"create": "is created", "skip": "is left out"}
EXTRA = {"skip": "is left alone", "disable": "is disabled", "move": "is moved", "delete": "is deleted, leaf first"}
WHEN = {
    "always": "after each run, whatever came of it",
    "records_updated": "when one or more records were updated",
    "errors": "when one or more errors occur",
    "failed": "when the job fails",
}
ANYONE = "any approver but the one who asked for the run"


@dataclass(frozen=True)
class Reviewed:
    """A job with what it refers to, as it would run. `kind`: of its entries, None where they are rows; `queries` are by
    `source` and `destination`; null: all."""

    job: Job
    kind: str | None
    schedule: Schedule | None
    own: Workflow | None
    default: Workflow | None
    queries: Mapping[str, str | None]
    next_times: Sequence[datetime]


def look_at(name: str, documents: Documents, queries: Mapping[str, str | None], now: datetime) -> Reviewed:
    """A job of the catalogue, to be told in words."""
    job = parse_object(documents["job", name])
    assert isinstance(job, Job)
    schedule = schedule_of(name, documents)
    following = next_times(schedule, now, TIMES) if schedule else []
    own = _workflow(job.workflow, documents)
    in_store = documents["provider", job.destination.provider]["type"] in IDENTITY_STORES
    kind = job.object_type or ("user" if in_store else None)
    return Reviewed(job, kind, schedule, own, _workflow(DEFAULT, documents), queries, following)


def words(reviewed: Reviewed) -> str:
    """The whole job, a paragraph a question."""
    paragraphs = (_sides(reviewed), _fields(reviewed.job), _both_sides(reviewed.job), _care(reviewed), _times(reviewed))
    return "\n\n".join([f"Job {reviewed.job.name}", *("\n".join(lines) for lines in paragraphs)])


def _sides(reviewed: Reviewed) -> Iterator[str]:
    job, queries = reviewed.job, reviewed.queries
    of_kind, entries = (f"{reviewed.kind} ", "entries") if reviewed.kind else ("", "records")
    yield f"  copies     {of_kind}records from {job.source.provider} to {job.destination.provider}"
    yield f"  source     {queries.get('source') or 'all records'}"
    if job.time_stamp is not None:
        again = format_duration(job.read_again)
        yield f"  reads      what changed since the last run that succeeded, by {job.time_stamp} (less {again})"
    yield f"  entries    {queries.get('destination') or f'all {of_kind}{entries}'}"
    if job.destination.container:
        rdn = f", named by {job.destination.rdn}" if job.destination.rdn else ""
        yield f"  new ones   in {job.destination.container}{rdn}"
    yield "  key        " + " and ".join(f"{pair.source} = {pair.destination}" for pair in job.key)


def _fields(job: Job) -> Iterator[str]:
    yield "  attributes"
    for field in job.fields_:
        yield f"    {field.to:<22} {_field(field)}"


def _field(field: Field) -> str:
    notes = ["only on create"] * field.only_on_create
    notes += ["compared by the matching rule"] * (field.compare == "matching_rule")
    return transform_in_words(field) + (f" ({', '.join(notes)})" if notes else "")


def _both_sides(job: Job) -> Iterator[str]:
    whose = "that this job made or matched before" if job.extra_scope == "linked" else "that the query finds"
    yield f"  a record without an entry  {MISSING[job.missing]}"
    yield f"  an entry without a record  {EXTRA[job.extra]}" + (
        _moved_to(job) + ("" if job.extra == "skip" else f", if it is one {whose}")
    )
    yield f"  an empty source value      {'clears the attribute' if job.empty_values == 'clear' else 'changes nothing'}"


def _moved_to(job: Job) -> str:
    if job.extra != "move":
        return ""
    return f" to {job.move_to}" + ", which is made where it is missing" * job.create_move_to


def _care(reviewed: Reviewed) -> Iterator[str]:
    yield f"  approval   {_approval(reviewed)}"
    yield f"  limits     {_limits(reviewed)}"
    yield f"  told       {_told(reviewed.job)}"


def _approval(reviewed: Reviewed) -> str:
    workflow = workflow_of_every_plan(reviewed.job.workflow, reviewed.own, reviewed.default)
    if workflow is None:
        return "by policy, within the limits"
    return f"{_people(workflow)}, for every plan that changes anything (workflow {workflow.name})"


def _people(workflow: Workflow) -> str:
    stage = workflow.stages[0]
    asker = "" if workflow.requester_may_approve else ", but not who asked for the run"
    need = "all" if stage.need == "all" else str(stage.need)
    within = f", within {format_duration(stage.expires_after)}, else it is denied"
    return f"{need} of {', '.join(stage.approvers)}{asker}{within}"


def _limits(reviewed: Reviewed) -> str:
    given = {name: value for name, value in reviewed.job.limits.model_dump().items() if value is not None}
    if not given:
        return "none"
    workflow = reviewed.own or reviewed.default
    return f"{', '.join(f'{name} {value}' for name, value in given.items())}; above them: " + (
        _people(workflow) if workflow else ANYONE
    )


def _told(job: Job) -> str:
    if job.notify is None or not job.notify.enabled:
        return "nobody"
    return f"{', '.join(job.notify.to)}, {WHEN[job.notify.when]}"


def _times(reviewed: Reviewed) -> Iterator[str]:
    if reviewed.schedule is None:
        yield "  schedule   none: it runs when somebody asks"
        return
    zone = reviewed.schedule.time_zone
    yield f"  schedule   {reviewed.schedule.name}, in the time of {zone}; next:"
    for at in reviewed.next_times:
        yield f"             {at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"


def _workflow(name: str | None, documents: Documents) -> Workflow | None:
    document = documents.get(("workflow", str(name)))
    parsed = parse_object(document) if document is not None else None
    return parsed if isinstance(parsed, Workflow) else None
