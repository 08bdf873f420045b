"""The life of a run as the scheduler sees it: pure, forward only, with an exit from every state.

requested → planning → awaiting_approval → approved → applying → finished. Events may come late, again, or in another
order: none moves a run back, and after its end they add to what is known of it and change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

from placet_shared.events import Results

State = Literal["requested", "planning", "awaiting_approval", "approved", "applying", "finished"]
ORDER: tuple[State, ...] = get_args(State)

UNDECIDED = frozenset({"requested", "planning", "awaiting_approval"})
"""States in which an edit of the job ends the run."""


@dataclass(frozen=True)
class RunView:
    """What is known of a run. It begins in `planning`: its order is made in the transaction that notes it."""

    state: State = "planning"
    outcome: str | None = None
    plan: Mapping[str, Any] | None = None
    request_id: str | None = None
    results: Results = field(default_factory=Results)
    reason: str | None = None
    finished_at: datetime | None = None

    def planned(self, plan: Mapping[str, Any]) -> "RunView":
        """The plan is there; whoever judges it has not answered yet."""
        return replace(self._at_least("planning"), plan=self.plan or plan)

    def waits(self, request_id: str) -> "RunView":
        """People were asked."""
        return replace(self._at_least("awaiting_approval"), request_id=self.request_id or request_id)

    def approved(self) -> "RunView":
        """The plan may be applied."""
        return self._at_least("approved")

    def applied(self, some: Results) -> "RunView":
        """One more batch is over. Such news are not signed: they count only where the approval is known, and only until
        the end brings the true numbers."""
        if self.state not in ("approved", "applying"):
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
    """A row of `runs` in the interface's shape, and why it was asked for, if that was said."""
    same = ("job", "state", "outcome", "trigger", "requested_by", "requested_at", "finished_at", "preview", "plan")
    return {
        "id": run["run_id"],
        **{name: run[name] for name in same},
        "request": run["request_id"],
        "results": run["results"],
        "reason": run["reason"],
        **({"trigger_reason": run["trigger_reason"]} if run["trigger_reason"] else {}),
    }
