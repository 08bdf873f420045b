"""What is refused before anything is saved, started or tried: bodies that are no text, conditions, roles."""

from typing import Any

import pytest
from httpx2 import Response

from tests.support.scheduler import Scheduler
from tests.support.signing import an_identity, identity_header

NO_TEXTS = [rb"a\u0000b", rb"a\ud800b", rb"\udc00"]


async def post(scheduler: Scheduler, path: str, body: bytes) -> Response:
    target = f"/api/v1{path}"
    signed = identity_header(scheduler.keys, an_identity("ada", "POST", target, body, roles=("admin",)))
    async with scheduler.client() as client:
        return await client.post(target, content=body, headers={"Content-Type": "application/json", **signed})


@pytest.mark.parametrize("text", NO_TEXTS)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/runs", b'{"job": "people", "records": ["%s"]}'),
        ("/runs", b'{"job": "%s"}'),
        ("/apply", b'{"objects": [{"kind": "provider", "name": "new", "type": "csv", "path": "%s"}]}'),
        ("/apply", b'{"objects": [{"kind": "%s", "name": "new"}]}'),
        ("/apply", b'{"objects": [{"kind": "provider", "name": "new", "type": "csv", "%s": 1}]}'),
        ("/query-tests", b'{"provider": "hr", "query": "%s"}'),
    ],
)
async def test_no_text_is_refused_in_words(scheduler: Scheduler, path: str, body: bytes, text: bytes) -> None:
    await scheduler.apply_people()
    answer = await post(scheduler, path, body % text)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["detail"].startswith("the body ")
    assert await scheduler.runs() == []


async def test_an_object_that_must_not_be_there_yet_is_not_overwritten(scheduler: Scheduler) -> None:
    path, document = "/providers/hr", {"type": "csv", "path": "people.csv"}

    async def put(**more: Any) -> Response:
        return await scheduler.call("PUT", path, document | more, headers={"If-None-Match": "*"})

    assert (await put()).status_code == 200
    refused = await put(path="other.csv")
    assert (refused.status_code, "is there already" in refused.json()["detail"]) == (412, True)
    assert (await scheduler.call("GET", path)).json()["path"] == "people.csv"
    await scheduler.call("DELETE", path)
    assert (await put(path="other.csv")).status_code == 200


async def test_an_etag_that_does_not_match_lets_through(scheduler: Scheduler) -> None:
    path, document = "/providers/hr", {"type": "csv", "path": "people.csv"}
    etag = (await scheduler.call("PUT", path, document)).headers["etag"]
    for tag, status in ((f'"other", {etag}', 412), ('"other"', 200)):
        answer = await scheduler.call("PUT", path, document, headers={"If-None-Match": tag})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "body"), [("/provider-tests", {"provider": "corp"}), ("/query-tests", {"provider": "corp"})]
)
async def test_who_only_reads_has_no_provider_tried(scheduler: Scheduler, path: str, body: dict[str, str]) -> None:
    await scheduler.apply_people()
    for roles, status in ((("viewer", "approver"), 403), (("editor",), 503)):  # there is no worker here
        assert (await scheduler.call("POST", path, body, roles=roles)).status_code == status


async def test_a_review_for_who_only_reads_tries_no_provider(scheduler: Scheduler) -> None:
    await scheduler.apply_people()
    for roles, why in ((("viewer",), "ada needs the role editor"), (("editor",), "PLACET_SYNC_WORKER_URL is not set")):
        review = (await scheduler.call("POST", "/jobs/people/review", roles=roles)).json()
        assert any(why in warning for warning in review["warnings"])
