"""`python -m placet_sync_worker`: one worker, until SIGTERM."""

from .memory import keep_small

if __name__ == "__main__":
    keep_small()

    from placet_shared.service import serve

    from .app import NAME, build
    from .settings import WorkerSettings

    serve(NAME, WorkerSettings, build)
