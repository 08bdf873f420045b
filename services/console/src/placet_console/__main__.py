"""`python -m placet_console`: one console, until SIGTERM; with the word `bootstrap-admin` the first admin instead."""

import asyncio
import sys

from placet_shared.logging import configure_logging
from placet_shared.service import serve

from .app import NAME, build
from .bootstrap import bootstrap_admin
from .settings import ConsoleSettings


def main(arguments: list[str]) -> int:
    """The exit code: 2 is wrong usage."""
    match arguments:
        case []:
            serve(NAME, ConsoleSettings, build)
        case ["bootstrap-admin"]:
            settings = ConsoleSettings.load()
            configure_logging(settings.log, NAME)
            sys.stdout.write(f"token of admin, shown this once: {asyncio.run(bootstrap_admin(settings))}\n")
        case _:
            sys.stderr.write("usage: python -m placet_console [bootstrap-admin]\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
