"""What a writer is asked to do, and what it answers: values alone."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from .changes import Change, Result, Step


class Task(Struct, frozen=True):
    """One step that has no result yet.

    `maybe_sent` says that an earlier attempt may have written it. `version` and `dn` are the entry's as the last proven
    step left them; at first those of planning. `now` and `entry_id` are what the writer saw when it last looked; of a
    new entry, `entry_id` is known from the step that made it. `run_id`, `number` and `position` name the step for all
    time. `password` is what a step writes that sets one. `made` says what became, as far as is known, of the creates
    that it refers to, by their keys.
    """

    number: int
    position: int
    change: Change
    maybe_sent: bool
    version: str | None
    dn: str
    now: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entry_id: str | None = None
    run_id: str = ""
    password: str | None = None
    made: "Mapping[str, Outcome]" = field(default_factory=dict)

    def __repr__(self) -> str:
        """Without the password."""
        return f"Task(run_id={self.run_id!r}, number={self.number}, position={self.position}, change={self.change!r})"

    @property
    def step(self) -> Step:
        return self.change.steps[self.position]

    @property
    def is_last(self) -> bool:
        """Whether the change is done with this step."""
        return self.position + 1 == len(self.change.steps)

    @property
    def sets_password(self) -> bool:
        return any(a.password and a.name in self.step.attributes for a in self.change.attributes)


class Outcome(Struct, frozen=True):
    """How a step ended; `result` None means that it is still open and the batch comes again.

    `entry_id` is the entry's id where a create made it; `version` its version where it was read.
    """

    result: Result | None
    reason: str | None = None
    version: str | None = None
    entry_id: str | None = None


class Writer(Protocol):
    """A destination that can be written to."""

    def apply(self, tasks: Sequence[Task], deadline: float, *, look_only: bool = False) -> list[Outcome]:
        """One outcome a task, in order; tasks of one change come in the order of its steps.

        `deadline` is on CLOCK_BOOTTIME: nothing is sent after it. With `look_only` nothing is written: a step that may
        have been sent is looked at, another is skipped. Raises TransientError when the destination cannot be reached.
        """
        ...
