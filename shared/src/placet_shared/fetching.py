"""How often a broker is asked for messages."""

import asyncio
from time import monotonic
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

SHORTEST_FETCH_SECONDS, LONGEST_FETCH_SECONDS = 0.05, 0.25
"""An empty fetch takes so long at least: the shorter while there was news lately, the longer on a quiet broker."""


def pace_fetches(consumer: Any) -> None:
    """A broker lets an empty fetch wait for news; the embedded one answers at once, and aiokafka would ask it again
    thousands of times a second."""
    send, news_at = consumer._client.send, monotonic()

    async def paced(node: int, request: Any, **options: Any) -> Any:
        nonlocal news_at
        started = monotonic()
        answer = await send(node, request, **options)
        if isinstance(request, FetchRequest):
            ended = monotonic()
            news_at = ended if _has_news(answer) else news_at
            await asyncio.sleep(fetch_pause(ended - started, ended - news_at))
        return answer

    consumer._client.send = paced


def fetch_pause(took: float, quiet: float) -> float:
    """Seconds to wait after a fetch that took so long, when the last news is so long ago; none at all after news, or
    after an empty fetch that the broker itself held back."""
    if not quiet or took >= SHORTEST_FETCH_SECONDS:
        return 0.0
    return min(max(quiet / 20, SHORTEST_FETCH_SECONDS), LONGEST_FETCH_SECONDS)


def _has_news(answer: Any) -> bool:
    return any(partition[-1] for _topic, partitions in answer.topics for partition in partitions)
