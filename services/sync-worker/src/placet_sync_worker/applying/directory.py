"""Writes a batch to a directory as compare-and-sets: send many at once, look where the answer was not a plain yes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from msgspec.structs import replace

from placet_shared.errors import TransientError

from ..changes import AttributeChange, Result
from ..ports import Answer, Operation
from ..providers.ldap.errors import SearchRefusedError
from ..tasks import Outcome, Task
from .directory_store import DirectoryStore
from .judging import Judge, Seen, decoding
from .operations import operation
from .referring import ids_of, resolved
from .rounds import in_rounds
from .sights import Sights
from .uniqueness import taken

LOOK = frozenset({16, 18, 19, 20, 32, 53, 68, 80, 122})
"""Result codes after which only a look at the entry tells what is true (`tests/RULES.md`)."""

BUSY = frozenset({1, 3, 51, 52})
"""Nothing was written, and it may work later."""

ASSERTION_FAILED = 122
MOST_SENDS = 4


@dataclass(frozen=True)
class DirectoryWriter:
    """A `Writer` over a directory. `keys` are the destination's key attributes of the job."""

    store: DirectoryStore
    keys: Sequence[str]

    def apply(self, tasks: Sequence[Task], deadline: float, *, look_only: bool = False) -> list[Outcome]:
        """See `Writer`. What the directory does not answer stays open."""
        return in_rounds(tasks, lambda some: self._round(some, deadline, look_only), _following)

    def _round(self, tasks: list[Task], deadline: float, look_only: bool) -> list[Outcome]:
        """One step of each change, with the names that entries have now. What cannot be written any more, and may have
        been sent, is looked at."""
        try:
            places = self._sights.places(ids_of(tasks))
        except TransientError as error:
            return [Outcome(None, str(error)) for _ in tasks]
        kept, key = self.store.keeps_references, self.store.naming.key
        named = [(task, resolved(task, places, key, kept=kept)) for task in tasks]
        going = [one for _, one in named if isinstance(one, Task)]
        sent = [task for task, one in named if isinstance(one, Outcome) and one.result and task.maybe_sent]
        outcomes = {task.number: one for task, one in named if isinstance(one, Outcome)}
        looked = zip(sent, self._written(sent, deadline, look_only=True), strict=True)
        outcomes |= {task.number: outcome for task, outcome in looked if outcome.result is not Result.SKIPPED}
        written = zip(going, self._written(going, deadline, look_only), strict=True)
        outcomes |= {task.number: outcome for task, outcome in written}
        return [outcomes[task.number] for task in tasks]

    def _written(self, tasks: list[Task], deadline: float, look_only: bool) -> list[Outcome]:
        if not tasks:
            return []
        try:
            verdicts = self._before_sending(tasks, look_only)
        except TransientError as error:
            return [Outcome(None, str(error)) for _ in tasks]
        for _ in range(MOST_SENDS):
            to_send = [i for i, verdict in enumerate(verdicts) if not isinstance(verdict, Outcome)]
            if not to_send:
                break
            self._send([_task(verdicts[i]) for i in to_send], to_send, verdicts, deadline)
        restless = Outcome(Result.CONFLICT, "the entry changes faster than it can be written; look who writes to it")
        outcomes = [v if isinstance(v, Outcome) else restless for v in verdicts]
        return self._with_versions(tasks, outcomes)

    def _before_sending(self, tasks: list[Task], look_only: bool) -> "list[Outcome | Task]":
        """An outcome for what a look settles already; a task for what is to be sent."""
        looked = [t for t in tasks if t.step.what == "add" or look_only or self.store.safety() != "assertion"]
        sights = self._sights.look(looked)
        held = {} if look_only else taken(self.store, [t for t in looked if t.step.what == "add"])
        seen = {task.number for task in looked}
        verdicts: list[Outcome | Task] = []
        for task in tasks:
            if look_only and not task.maybe_sent:
                verdicts.append(Outcome(Result.SKIPPED))
            elif task.number not in seen:
                verdicts.append(task)
            else:
                verdict = self._judge(task, sights[task.number])
                if isinstance(verdict, Task) and look_only:
                    verdict = Outcome(Result.SKIPPED)
                elif isinstance(verdict, Task) and task.number in held:
                    verdict = Outcome(Result.CONFLICT, held[task.number])
                verdicts.append(verdict)
        return verdicts

    def _send(self, tasks: list[Task], places: list[int], verdicts: "list[Outcome | Task]", deadline: float) -> None:
        operations = [self._operation(task) for task in tasks]
        try:
            answers = list(map(_without_password, tasks, self.store.directory.write(operations, deadline)))
        except TransientError as error:
            answers = [Answer(None, str(error), sent=False) for _ in tasks]
        unclear = {
            task.number: task for task, answer in zip(tasks, answers, strict=True) if self._is_unclear(task, answer)
        }
        try:
            sights = self._sights.look(list(unclear.values()))
        except TransientError as error:
            sights, lost = {}, Answer(None, str(error))
            answers = [lost if task.number in unclear else one for task, one in zip(tasks, answers, strict=True)]
        for place, task, answer in zip(places, tasks, answers, strict=True):
            verdicts[place] = self._verdict(task, answer, sights.get(task.number, ()))

    def _is_unclear(self, task: Task, answer: Answer) -> bool:
        """Whether only a look at the entry tells what is true."""
        return answer.code in LOOK or (answer.code == 0 and bool(self._uncompared(task)))

    def _uncompared(self, task: Task) -> list[AttributeChange]:
        """What a step replaces that the server could not compare."""
        if task.step.what != "modify" or self.store.safety() == "assertion":
            return []
        kinds = {name: self.store.attribute(name) for name in task.step.attributes}
        names = {name for name, kind in kinds.items() if kind.readable and not kind.has_equality}
        return [change for change in task.change.attributes if change.name in names]

    def _verdict(self, task: Task, answer: Answer, seen: Sequence[Seen]) -> "Outcome | Task":
        if answer.code is None or answer.code in BUSY:
            return Outcome(None, answer.message or "no answer")
        if answer.code == 0:
            return self._read_back(changes, seen) if (changes := self._uncompared(task)) else self._applied(answer)
        if answer.code not in LOOK:
            return Outcome(Result.FAILED, answer.message)
        verdict = self._judge(task, seen)
        if isinstance(verdict, Task) and (answer.code != ASSERTION_FAILED or verdict.version == task.version):
            return Outcome(Result.FAILED, answer.message)
        return verdict

    def _applied(self, answer: Answer) -> Outcome:
        """With the entry's id and version, where the answer shows them."""
        try:
            seen = self._sights.seen(answer.entry, ()) if answer.entry else None
        except SearchRefusedError:  # the look that follows says it
            seen = None
        return self._seen_by([seen] if seen else [], Outcome(Result.APPLIED))

    def _read_back(self, changes: Sequence[AttributeChange], seen: Sequence[Seen]) -> Outcome:
        """Of a step that was done a moment ago."""
        if seen and self._judging.are_after(changes, seen[0]):
            return Outcome(Result.APPLIED, version=seen[0].version)
        names = " and ".join(change.name for change in changes)
        return Outcome(Result.CONFLICT, f"it was written, but {names} is not as it was written; look who writes to it")

    def _judge(self, task: Task, seen: Sequence[Seen]) -> "Outcome | Task":
        if task.change.id is None and task.step.what != "add":  # the entry that an earlier step made
            seen = [one for one in seen if self._was_made(one, task)]
        verdict = self._judging.verdict(task, seen)
        if isinstance(verdict, Outcome):
            return verdict
        if not seen:
            return task
        if self.store.guarded(seen[0].values):
            return Outcome(Result.CONFLICT, f"{seen[0].dn} is protected by now: no run may change it")
        return replace(task, version=seen[0].version, now=seen[0].values, entry_id=seen[0].entry_id)

    def _was_made(self, seen: Seen, task: Task) -> bool:
        if task.entry_id is not None:
            return seen.entry_id == task.entry_id
        return self._judging.same_dn(seen.dn, task.dn)

    @cached_property
    def _sights(self) -> Sights:
        return Sights(self.store, self.keys)

    @cached_property
    def _judging(self) -> Judge:
        key = self.store.naming.key
        return Judge(
            decoding(self.store.attribute),
            lambda a, b: key(a) == key(b),
            lambda name: self.store.attribute(name).readable,
        )

    def _with_versions(self, tasks: list[Task], outcomes: list[Outcome]) -> list[Outcome]:
        """Reads what later steps and links need to know, where the answers did not show it."""
        curious = [
            task
            for task, outcome in zip(tasks, outcomes, strict=True)
            if outcome.result == Result.APPLIED and outcome.version is None and _is_read(task)
        ]
        try:
            sights = self._sights.look(curious, values=False)
        except TransientError as error:
            unread = {task.number: str(error) for task in curious}
            return [
                Outcome(None, unread[task.number]) if task.number in unread else outcome
                for task, outcome in zip(tasks, outcomes, strict=True)
            ]
        return [self._seen_by(sights.get(t.number, []), o) for t, o in zip(tasks, outcomes, strict=True)]

    @staticmethod
    def _seen_by(seen: list[Seen], outcome: Outcome) -> Outcome:
        return replace(outcome, version=seen[0].version, entry_id=seen[0].entry_id) if seen else outcome

    # ---- names and values --------------------------------------------------------------------------------------------

    def _operation(self, task: Task) -> Operation:
        task = self._composed(_with_password(task))
        id_ = task.change.id or task.entry_id
        address = self.store.address(id_) if id_ else None
        id_filter = self.store.id_filter(id_) if id_ and task.step.what != "add" else ""
        read = self._sights.operational if _is_read(task) and self.store.answers_with_entries() else ()
        return operation(task, self.store.safety(), self.store.attribute, self.store.encode, id_filter, address, read)

    def _composed(self, task: Task) -> Task:
        """What the step writes, as it travels."""
        names = task.step.attributes
        planned = [a for a in task.change.attributes if a.name in names]
        sent = self.store.composed(planned, task.now)
        if sent is planned:
            return task
        steps = list(task.change.steps)
        steps[task.position] = replace(task.step, attributes=tuple(a.name for a in sent))
        return replace(task, change=replace(task.change, attributes=tuple(sent), steps=tuple(steps)))


def _is_read(task: Task) -> bool:
    """Whether the entry's id and version are needed afterwards: for a link, or before a next step."""
    linked = task.step.what == "add" and not task.change.container
    return linked or task.position + 1 < len(task.change.steps)


def _with_password(task: Task) -> Task:
    """What the step sets as a password stands in it for as long as it is put together. Raises ValueError where there is
    none: an entry would be made without one."""
    if not task.sets_password:
        return task
    if task.password is None:
        raise ValueError(f"{task.change.dn} would be written without its password")
    given = (task.password,)
    attributes = tuple(replace(a, after=given) if a.password else a for a in task.change.attributes)
    return replace(task, change=replace(task.change, attributes=attributes))


def _without_password(task: Task, answer: Answer) -> Answer:
    """No server should repeat a password in its words; nobody reads it if one does."""
    if task.password is None or task.password not in answer.message:
        return answer
    return replace(answer, message=answer.message.replace(task.password, "…"))


def _following(task: Task, earlier: Task, outcome: Outcome) -> Task:
    """A step that finds its entry as the one before has left it."""
    dn = str(earlier.step.target) if earlier.step.what == "rename" else earlier.dn
    return replace(task, dn=dn, version=outcome.version, entry_id=outcome.entry_id or task.entry_id)


def _task(verdict: "Outcome | Task") -> Task:
    assert isinstance(verdict, Task)
    return verdict
