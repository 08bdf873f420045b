"""People's scripts, in the real interpreter."""

from collections.abc import Iterator

import pytest

from placet_sync_worker.errors import ScriptError
from placet_sync_worker.mapping.monty import BATCH_ROWS, MontyEngine
from placet_sync_worker.mapping.script import Cells, Failure


@pytest.fixture(scope="module")
def engine() -> Iterator[MontyEngine]:
    made = MontyEngine(seconds=0.2, memory=32 << 20)
    yield made
    made.close()


def records(count: int) -> list[Cells]:
    return [{"n": str(n), "name": f"Ann{n}"} for n in range(count)]


def one(engine: MontyEngine, script: str, **cells: str | list[str]) -> tuple[str, ...] | Failure:
    (answer,) = engine.run(script, [cells])
    return answer


@pytest.mark.parametrize(
    ("script", "values"),
    [
        ("source['a'].lower() + '@x'", ("ann@x",)),
        ("if source['a']:\n    return source['a'][0]\nreturn None", ("A",)),
        ("[source['a'], '', None, 7]", ("Ann", "7")),
        ("''", ()),
        ("None", ()),
        ("[]", ()),
        ("source['a'] == 'Ann'", ("TRUE",)),
        ("import re\nreturn re.sub('[^a-z]', '', source['a'])", ("nn",)),
        ("source['many'][1]", ("y",)),
    ],
)
def test_scripts_give_texts(engine: MontyEngine, script: str, values: tuple[str, ...]) -> None:
    assert one(engine, script, a="Ann", many=["x", "y"]) == values


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("source['b']", "KeyError"),
        ("{'a': 1}", "the script gives dict where a text or a list of texts is wanted"),
        ("1.5", "the script gives float"),
        ("import datetime\nreturn str(datetime.datetime.now())", "not supported"),
        ("import time\nreturn str(time.time())", "not supported"),
        ("import random\nreturn str(random.random())", "not supported"),
        ("open('/etc/passwd').read()", "Permission denied"),
        ("import socket\nreturn 'x'", "No module named"),
        ("import os\nreturn os.environ['HOME']", "not supported"),
        ("'a' * 10 ** 9", "the script needs more memory than its limit"),
        ("while True:\n    pass\nreturn 'x'", "the script took longer than its time limit"),
        ("try:\n    while True:\n        pass\nexcept BaseException:\n    return 'caught'", "the script took longer"),
    ],
)
def test_what_a_script_may_not_or_cannot_do_is_its_records_problem(
    engine: MontyEngine, script: str, reason: str
) -> None:
    answer = one(engine, script, a="Ann")
    assert isinstance(answer, Failure)
    assert reason in answer.reason


@pytest.mark.parametrize("bad", ["source['missing']", "'a' * 10 ** 9", "loop()"])
def test_a_bad_record_does_not_lose_its_batch(engine: MontyEngine, bad: str) -> None:
    loop = "def loop():\n    while True:\n        pass\n" if "loop" in bad else ""
    script = f"{loop}if source['n'] == '1500':\n    return {bad}\nreturn source['name']"
    answers = engine.run(script, records(BATCH_ROWS * 2))
    assert len(answers) == BATCH_ROWS * 2
    assert [n for n, answer in enumerate(answers) if isinstance(answer, Failure)] == [1500]
    assert answers[1499:1502:2] == [("Ann1499",), ("Ann1501",)]


def test_a_script_that_always_loops_ends_the_run(engine: MontyEngine) -> None:
    with pytest.raises(ScriptError, match="ran out of time for 10 records in a row"):
        engine.run("while True:\n    pass\nreturn 'x'", records(100))


def test_time_outs_that_are_not_in_a_row_are_single_failures(engine: MontyEngine) -> None:
    script = "if int(source['n']) % 2:\n    while True:\n        pass\nreturn 'ok'"
    answers = engine.run(script, records(24))
    assert sum(isinstance(answer, Failure) and answer.timed_out for answer in answers) == 12


def test_records_do_not_see_each_other(engine: MontyEngine) -> None:
    script = "seen = []\nseen.append(source['n'])\nreturn len(seen)"
    assert engine.run(script, records(3)) == [("1",)] * 3


def test_printing_goes_nowhere(engine: MontyEngine, capfd: pytest.CaptureFixture[str]) -> None:
    assert one(engine, "print('hello')\nreturn 'x'") == ("x",)
    assert capfd.readouterr().out == ""
