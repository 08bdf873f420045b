"""A notifier of its own process without Kafka: only its loops, until it is killed. Settings as for the service."""

import asyncio

from placet_notifier.app import build
from placet_notifier.settings import NotifierSettings
from placet_shared.logging import configure_logging


async def main() -> None:
    settings = NotifierSettings.load()
    configure_logging("console", "notifier")
    await asyncio.gather(*(loop.run() for loop in build(settings).loops))


if __name__ == "__main__":
    asyncio.run(main())
