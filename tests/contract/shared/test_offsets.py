"""When a group's offset moves: a service that dies must find again what it had not settled."""

from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from placet_shared.events import Event, RunTriggered
from placet_shared.kafka_topics import ensure_topics
from placet_shared.topics import RUN_TRIGGERS
from placet_shared.work import Work
from tests.support.delivery import Watcher, messages_on, produce, raw, running, trigger, until
from tests.support.kafka import Kafka
from tests.support.noida import Noida


async def committed(bootstrap: str, group: str, partition: int) -> int:
    """The group's offset; -1 while it has none."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    found = offsets.get(TopicPartition(RUN_TRIGGERS, partition))
    return found.offset if found is not None else -1


async def test_an_offset_is_committed_when_its_message_is_settled_and_not_before(
    broker: Kafka | Noida, seen: Watcher
) -> None:
    bootstrap, event, group = broker.bootstrap, trigger(), f"placet-{seen.peer.name}"
    await ensure_topics(bootstrap)
    await produce(bootstrap, raw(event))
    (message,) = [one for one in await messages_on(bootstrap, RUN_TRIGGERS) if event.job.encode() in (one.value or b"")]
    meanwhile: list[int] = []

    async def handler(each: Event, work: Work) -> None:
        await seen.peer.record(each, work)
        if each.subject == event.job:
            meanwhile.append(await committed(bootstrap, group, message.partition))

    async def moved() -> Any:
        return await committed(bootstrap, group, message.partition) > message.offset

    async with running(seen.peer.service(bootstrap, {RunTriggered: handler})):
        await until(moved)
    assert len(meanwhile) == 1
    assert meanwhile[0] <= message.offset
