"""`python -m placet_scheduler`: one scheduler, until SIGTERM."""

from placet_shared.service import serve

from .app import NAME, build
from .settings import SchedulerSettings

if __name__ == "__main__":
    serve(NAME, SchedulerSettings, build)
