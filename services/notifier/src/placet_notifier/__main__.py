"""Starts the notifier: `python -m placet_notifier`."""

from placet_shared.logging import configure_logging
from placet_shared.service import serve

from .app import NAME, build
from .settings import NotifierSettings


def main() -> None:
    """Runs until it is told to stop."""
    settings = NotifierSettings.load()
    configure_logging(settings.log, NAME)
    serve(build(settings))


if __name__ == "__main__":
    main()
