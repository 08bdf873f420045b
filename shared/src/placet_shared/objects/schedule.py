"""Schedules: when jobs start by themselves."""

from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from .base import Object, Part, spelled

TimeOfDay = Annotated[str, spelled(r"([01]\d|2[0-3]):[0-5]\d", "a time of day such as 06:30")]
CronLine = Annotated[str, spelled(r"\S+(\s+\S+){4}", "a cron line of five fields")]


class Trigger(Part):
    """One rule of a schedule: exactly one of its fields."""

    daily: TimeOfDay | None = None
    cron: CronLine | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.daily is None) == (self.cron is None):
            raise ValueError("give exactly one of daily, cron")
        return self


class Schedule(Object):
    """Times in `time_zone`; any trigger starts the jobs that name the schedule."""

    kind: Literal["schedule"] = "schedule"
    triggers: Annotated[tuple[Trigger, ...], Field(min_length=1)]
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name} is no time zone of the IANA list, such as Europe/Warsaw") from error
        return name
