"""The topics on a broker: made where they are missing."""

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from . import topics

ADMIN_SECONDS = 10.0
PARTITIONS = 12
REPLICAS = 3
LARGEST_MESSAGE = 4 * 1024 * 1024
"""Room for a dead letter, which is a message of the broker's largest size and its reason."""


async def ensure_topics(bootstrap: str, partitions: int = PARTITIONS, replicas: int | None = None) -> None:
    """Makes the topics that are missing, with three replicas where there are three brokers. Raises KafkaError or
    TimeoutError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(ADMIN_SECONDS * 1000))
    try:
        async with asyncio.timeout(ADMIN_SECONDS):
            await admin.start()
            missing = set(topics.ALL_TOPICS) - set(await admin.list_topics())
            if missing:
                copies = replicas or min(REPLICAS, len((await admin.describe_cluster())["brokers"]))
                made = await admin.create_topics([_new_topic(name, partitions, copies) for name in sorted(missing)])
                _check_made(made)
    finally:
        await admin.close()


def _check_made(answer: Any) -> None:
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if error not in (NoError, TopicAlreadyExistsError):  # two services may make them at once
            raise error(f"the topic {name} could not be made")


def _new_topic(name: str, partitions: int, replicas: int) -> NewTopic:
    settings = {"min.insync.replicas": "2"} if replicas >= REPLICAS else {}
    if name in topics.COMPACTED:
        settings["cleanup.policy"] = "compact"
    if name == topics.DEAD_LETTERS:
        settings["max.message.bytes"] = str(LARGEST_MESSAGE)
    return NewTopic(name, partitions, replicas, topic_configs=settings)
