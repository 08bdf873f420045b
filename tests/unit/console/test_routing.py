"""Which service a path belongs to, and which paths go nowhere."""

import pytest

from placet_console.routing import Route, route

RUN = "0b8e1c9e-6e2b-4f0e-9a53-1f2d3c4b5a69"


@pytest.mark.parametrize(
    ("target", "service"),
    [
        ("/api/v1/providers", "scheduler"),
        ("/api/v1/providers/hr", "scheduler"),
        ("/api/v1/jobs/a.b_c-d/review", "scheduler"),
        ("/api/v1/runs", "scheduler"),
        (f"/api/v1/runs/{RUN}", "scheduler"),
        (f"/api/v1/runs/{RUN}/cancel", "scheduler"),
        (f"/api/v1/runs/{RUN}/changes", "sync-worker"),
        (f"/api/v1/runs/{RUN}/explanations", "sync-worker"),
        (f"/api/v1/runs/{RUN}/passwords", "sync-worker"),
        (f"/api/v1/runs/{RUN}/passwords/received", "sync-worker"),
        (f"/api/v1/runs/{RUN}/passwords/other", "scheduler"),
        ("/api/v1/runs/changes", "scheduler"),
        ("/api/v1/jobs/people/mark", "sync-worker"),
        ("/api/v1/provider-tests", "scheduler"),
        ("/api/v1/query-tests", "scheduler"),
        (f"/api/v1/requests/{RUN}/decisions", "approvals"),
        ("/api/v1/audit", "approvals"),
        ("/api/v1/notifications", "notifier"),
    ],
)
def test_a_path_belongs_to_one_service(target: str, service: str) -> None:
    assert route(target.encode(), b"") == Route(service, target)
    assert route(target.encode(), b"cursor=a%2Fb&limit=5") == Route(service, f"{target}?cursor=a%2Fb&limit=5")


@pytest.mark.parametrize("tail", ["placet.run-planned-3-17-0a1b2c", "placet.run-planned-3-17-0a1b2c/replay"])
def test_a_dead_letter_belongs_to_the_service_that_it_names(tail: str) -> None:
    found = route(f"/api/v1/dead-letters/sync-worker/{tail}".encode(), b"")
    assert found == Route("sync-worker", f"/api/v1/dead-letters/{tail}")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/jobs",
        "/api/v1/health/live",
        "/api/v1/metrics",
        "/api/v1/job-checks",
        "/api/v1/jobs/",
        "/api/v1//jobs",
        "/api/v1/jobs//x",
        "/api/v1/./jobs",
        "/api/v1/runs/../users",
        "/api/v1/runs/../../../metrics",
        "/api/v1/runs/.",
        "/api/v1/runs/%2e%2e/users",
        "/api/v1/runs/..%2fusers",
        "/api/v1/runs%2f..%2fusers",
        "/api/v1/runs/%252e%252e/users",
        "/api/v1/runs/..;/users",
        "/api/v1/runs/..\\users",
        "/api/v1/jobs/a%00b",
        "/api/v1/jobs/a%0d%0aX: y",
        "/api/v1/jobs/a\r\nX: y",
        "/api/v1/jobs/a\n",
        "/api/v1/jobs/a b",
        "/api/v1/jobs/a?b",
        "/api/v1/jobs/a#b",
        "/api/v1/jobs/x'--",
        "/api/v1/jobs/é",
        "/api/v1/jobs/" + "a" * 300,
        "http://evil/api/v1/jobs",
        "//evil/api/v1/jobs",
        "/api/v1/dead-letters/console/x",
        "/api/v1/dead-letters/evil.example/x",
        "/api/v1/dead-letters/scheduler",
        "/api/v1/dead-letters/scheduler/x/replay/y",
    ],
)
def test_what_is_not_plainly_a_path_goes_nowhere(path: str) -> None:
    assert route(path.encode("latin-1"), b"") is None


@pytest.mark.parametrize("query", ["a#b", "a b", "a\r\nX: y", "a\x00", "a\xff", "a\\b", 'a"b', "a<b", "a=%00"])
def test_a_query_that_two_readers_could_read_in_two_ways_goes_nowhere(query: str) -> None:
    assert route(b"/api/v1/jobs", query.encode("latin-1")) is None
