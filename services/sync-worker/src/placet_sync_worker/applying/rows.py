"""Writes a batch to a table as compare-and-sets, in one transaction: look where the count of rows was not one."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from msgspec.structs import replace

from placet_shared.errors import TransientError

from ..changes import PROVEN, Result
from ..errors import UnknownAttributeError
from ..ports import Attribute, Mark, Row, RowAnswer, RowsTransaction, RowWrite, Safety, Texts
from ..tasks import Outcome, Task
from .judging import Judge, Seen, decoding
from .rounds import in_rounds

MOST_SENDS = 3


class RowsStore(Protocol):
    """A table, as far as writing needs it."""

    def safety(self) -> Safety: ...

    def attribute(self, name: str) -> Attribute: ...

    def writing(self, deadline: float) -> AbstractContextManager[RowsTransaction]:
        """Committed at the end of the block, unless it raises. Raises TransientError when it is not known whether it
        was, or there was no time left."""
        ...


@dataclass(frozen=True)
class RowsWriter:
    """A `Writer` over a table. `keys` are the destination's key attributes of the job."""

    store: RowsStore
    keys: Sequence[str]

    def apply(self, tasks: Sequence[Task], deadline: float, *, look_only: bool = False) -> list[Outcome]:
        """See `Writer`. A transaction whose end is not known leaves all of it open: it is looked at again."""
        lost = {task.number: reason for task in tasks if (reason := self._lost_column(task)) and not task.maybe_sent}
        rest = [task for task in tasks if task.number not in lost]
        done = {(t.number, t.position): Outcome(Result.FAILED, lost[t.number]) for t in tasks if t.number in lost}
        try:
            with self.store.writing(deadline) as table:
                outcomes = Batch(self.store, self.keys, table, look_only).outcomes(rest)
        except TransientError as error:
            outcomes = [Outcome(None, str(error)) for _ in rest]
        done |= {(task.number, task.position): outcome for task, outcome in zip(rest, outcomes, strict=True)}
        return [done[task.number, task.position] for task in tasks]

    def _lost_column(self, task: Task) -> str | None:
        """Why a change cannot be written: the table was altered after it was planned."""
        try:
            for one in task.change.attributes:
                self.store.attribute(one.name)
        except UnknownAttributeError as error:
            return f"{error}; the table was altered after the plan, so run the job again"
        return None


@dataclass(frozen=True)
class Batch:
    """Some tasks within one transaction."""

    store: RowsStore
    keys: Sequence[str]
    table: RowsTransaction
    look_only: bool

    def outcomes(self, tasks: Sequence[Task]) -> list[Outcome]:
        return in_rounds(tasks, self._round)

    def _round(self, tasks: list[Task]) -> list[Outcome]:
        verdicts = self._before_sending(tasks)
        for _ in range(MOST_SENDS):
            to_send = [n for n, verdict in enumerate(verdicts) if isinstance(verdict, Task)]
            if not to_send:
                break
            self._send([tasks[n] for n in to_send], to_send, verdicts)
        stubborn = Outcome(
            Result.FAILED,
            "the row is as it was planned, but the database changes nothing; look for a trigger or a rule",
        )
        return self._with_ids(tasks, [one if isinstance(one, Outcome) else stubborn for one in verdicts])

    # ---- what is true already ----------------------------------------------------------------------------------------

    def _before_sending(self, tasks: list[Task]) -> "list[Outcome | Task]":
        """An outcome for what is settled already; a task for what is to be sent."""
        marked = self.table.marked([mark_of(task) for task in tasks if task.maybe_sent])
        judged = [task if marked is None else replace(task, maybe_sent=False) for task in tasks]
        settled = {task.number for task in tasks if marked and mark_of(task) in marked}
        looked = [task for task in judged if task.number not in settled and self._must_look(task)]
        sights = self._look(looked)
        verdicts: list[Outcome | Task] = []
        for task, judging in zip(tasks, judged, strict=True):
            if task.number in settled:
                verdicts.append(Outcome(Result.ALREADY_APPLIED))
            elif self.look_only and not (task.maybe_sent and marked is None):
                verdicts.append(Outcome(Result.SKIPPED))
            else:
                verdict = self._judge(judging, sights[task.number]) if task.number in sights else judging
                skip = self.look_only and isinstance(verdict, Task)
                verdicts.append(Outcome(Result.SKIPPED) if skip else verdict)
        return verdicts

    def _must_look(self, task: Task) -> bool:
        return task.step.what == "add" or task.maybe_sent or self.store.safety() == "read_back"

    def _judge(self, task: Task, seen: Sequence[Seen]) -> "Outcome | Task":
        verdict = self._judging.verdict(task, seen)
        return verdict if isinstance(verdict, Outcome) else task

    @cached_property
    def _judging(self) -> Judge:
        return Judge(decoding(self.store.attribute), lambda a, b: a == b)

    # ---- writing -----------------------------------------------------------------------------------------------------

    def _send(self, tasks: list[Task], places: list[int], verdicts: "list[Outcome | Task]") -> None:
        answers = self.table.write([self._write(task) for task in tasks])
        sights = self._look([task for task, answer in zip(tasks, answers, strict=True) if not _is_plain(answer)])
        for place, task, answer in zip(places, tasks, answers, strict=True):
            verdicts[place] = self._verdict(task, answer, sights.get(task.number, ()))

    def _verdict(self, task: Task, answer: RowAnswer, seen: Sequence[Seen]) -> "Outcome | Task":
        if answer.locked:
            return Outcome(None, answer.refused)
        if answer.rows == 1:
            return Outcome(Result.APPLIED)
        unsaid = answer.rows < 0
        verdict = self._judge(replace(task, maybe_sent=unsaid), seen)
        if unsaid and isinstance(verdict, Outcome) and verdict.result is Result.ALREADY_APPLIED:
            return replace(verdict, result=Result.APPLIED)
        if answer.refused is not None and (not answer.taken or isinstance(verdict, Task)):
            return Outcome(Result.FAILED, answer.refused)
        return verdict

    def _write(self, task: Task) -> RowWrite:
        change, what = task.change, task.step.what
        planned = [a for a in change.attributes if what == "delete" or a.name in task.step.attributes]
        before = {a.name: a.before for a in planned} if what != "add" else {}
        after = {a.name: a.after for a in planned} if what != "delete" else {}
        return RowWrite(
            what={"add": "insert", "delete": "delete"}.get(what, "update"),  # type: ignore[arg-type]  # one of the three
            entry_id=change.id, key=self._key(task) if what == "add" else {}, before=before, after=after,
            mark=mark_of(task), shown=change.key,
        )  # fmt: skip

    # ---- looking -----------------------------------------------------------------------------------------------------

    def _look(self, tasks: Sequence[Task]) -> dict[int, list[Seen]]:
        """What is in the table for each task: by key for new rows, by id for the others."""
        names = list(dict.fromkeys([*self.keys, *(a.name for task in tasks for a in task.change.attributes)]))
        found: dict[int, list[Seen]] = {task.number: [] for task in tasks}
        of_ids = {str(task.change.id): task.number for task in tasks if task.change.id is not None}
        for row in self.table.with_ids(list(of_ids), names) if of_ids else ():
            found[of_ids[row.entry_id]].append(_seen(row))
        new = [task for task in tasks if task.change.id is None]
        of_keys = {self._folded(self._key(task)): task.number for task in new}
        for row in self.table.with_keys([self._key(task) for task in new], names) if new else ():
            number = of_keys.get(self._folded(row.values))
            if number is not None:
                found[number].append(_seen(row))
        return found

    def _key(self, task: Task) -> Texts:
        after = {a.name: a.after for a in task.change.attributes}
        return {name: after.get(name, ()) for name in self.keys}

    def _folded(self, values: Texts) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(map(self.store.attribute(name).fold, values.get(name, ()))) for name in self.keys)

    def _with_ids(self, tasks: list[Task], outcomes: list[Outcome]) -> list[Outcome]:
        """New rows have their ids from the database."""
        made = [
            task
            for task, outcome in zip(tasks, outcomes, strict=True)
            if task.step.what == "add" and outcome.result in PROVEN and outcome.entry_id is None
        ]
        sights = self._look(made)
        return [
            replace(outcome, version=sights[task.number][0].version, entry_id=sights[task.number][0].entry_id)
            if sights.get(task.number)
            else outcome
            for task, outcome in zip(tasks, outcomes, strict=True)
        ]


def mark_of(task: Task) -> Mark:
    return Mark(task.run_id, task.number, task.position)


def _seen(row: Row) -> Seen:
    return Seen(row.entry_id, row.version, "", row.values)


def _is_plain(answer: RowAnswer) -> bool:
    return answer.rows == 1 or answer.locked
