"""Which service a path belongs to. Pure, and strict: what is not plainly a path of the API goes nowhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

SERVICE_OF: Mapping[str, str] = {
    "providers": "scheduler",
    "jobs": "scheduler",
    "schedules": "scheduler",
    "workflows": "scheduler",
    "collections": "scheduler",
    "templates": "scheduler",
    "smart-group-jobs": "scheduler",
    "apply": "scheduler",
    "reviews": "scheduler",
    "runs": "scheduler",
    "query-tests": "scheduler",
    "provider-tests": "scheduler",
    "requests": "approvals",
    "audit": "approvals",
    "notifications": "notifier",
}
"""The owner of each collection, by the first word of its path."""

DEAD_LETTER_OWNERS = ("scheduler", "sync-worker", "approvals", "notifier")
"""Services that handle events. The console handles none, so it has no dead letters."""

_PATH = re.compile(r"/api/v1((?:/[A-Za-z0-9][A-Za-z0-9._-]{0,254})+)")
"""No dots alone, no encoded characters, no empty parts, no slash at the end: both ends read such a path the same."""

_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")
_OF_WORKER = re.compile(r"/runs/[^/]+/(?:changes|explanations|passwords(?:/received)?)|/jobs/[^/]+/mark")
_DEAD_LETTER = re.compile(r"/dead-letters/([^/]+)(/[^/]+(?:/replay)?)")


@dataclass(frozen=True)
class Route:
    """A service and what to ask it for: path and query."""

    service: str
    target: str


def route(raw_path: bytes, query: bytes) -> Route | None:
    """Where a call goes, by the path and query as they stood in the request line; None when nowhere."""
    path, asked = raw_path.decode("latin-1"), query.decode("latin-1")
    found = _PATH.fullmatch(path)
    if found is None or not _QUERY.fullmatch(asked) or "%00" in asked:
        return None
    suffix = f"?{asked}" if asked else ""
    if (letter := _DEAD_LETTER.fullmatch(found[1])) and letter[1] in DEAD_LETTER_OWNERS:
        return Route(letter[1], f"/api/v1/dead-letters{letter[2]}{suffix}")
    service = owner(found[1])
    return Route(service, path + suffix) if service else None


def owner(path: str) -> str | None:
    """The service that a path below `/api/v1` belongs to."""
    if _OF_WORKER.fullmatch(path):
        return "sync-worker"
    return SERVICE_OF.get(path.split("/")[1])
