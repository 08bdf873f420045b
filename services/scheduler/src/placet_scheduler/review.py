"""A job in words, for the person who is about to save or run it: pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from placet_shared.objects import Field, Job

MISSING = {"create": "is created", "skip": "is left out"}
EXTRA = {
    "skip": "is left alone",
    "disable": "is disabled",
    "delete": "is deleted, leaf first",
}
WHEN = {
    "always": "after each run",
    "records_updated": "when records were updated",
    "errors": "when one or more errors occur",
    "failed": "when the job fails",
}


def words(job: Job, queries: Mapping[str, str | None], approval: str, next_times: Sequence[datetime]) -> str:
    """The whole job, a paragraph a question."""
    object_type = job.object_type or "user"
    lines = [
        f"Job {job.name}",
        "",
        f"  copies     {object_type} records from {job.source.provider} to {job.destination.provider}",
        f"  source     {queries.get('source') or 'all records'}",
        f"  entries    {queries.get('destination') or 'all entries of the type'}",
    ]
    if job.destination.container:
        lines.append(f"  new ones   in {job.destination.container}")
    key = ", ".join(f"{pair.source} = {pair.destination}" for pair in job.key)
    lines += [f"  key        {key}", "", "  attributes"]
    lines += [f"    {field.to:<22} {_field(field)}" for field in job.fields_]
    lines += ["", f"  a record without an entry  {MISSING[job.missing]}", f"  an entry without a record  {_extra(job)}"]
    lines.append(
        f"  an empty source value      {'clears the attribute' if job.empty_values == 'clear' else 'changes nothing'}"
    )
    lines += ["", f"  approval   {approval}", f"  limits     {_limits(job)}", f"  told       {_notify(job)}"]
    lines.append(f"  schedule   {job.schedule or 'none: it runs when somebody asks'}")
    lines += [f"             {at:%Y-%m-%d %H:%M} UTC" for at in next_times]
    return "\n".join(lines)


def _field(field: Field) -> str:
    made: dict[str, Any] = {
        "from": f"from {field.from_}",
        "static": f"always {field.static!r}",
        "join": f"{' + '.join(field.join or ())}, joined by {field.separator!r}",
        "script": f"script: {(field.script or '').strip().splitlines()[0] if field.script else ''}",
    }
    notes = [note for note, given in (("only on create", field.only_on_create),) if given]
    if field.compare == "matching_rule":
        notes.append("compared by the matching rule")
    return str(made[field.transform]) + (f" ({', '.join(notes)})" if notes else "")


def _extra(job: Job) -> str:
    whose = "this job made or matched before" if job.extra_scope == "linked" else "matches the query"
    return EXTRA[job.extra] + ("" if job.extra == "skip" else f", if it is one that {whose}")


def _limits(job: Job) -> str:
    set_ones = {name: value for name, value in job.limits.model_dump().items() if value is not None}
    return ", ".join(f"{name} {value}" for name, value in set_ones.items()) + ": above, a person decides"


def _notify(job: Job) -> str:
    if job.notify is None or not job.notify.enabled:
        return "nobody"
    return f"{', '.join(job.notify.to)} {WHEN[job.notify.when]}"


def approval_words(job: Job, catalogue: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """Who decides about the job's plans."""
    name = job.workflow or ("default" if ("workflow", "default") in catalogue else None)
    if name in (None, "none"):
        return "by policy within the limits, else by people"
    stage = catalogue.get(("workflow", str(name)), {}).get("stages", [{}])[0]
    who = ", ".join(stage.get("approvers", []))
    return f"{stage.get('need', 1)} of {who} (workflow {name})"
