"""`python -m placet_notifier`: one notifier, until SIGTERM."""

from placet_shared.service import serve

from .app import NAME, build
from .settings import NotifierSettings

if __name__ == "__main__":
    serve(NAME, NotifierSettings, build)
