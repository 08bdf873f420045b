"""`python -m placet_sync_worker`: one worker, until SIGTERM."""

from placet_shared.service import serve

from .app import NAME, build
from .settings import WorkerSettings

if __name__ == "__main__":
    serve(NAME, WorkerSettings, build)
