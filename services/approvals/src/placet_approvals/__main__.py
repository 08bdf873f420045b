"""Starts approvals: `python -m placet_approvals`."""

from placet_shared.logging import configure_logging
from placet_shared.service import serve
from placet_shared.settings import Settings

from .app import NAME, build


def main() -> None:
    """Runs until it is told to stop."""
    settings = Settings.load()
    configure_logging(settings.log, NAME)
    serve(build(settings))


if __name__ == "__main__":
    main()
