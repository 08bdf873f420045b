"""`python -m placet_scheduler`: one scheduler, until SIGTERM."""

from placet_shared.logging import configure_logging
from placet_shared.service import serve

from .app import build
from .settings import SchedulerSettings


def main() -> None:
    settings = SchedulerSettings.load()
    configure_logging(settings.log, "scheduler")
    serve(build(settings))


if __name__ == "__main__":
    main()
