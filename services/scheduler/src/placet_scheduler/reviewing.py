"""Looks at jobs before they are saved or run: in the catalogue, and through a worker at both sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from placet_shared.errors import PlacetError
from placet_shared.identity import Identity

from .references import Document, Documents, find
from .review import look_at, words
from .trying import Worker
from .warnings import warnings_of


class Review(BaseModel):
    """A job in words, and what is to be known about it. `errors` would end a run before it is planned."""

    text: str
    job: dict[str, Any]
    queries: dict[str, str | None]
    next: list[datetime]
    warnings: list[str]
    errors: list[str] = []


@dataclass(frozen=True)
class Reviewer:
    """Tries jobs at a worker. `notifier_has_mail`: the notifier was given mail settings of its own."""

    worker: Worker
    notifier_has_mail: bool

    async def review(self, name: str, among: Documents, saved: Documents, caller: Identity, now: datetime) -> Review:
        """A job of `among`; `saved` is the catalogue. Raises UnknownObjectError."""
        job = find(among, ("job", name))
        checked = await self._checked(job, among, saved, caller)
        reviewed = look_at(name, among, checked["queries"], now)
        warnings = [*checked["warnings"], *warnings_of(name, among, notifier_has_mail=self.notifier_has_mail)]
        errors = list(checked.get("errors", ()))
        remarks = [f"  error: {error}" for error in errors] + [f"  warning: {warning}" for warning in warnings]
        text = "\n".join([words(reviewed), *(["", *remarks] if remarks else [])])
        return Review(
            text=text, job=dict(job), queries=checked["queries"], next=list(reviewed.next_times),
            warnings=warnings, errors=errors,
        )  # fmt: skip

    async def _checked(self, job: Document, among: Documents, saved: Documents, caller: Identity) -> Mapping[str, Any]:
        """What the worker says of tables, columns, schema and secrets; a warning where it cannot say."""
        sides = {side: ("provider", str(job[side]["provider"])) for side in ("source", "destination")}
        queries = {side: job[side].get("query") for side in sides}
        strange = [name for kind, name in sides.values() if among[kind, name] != saved.get((kind, name))]
        if strange and not caller.may("admin"):
            why = f"{', '.join(strange)} is not saved as it stands here; only an admin may have it tried before"
            return {"queries": queries, "warnings": [f"not checked at the providers: {why}"]}
        if not caller.may("editor"):
            why = f"{caller.user} needs the role editor to have them tried"
            return {"queries": queries, "warnings": [f"not checked at the providers: {why}"]}
        try:
            asked = {"job": job, **{side: among[key] for side, key in sides.items()}}
            return await self.worker.post("job-checks", asked, caller)
        except PlacetError as error:
            return {"queries": queries, "warnings": [f"not checked at the providers: {error}"]}
