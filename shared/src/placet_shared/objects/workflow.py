"""Workflows: who decides about a plan."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base import Duration, Object, Part

BY_POLICY = "none"
"""A job's `workflow: none`: no people, unless limits or checks want them."""

DEFAULT = "default"
"""The workflow that holds for jobs without one of their own, and wherever limits or checks want a person."""

UNLESS_SAID = timedelta(hours=72)
"""How long people may take where no workflow says it."""


class Stage(Part):
    """People of whom `need` must approve within `expires_after`. An approver is a user's name, e-mail, or `group:G`."""

    approvers: Annotated[tuple[str, ...], Field(min_length=1)]
    need: Annotated[int, Field(ge=1)] | Literal["all"] = 1
    expires_after: Duration = UNLESS_SAID
    then: Literal["deny"] = "deny"

    @model_validator(mode="after")
    def _enough(self) -> Self:
        people = {approver.lower() for approver in self.approvers}
        if isinstance(self.need, int) and self.need > len(people) and not any(":" in one for one in people):
            many = "approver is" if len(people) == 1 else "approvers are"
            raise ValueError(f"need is {self.need}, and {len(people)} {many} named: nobody could ever approve")
        return self


class Workflow(Object):
    """One stage for now; every plan but an empty one goes through it."""

    kind: Literal["workflow"] = "workflow"
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=1)]
    when: Literal["always"] = "always"
    requester_may_approve: bool = False


def workflow_of_every_plan(named: str | None, own: Workflow | None, default: Workflow | None) -> Workflow | None:
    """The workflow that each plan of a job goes through, by the name that the job gives; None: policy decides."""
    if named == BY_POLICY:
        return None
    return default if named is None else own
