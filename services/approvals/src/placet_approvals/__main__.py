"""`python -m placet_approvals`: approvals, until SIGTERM."""

from placet_shared.service import serve
from placet_shared.settings import Settings

from .app import NAME, build

if __name__ == "__main__":
    serve(NAME, Settings, build)
