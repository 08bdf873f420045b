"""Scripts in Monty, an interpreter of its own in a process of its own: no files, no network, no clock, no chance."""

from collections.abc import Sequence
from typing import Any

from pydantic_monty import Monty, MontyCrashedError, MontyError, MontySession, OSPolicy, ResourceLimits

from ..errors import ScriptError
from .script import Cells, Failure, function

SECONDS = 1.0
"""For one record."""

BATCH_ROWS = 1_000
MOST_TIME_OUTS = 10
"""In a row: then the script is taken for broken."""

MEMORY = 64 << 20

_POLICY: OSPolicy = {"datetime": "call_host", "random_start": "call_host", "sleep": "zero"}
"""What a script asks the host for is refused: nobody answers."""

_ALL = """
answers = []
for source in sources:
    try:
        answers.append((True, transform(source)))
    except Exception as error:
        answers.append((False, type(error).__name__, str(error)))
answers
"""

Answer = tuple[str, ...] | Failure


class MontyEngine:
    """A `ScriptEngine`. Its process starts with the first script; one thread uses it at a time."""

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._limits: ResourceLimits = {"max_feed_duration_secs": seconds, "max_memory": memory}
        self._pool: Monty | None = None

    def run(self, script: str, records: Sequence[Cells]) -> list[Answer]:
        """See `ScriptEngine`. A batch that runs into a limit is done again, record by record."""
        code = function(script)
        answers: list[Answer] = []
        for first in range(0, len(records), BATCH_ROWS):
            some = records[first : first + BATCH_ROWS]
            answers += self._batch(code, some) or self._one_by_one(code, some)
        return answers

    def close(self) -> None:
        """Ends the process."""
        if self._pool is not None:
            self._pool.__exit__(None, None, None)
            self._pool = None

    def _session(self) -> MontySession:
        if self._pool is None:
            self._pool = _started()
        return self._pool.checkout(limits=self._limits, os_policy=_POLICY)

    def _batch(self, code: str, records: Sequence[Cells]) -> list[Answer] | None:
        try:
            with self._session() as session:
                session.feed_run(code)
                rows = session.feed_run(_ALL, inputs={"sources": list(records)}, print_callback=_silence)
        except MontyError:
            return None
        if any(not row[0] and row[1] in ("MemoryError", "TimeoutError") for row in rows):
            return None
        return [_values(row[1]) if row[0] else Failure(": ".join(filter(None, row[1:]))) for row in rows]

    def _one_by_one(self, code: str, records: Sequence[Cells]) -> list[Answer]:
        answers: list[Answer] = []
        while len(answers) < len(records):
            try:
                with self._session() as session:
                    session.feed_run(code)
                    for record in records[len(answers) :]:
                        value = session.feed_run(
                            "transform(source)", inputs={"source": record}, print_callback=_silence
                        )
                        answers.append(_values(value))
            except MontyError as error:
                answers.append(_failure(error))
                if all(_timed_out(answer) for answer in answers[-MOST_TIME_OUTS:]) and len(answers) >= MOST_TIME_OUTS:
                    raise ScriptError(f"the script ran out of time for {MOST_TIME_OUTS} records in a row") from error
        return answers


def _started() -> Monty:
    try:
        return Monty(max_processes=1).__enter__()
    except (RuntimeError, OSError) as error:
        raise ScriptError(f"scripts cannot be run: {error}") from error


def _failure(error: MontyError) -> Failure:
    kind = type(error.exception()).__name__
    if isinstance(error, MontyCrashedError):
        return Failure("the script broke its interpreter", timed_out=error.timed_out)
    if kind == "TimeoutError":
        return Failure("the script took longer than its time limit for one record", timed_out=True)
    if kind == "MemoryError":
        return Failure("the script needs more memory than its limit")
    return Failure(str(error))


def _timed_out(answer: Answer) -> bool:
    return isinstance(answer, Failure) and answer.timed_out


def _values(value: Any) -> Answer:
    """Texts and whole numbers, one or a list of them; None and the empty text are no value."""
    values = value if isinstance(value, list | tuple) else [value]
    texts = [_text(one) for one in values if one is not None and one != ""]
    if None in texts:
        return Failure(f"the script gives {type(value).__name__} where a text or a list of texts is wanted")
    return tuple(text for text in texts if text is not None)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, str | int) else None


def _silence(stream: str, text: str) -> None:
    """A script's print goes nowhere."""
