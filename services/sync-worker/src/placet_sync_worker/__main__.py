"""`python -m placet_sync_worker`: one worker, until SIGTERM."""

from placet_shared.logging import configure_logging
from placet_shared.service import serve

from .app import build
from .settings import WorkerSettings


def main() -> None:
    settings = WorkerSettings.load()
    configure_logging(settings.log, "sync-worker")
    serve(build(settings))


if __name__ == "__main__":
    main()
