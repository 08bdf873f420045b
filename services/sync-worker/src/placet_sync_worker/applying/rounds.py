"""The steps of several changes in rounds: the first open one of each, then the next ones of those that were done."""

from collections.abc import Callable, Sequence

from ..changes import PROVEN, Result
from ..tasks import Outcome, Task


def in_rounds(
    tasks: Sequence[Task],
    write: Callable[[list[Task]], list[Outcome]],
    following: Callable[[Task, Task, Outcome], Task] = lambda task, _earlier, _outcome: task,
) -> list[Outcome]:
    """One outcome a task, in order. `write` gets one step of each change; `following` makes each later step know of an
    earlier one that was done, and of its outcome. What follows an open step stays open, a failed one is skipped."""
    done: dict[tuple[int, int], Outcome] = {}
    waiting = list(tasks)
    while waiting:
        first = {task.number: task for task in reversed(waiting)}
        now = [task for task in waiting if first[task.number] is task]
        later = [task for task in waiting if first[task.number] is not task]
        ended = dict(zip((task.number for task in now), write(now), strict=True))
        done |= {(task.number, task.position): ended[task.number] for task in now}
        waiting = []
        for task in later:
            outcome = ended[task.number]
            if outcome.result in PROVEN:
                waiting.append(following(task, first[task.number], outcome))
            else:
                done[task.number, task.position] = _left(outcome)
    return [done[task.number, task.position] for task in tasks]


def _left(earlier: Outcome) -> Outcome:
    """What becomes of a step whose change did not get so far."""
    if earlier.result is None:
        return Outcome(None, earlier.reason)
    return Outcome(Result.SKIPPED, "an earlier step of the change was not done")
