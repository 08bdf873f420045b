"""Steps of several changes, one of each at a time."""

from msgspec.structs import replace

from placet_sync_worker.applying.rounds import in_rounds
from placet_sync_worker.changes import Change, Phase, Result, Step
from placet_sync_worker.tasks import Outcome, Task

CHANGE = Change("1", "move", "cn=a", (), tuple(Step("modify", Phase.UPDATE) for _ in range(3)), "a", "v0")
TASKS = [Task(number, position, CHANGE, False, "v0", "cn=a") for number in (1, 2) for position in (0, 1, 2)]


def test_one_step_of_each_change_is_written_at_a_time_and_knows_the_one_before() -> None:
    rounds: list[list[Task]] = []

    def write(tasks: list[Task]) -> list[Outcome]:
        rounds.append(tasks)
        return [Outcome(Result.APPLIED, version=f"v{task.position + 1}") for task in tasks]

    def following(task: Task, earlier: Task, outcome: Outcome) -> Task:
        assert earlier.number == task.number
        return replace(task, version=outcome.version)

    done = in_rounds(TASKS, write, following)
    assert [[(task.number, task.position, task.version) for task in some] for some in rounds] == [
        [(1, position, f"v{position}"), (2, position, f"v{position}")] for position in (0, 1, 2)
    ]
    assert [outcome.version for outcome in done] == ["v1", "v2", "v3"] * 2


def test_what_follows_a_failed_step_is_skipped_and_an_open_one_keeps_it_open() -> None:
    first = {1: Outcome(Result.CONFLICT, "moved"), 2: Outcome(None, "no answer")}
    skipped = Outcome(Result.SKIPPED, "an earlier step of the change was not done")
    done = in_rounds(TASKS, lambda tasks: [first[task.number] for task in tasks])
    assert done == [first[1], skipped, skipped, first[2], first[2], first[2]]
