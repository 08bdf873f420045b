"""What is saved all the same, but a person should know: pure."""

from collections.abc import Iterator

from .references import Document, Documents


def warnings_of(name: str, catalogue: Documents, *, notifier_has_mail: bool) -> list[str]:
    """Sentences about one job among the others. `notifier_has_mail`: it can send by settings of its own."""
    job = catalogue["job", name]
    source, destination = job["source"]["provider"], job["destination"]["provider"]
    found = []
    if not notifier_has_mail and _mails_would_wait(job, catalogue):
        command = f"placet notification configure {destination} --host HOST --port PORT --sender ADDRESS"
        found.append(
            f"notification is enabled, but no mail settings are known: mails wait until somebody runs `{command}`"
        )
    found += _attributes_of_two_jobs(name, job, catalogue)
    if source == destination:
        found.append(f"source and destination are both {source}; check that this is meant")
    if job.get("extra", "skip") != "skip" and job.get("extra_scope") == "all":
        found.append(f"extra: {job['extra']} with extra_scope: all reaches entries that this job has never managed")
    if job.get("mode") == "changed" and job.get("missing") == "skip":
        found.append(
            "mode: changed with missing: skip does not read a record again whose entry is made later;"
            f" `placet job run {name} --all` does, so run it after the job that makes the entries"
        )
    return found


def _mails_would_wait(job: Document, catalogue: Documents) -> bool:
    notify = job.get("notify")
    if not notify or not notify.get("enabled", True):
        return False
    stores = [job[side]["provider"] for side in ("destination", "source")]
    return not any(catalogue.get(("provider", store), {}).get("notifications") for store in stores)


def _attributes_of_two_jobs(name: str, job: Document, catalogue: Documents) -> Iterator[str]:
    store, mine = job["destination"]["provider"], _kept(job)
    for (kind, other), document in catalogue.items():
        if kind != "job" or other == name or document["destination"]["provider"] != store:
            continue
        both = sorted(mine[attribute] for attribute in mine.keys() & _kept(document).keys())
        if both:
            yield f"job {other} writes {', '.join(both)} of {store} too, and each run would undo the other's"


def _kept(job: Document) -> dict[str, str]:
    """The attributes that a job keeps as its source has them, by their lower-cased names. Keys are equal anyway."""
    keys = {pair["destination"].lower() for pair in job["key"]}
    fields = [field["to"] for field in job["fields"] if not field.get("only_on_create")]
    return {name.lower(): name for name in fields if name.lower() not in keys}
