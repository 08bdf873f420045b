"""What is saved all the same, but a person should know: pure."""

from collections.abc import Mapping
from typing import Any

from placet_shared.objects import Job, parse_object

Catalogue = Mapping[tuple[str, str], Mapping[str, Any]]


def warnings_of(job: Job, catalogue: Catalogue, *, notifier_has_mail: bool) -> list[str]:
    """Sentences about one job among the others."""
    found = [*_mail(job, catalogue, notifier_has_mail), *_shared_attributes(job, catalogue)]
    if job.source.provider == job.destination.provider:
        found.append(f"source and destination are both {job.source.provider}: is that meant?")
    if job.extra in ("delete", "disable") and job.extra_scope == "all":
        found.append(f"extra: {job.extra} with extra_scope: all reaches entries that this job never managed")
    return found


def _mail(job: Job, catalogue: Catalogue, notifier_has_mail: bool) -> list[str]:
    if job.notify is None or not job.notify.enabled or notifier_has_mail:
        return []
    stores = [job.destination.provider, job.source.provider]
    if any(catalogue.get(("provider", name), {}).get("notifications") for name in stores):
        return []
    remedy = f"placet notification configure {job.destination.provider} --host … --sender …"
    return [f"notification is on, but no mail settings are known: mails wait until `{remedy}`"]


def _shared_attributes(job: Job, catalogue: Catalogue) -> list[str]:
    mine = {field.to.lower() for field in job.fields_} - {key.destination.lower() for key in job.key}
    found = []
    for (kind, name), document in catalogue.items():
        if kind != "job" or name == job.name or document["destination"]["provider"] != job.destination.provider:
            continue
        other = parse_object(document)
        assert isinstance(other, Job)
        both = sorted(field.to for field in other.fields_ if field.to.lower() in mine)
        if both:
            found.append(f"job {name} writes {', '.join(both)} of {job.destination.provider} too: they undo each other")
    return found
