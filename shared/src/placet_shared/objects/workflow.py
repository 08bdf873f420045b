"""Workflows: who decides about a plan."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from .base import Duration, Object, Part


class Stage(Part):
    """People of whom `need` must approve within `expires_after`. An approver is a user's name, e-mail, or `group:G`."""

    approvers: Annotated[tuple[str, ...], Field(min_length=1)]
    need: Annotated[int, Field(ge=1)] | Literal["all"] = 1
    expires_after: Duration = timedelta(hours=72)
    then: Literal["deny"] = "deny"


class Workflow(Object):
    """One stage for now; every plan but an empty one goes through it."""

    kind: Literal["workflow"] = "workflow"
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=1)]
    when: Literal["always"] = "always"
    requester_may_approve: bool = False
