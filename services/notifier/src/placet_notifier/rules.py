"""Whether somebody is told about a finished run: pure, word for word as the interface has it under "Who is told"."""

from pydantic import ValidationError

from placet_shared.complaints import first_complaint
from placet_shared.events import Counts, RunFinished
from placet_shared.objects import Notify

from .errors import NotifierError


class RuleUnreadableError(NotifierError):
    """The job's notification rule is none that this notifier knows."""


def rule_of(event: RunFinished) -> Notify | None:
    """The job's rule, if it waits for such an end. Raises RuleUnreadableError."""
    if event.notify is None:
        return None
    try:
        rule = Notify.model_validate(event.notify)
    except ValidationError as error:
        wrong = first_complaint(error, "notify")
        raise RuleUnreadableError(f"job {event.job}: {wrong}; upgrade the notifier") from error
    return rule if rule.enabled and matches(rule, event) else None


def matches(rule: Notify, event: RunFinished) -> bool:
    """Whether the run's end is what the rule waits for. A preview never is."""
    if event.preview or event.outcome == "previewed":
        return False
    failed = event.outcome == "failed"
    match rule.when:
        case "always":
            return True
        case "records_updated":
            return event.results.written > 0
        case "errors":
            return failed or errors(event) > 0
        case "failed":
            return failed


def errors(event: RunFinished) -> int:
    """Records that went wrong; what was skipped or expired is not an error of a record."""
    results, counts = event.results, event.counts or Counts()
    return counts.rejected + results.conflict + results.failed + results.uncertain
