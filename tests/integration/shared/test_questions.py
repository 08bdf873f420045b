"""Events that wait for an answer: sent again under their id, ever more rarely, until one comes."""

from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from placet_shared.errors import ForgedEventError
from placet_shared.events import EVENTS, Event, RunApproved, RunFinished, RunPlanned, RunRequested
from placet_shared.outbox import sweep_unanswered
from placet_shared.topics import ALL_TOPICS, ANSWERS, DEAD_LETTERS, event_type
from placet_shared.work import Work
from tests.support.delivery import handled, until
from tests.support.relays import FakeSender, Outbox, relaying
from tests.support.samples import sample

AGES_AGO = 3600 * 24
PAIRS = [(question, answer) for question, answers in ANSWERS.items() for answer in sorted(answers)]


def event_on(topic: str) -> Event:
    """The sample of a topic's event; all of them are about one run where they are about a run."""
    return sample(EVENTS[event_type(topic)])


async def ask(outbox: Outbox, question: Event, event_id: str = "question") -> None:
    """A question that was sent long ago."""
    async with outbox.database.transaction() as work:
        await work.publish(question, event_id)
    await sent(outbox, event_id, AGES_AGO)


async def sent(outbox: Outbox, event_id: str, seconds_ago: float, resends: int = 0) -> None:
    how = "sent_at = now() - make_interval(secs => :age), resends = :resends WHERE event_id = :id"
    await outbox.sql(how, age=seconds_ago, resends=resends, id=event_id)


async def hear(outbox: Outbox, event: Event, event_id: str = "answer") -> bool:
    """The event comes from another service; False if it came before."""

    async def handler(_event: Event, _work: Work) -> None:
        return

    return await handled(outbox.database, {type(event): handler}, event, event_id)


async def row(outbox: Outbox, event_id: str = "question") -> Any:
    async with outbox.database.engine.connect() as connection:
        return (await connection.execute(select(outbox.table).where(outbox.table.c.event_id == event_id))).one()


# ---- back-off --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resends", "pause"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (7, 300), (20, 300)]
)
async def test_the_pause_doubles_up_to_five_minutes(outbox: Outbox, resends: int, pause: int) -> None:
    await ask(outbox, sample(RunRequested))
    await sent(outbox, "question", 0.1 if pause == 5 else pause * 0.6, resends)
    assert await sweep_unanswered(outbox.database) == 0
    assert (await row(outbox)).sent_at is not None
    await sent(outbox, "question", pause + 0.1, resends)
    assert await sweep_unanswered(outbox.database) == 1
    swept = await row(outbox)
    assert (swept.sent_at, swept.resends) == (None, min(resends + 1, 20))


async def test_a_question_that_is_not_sent_yet_is_left_to_the_relay(outbox: Outbox) -> None:
    async with outbox.database.transaction() as work:
        await work.publish(sample(RunRequested), "question")
    outbox.database.outbox_filled.clear()
    assert await sweep_unanswered(outbox.database) == 0
    assert ((await row(outbox)).resends, outbox.database.outbox_filled.is_set()) == (0, False)


async def test_the_relay_sends_it_again_under_its_id_until_the_answer_comes(
    outbox: Outbox, sender: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweeper wakes the relay, which else would rest."""
    monkeypatch.setattr("placet_shared.outbox.IDLE_SECONDS", 3600.0)
    monkeypatch.setattr("placet_shared.outbox.SILENCE_SECONDS", float("inf"))
    async with relaying((outbox.database, sender)):
        async with outbox.database.transaction() as work:
            await work.publish(sample(RunRequested), "question")
        for turn in range(1, 5):
            await until(outbox.all_sent)
            assert [message.id for message in sender.taken] == ["question"] * turn
            await sent(outbox, "question", AGES_AGO, turn)
            await sweep_unanswered(outbox.database)
        await until(outbox.all_sent)
        await hear(outbox, sample(RunFinished))
        await sent(outbox, "question", AGES_AGO)
        assert await sweep_unanswered(outbox.database) == 0
    assert [message.id for message in sender.taken] == ["question"] * 5


# ---- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "answer"), PAIRS)
async def test_each_answer_ends_the_waiting(outbox: Outbox, question: str, answer: str) -> None:
    await ask(outbox, event_on(question))
    await hear(outbox, event_on(answer))
    assert (await row(outbox)).answered_at is not None
    assert await sweep_unanswered(outbox.database) == 0


@pytest.mark.parametrize("question", ANSWERS)
async def test_nothing_else_does(outbox: Outbox, question: str) -> None:
    await ask(outbox, event_on(question))
    others = set(ALL_TOPICS) - ANSWERS[question] - {DEAD_LETTERS}
    for topic in sorted(others):
        await hear(outbox, event_on(topic), f"about {topic}")
    for topic in ANSWERS[question]:
        await hear(outbox, event_on(topic).model_copy(update={"run_id": "another"}), f"another {topic}")
    assert (await row(outbox)).answered_at is None
    assert await sweep_unanswered(outbox.database) == 1


async def test_who_answers_itself_does_not_wait(outbox: Outbox) -> None:
    """A worker that planned a run and ended it publishes both."""
    await ask(outbox, sample(RunPlanned))
    async with outbox.database.transaction() as work:
        await work.publish(sample(RunFinished))
    assert await sweep_unanswered(outbox.database) == 0


async def test_an_answer_that_comes_again_answers_what_was_asked_after_it(outbox: Outbox) -> None:
    await hear(outbox, sample(RunFinished))
    await ask(outbox, sample(RunApproved))
    assert await hear(outbox, sample(RunFinished)) is False
    assert (await row(outbox)).answered_at is not None


async def test_a_repeat_about_another_run_answers_nothing_and_is_forged(outbox: Outbox) -> None:
    """Nobody looks at the signature of an event that was handled before."""
    await hear(outbox, sample(RunFinished).model_copy(update={"run_id": "another"}))
    await ask(outbox, sample(RunRequested))
    with pytest.raises(ForgedEventError, match="its id came before, about something else"):
        await hear(outbox, sample(RunFinished))
    assert (await row(outbox)).answered_at is None


async def test_a_repeated_question_about_another_run_brings_no_answer(outbox: Outbox) -> None:
    await hear(outbox, sample(RunPlanned).model_copy(update={"run_id": "another"}), "question")
    await ask(outbox, sample(RunApproved), "answer")
    with pytest.raises(ForgedEventError):
        await hear(outbox, sample(RunPlanned), "question")
    assert await outbox.unsent() == []


@pytest.mark.parametrize("topic", sorted(set(ALL_TOPICS) - ANSWERS.keys() - {DEAD_LETTERS}))
async def test_what_awaits_no_answer_is_sent_once(outbox: Outbox, topic: str) -> None:
    await ask(outbox, event_on(topic))
    assert await sweep_unanswered(outbox.database) == 0


# ---- a question that comes again -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "answer"), PAIRS)
async def test_a_repeated_question_brings_its_answer_again(outbox: Outbox, question: str, answer: str) -> None:
    assert await hear(outbox, event_on(question), "question") is True
    await ask(outbox, event_on(answer), "answer")
    outbox.database.outbox_filled.clear()
    assert await hear(outbox, event_on(question), "question") is False
    assert (await outbox.unsent(), outbox.database.outbox_filled.is_set()) == (["answer"], True)


async def test_of_each_kind_of_answer_the_newest_comes_again(outbox: Outbox) -> None:
    await hear(outbox, sample(RunPlanned), "question")
    for event_id in ("old", "new"):
        await ask(outbox, sample(RunApproved), event_id)
    await ask(outbox, sample(RunFinished), "end")
    await ask(outbox, sample(RunRequested), "no answer")
    await ask(outbox, sample(RunFinished).model_copy(update={"run_id": "another"}), "of another run")
    await hear(outbox, sample(RunPlanned), "question")
    assert await outbox.unsent() == ["new", "end"]


async def test_an_answer_that_has_just_been_sent_does_not_come_again_at_once(outbox: Outbox) -> None:
    await hear(outbox, sample(RunPlanned), "question")
    await ask(outbox, sample(RunApproved), "answer")
    await sent(outbox, "answer", -60)  # just now, however slow the test is
    await hear(outbox, sample(RunPlanned), "question")
    assert await outbox.unsent() == []
    await sent(outbox, "answer", 2.1)
    await hear(outbox, sample(RunPlanned), "question")
    assert await outbox.unsent() == ["answer"]


async def test_a_new_question_brings_no_old_answer(outbox: Outbox) -> None:
    """Its handler answers it."""
    await ask(outbox, sample(RunApproved), "answer")
    assert await hear(outbox, sample(RunPlanned), "a new question") is True
    assert await outbox.unsent() == []


# ---- what is forgotten -----------------------------------------------------------------------------------------------


async def test_what_is_still_sent_is_not_forgotten_as_old(outbox: Outbox) -> None:
    inbox = outbox.peer.tables.inbox
    recent = select(inbox.c.event_id).where(inbox.c.received_at > func.now() - text("interval '1 day'"))
    for event_id in ("still sent", "long over"):
        await hear(outbox, sample(RunFinished), event_id)
    async with outbox.database.engine.begin() as connection:
        await connection.execute(update(inbox).values(received_at=func.now() - text("interval '29 days'")))
    await hear(outbox, sample(RunFinished), "still sent")
    async with outbox.database.engine.connect() as connection:
        assert (await connection.execute(recent)).scalars().all() == ["still sent"]
