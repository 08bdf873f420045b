"""The life of a run as the scheduler sees it: pure, forward only, with an exit from every state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from placet_shared.events import Results

State = Literal["requested", "planning", "awaiting_approval", "approved", "applying", "finished"]
ORDER: tuple[State, ...] = ("requested", "planning", "awaiting_approval", "approved", "applying", "finished")

UNDECIDED = frozenset({"requested", "planning", "awaiting_approval"})
"""States in which editing the job ends the run."""


@dataclass(frozen=True)
class RunView:
    """What is known of a run. Late, repeated and reordered events never move it back; finished is final."""

    state: State
    outcome: str | None = None
    plan: Mapping[str, Any] | None = None
    request_id: str | None = None
    results: Results = field(default_factory=Results)
    reason: str | None = None
    finished_at: datetime | None = None

    def planned(self, plan: Mapping[str, Any]) -> "RunView":
        """The plan is there; whoever judges it has not answered yet."""
        return self if self.over else replace(self._at_least("planning"), plan=plan)

    def waits(self, request_id: str) -> "RunView":
        return self if self.over else replace(self._at_least("awaiting_approval"), request_id=request_id)

    def approved(self) -> "RunView":
        return self if self.over else self._at_least("approved")

    def applied(self, some: Results) -> "RunView":
        """One more batch is over."""
        if self.over:
            return self
        both = {name: value + getattr(some, name) for name, value in self.results.model_dump().items()}
        return replace(self._at_least("applying"), results=Results.model_validate(both))

    def ended(self, outcome: str, results: Results, reason: str | None, at: datetime) -> "RunView":
        """The worker's word is the end, whatever was heard before."""
        if self.over:
            return self
        return replace(self, state="finished", outcome=outcome, results=results, reason=reason, finished_at=at)

    @property
    def over(self) -> bool:
        return self.state == "finished"

    def _at_least(self, state: State) -> "RunView":
        return replace(self, state=max(self.state, state, key=ORDER.index))


def show_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `runs` in the interface's shape."""
    same = ("job", "state", "outcome", "trigger", "requested_by", "requested_at", "finished_at", "preview")
    shown: dict[str, Any] = {"id": run["run_id"], **{name: run[name] for name in same}}
    return {
        **shown, "plan": run["plan"], "request": run["request_id"], "results": run["results"], "reason": run["reason"],
    }  # fmt: skip
