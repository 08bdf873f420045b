"""What delivery forgets, and what it never does."""

from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from placet_shared.outbox import purge_statements
from placet_shared.topics import DEAD_LETTERS, NOTIFICATION_SENT, RUN_FINISHED, RUN_REQUESTED
from tests.support.relays import Outbox


async def purge(outbox: Outbox) -> None:
    async with outbox.database.engine.begin() as connection:
        for statement in purge_statements(outbox.peer.tables):
            await connection.execute(statement)


@pytest.mark.parametrize(
    ("topic", "sent", "answered", "kept"),
    [
        (NOTIFICATION_SENT, "6 days 23 hours", False, True),
        (NOTIFICATION_SENT, "7 days 1 hour", False, False),
        (RUN_FINISHED, "7 days 1 hour", False, False),
        (DEAD_LETTERS, "7 days 1 hour", False, False),
        (RUN_REQUESTED, "6 days 23 hours", True, True),
        (RUN_REQUESTED, "7 days 1 hour", True, False),
        # a question that nobody has answered, and what was never sent, stay whatever their age
        (RUN_REQUESTED, "400 days", False, True),
        (RUN_REQUESTED, None, False, True),
        (NOTIFICATION_SENT, None, False, True),
        (RUN_REQUESTED, None, True, True),
    ],
)
async def test_messages_are_forgotten_when_they_were_sent_and_answered_long_ago(
    outbox: Outbox, topic: str, sent: str | None, answered: bool, kept: bool
) -> None:
    async with outbox.database.engine.begin() as connection:
        ago = None if sent is None else func.now() - text(f"interval '{sent}'")
        row: dict[str, Any] = {
            "event_id": "e1",
            "topic": topic,
            "subject": "r1",
            "headers": [],
            "body": b"",
            "sent_at": ago,
        }
        made = func.now() - text("interval '500 days'")
        marks = {"created_at": made, "answered_at": func.now() if answered else None}
        await connection.execute(insert(outbox.table).values(**row, **marks))
    await purge(outbox)
    assert await outbox.total() == kept


@pytest.mark.parametrize(("age", "kept"), [("29 days 23 hours", 1), ("30 days 1 hour", 0)])
async def test_ids_are_known_for_a_month(outbox: Outbox, age: str, kept: int) -> None:
    inbox = outbox.peer.tables.inbox
    async with outbox.database.engine.begin() as connection:
        received = func.now() - text(f"interval '{age}'")
        await connection.execute(insert(inbox).values(event_id="e1", type="t", subject="r1", received_at=received))
    await purge(outbox)
    async with outbox.database.engine.connect() as connection:
        assert (await connection.execute(select(func.count()).select_from(inbox))).scalar_one() == kept
