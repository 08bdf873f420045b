"""Starts the console: `python -m placet_console`. With the word `bootstrap-admin` it makes the first admin instead."""

import asyncio
import sys

from placet_shared.logging import configure_logging
from placet_shared.service import serve

from .app import build
from .bootstrap import bootstrap_admin
from .settings import NAME, ConsoleSettings


def main(arguments: list[str]) -> int:
    """Runs until it is told to stop; 2 is wrong usage."""
    settings = ConsoleSettings.load()
    configure_logging(settings.log, NAME)
    if arguments == ["bootstrap-admin"]:
        sys.stdout.write(f"token of admin, shown this once: {asyncio.run(bootstrap_admin(settings))}\n")
        return 0
    if arguments:
        sys.stderr.write("usage: python -m placet_console [bootstrap-admin]\n")
        return 2
    serve(build(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
