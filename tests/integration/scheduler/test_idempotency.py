"""A request that is sent again under its key is answered with what it did, and does nothing more."""

import asyncio
from typing import Any

import httpx2
import pytest

from placet_scheduler.upkeep import forget_old_keys
from placet_shared.events import RunRequested
from tests.support.scheduler import Scheduler, people
from tests.support.signing import CORP, HR

KEY = "5f0c"
RUN, PREVIEW = {"job": "people"}, {"job": "people", "preview": True}


@pytest.fixture
async def ready(scheduler: Scheduler) -> Scheduler:
    await scheduler.apply(HR, CORP, people(), people(name="others"))
    return scheduler


async def ask(scheduler: Scheduler, document: Any, key: str = KEY, user: str = "olga") -> httpx2.Response:
    headers = {"Idempotency-Key": key}
    return await scheduler.call("POST", "/runs", document, user=user, roles=("operator",), headers=headers)


async def the_id(scheduler: Scheduler, document: Any, key: str = KEY, user: str = "olga") -> str:
    answer = await ask(scheduler, document, key, user)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("document", [RUN, PREVIEW])
async def test_the_same_request_gets_the_same_run(ready: Scheduler, another: Scheduler, document: Any) -> None:
    first = await the_id(ready, document)
    assert [await the_id(replica, document) for replica in (another, ready)] == [first, first]
    assert len(await ready.published(RunRequested)) == 1


@pytest.mark.parametrize(("document", "end"), [(RUN, {}), (PREVIEW, {"outcome": "previewed", "preview": True})])
async def test_it_gets_it_also_when_it_is_over(ready: Scheduler, document: Any, end: Any) -> None:
    first = await the_id(ready, document)
    await ready.end(first, **end)
    again = (await ask(ready, document)).json()
    assert (again["id"], again["state"]) == (first, "finished")
    assert await the_id(ready, document, key="another") != first


async def test_what_means_the_same_is_the_same_request(ready: Scheduler) -> None:
    first = await the_id(ready, RUN)
    assert await the_id(ready, {"records": [], "preview": False, "job": "people"}) == first


@pytest.mark.parametrize("other", [PREVIEW, {"job": "others"}, RUN | {"records": ["e1"]}])
async def test_a_key_does_not_serve_for_another_request(ready: Scheduler, other: Any) -> None:
    first = await the_id(ready, RUN)
    refused = await ask(ready, other)
    assert refused.status_code == 422
    assert refused.json()["detail"] == "this Idempotency-Key came with another request before; use a new one"
    assert [run["id"] for run in await ready.runs()] == [first]


async def test_a_key_is_its_users_own(ready: Scheduler) -> None:
    keyed = [await the_id(ready, PREVIEW, user=user) for user in ("olga", "oscar")]
    assert keyed == [await the_id(ready, PREVIEW, user=user) for user in ("olga", "oscar")]
    assert len(set(keyed)) == 2


async def test_without_a_key_each_preview_is_a_new_one(ready: Scheduler) -> None:
    assert (await ready.ask(preview=True))["id"] != (await ready.ask(preview=True))["id"]


async def test_a_key_that_joined_an_open_run_stays_with_it(ready: Scheduler) -> None:
    run = await ready.ask()
    assert await the_id(ready, RUN) == run["id"]
    await ready.end(run["id"])
    assert await the_id(ready, RUN) == run["id"]
    assert len(await ready.runs()) == 1


async def test_who_gets_the_open_run_is_told_so_each_time(ready: Scheduler) -> None:
    assert ["joined" in (await ask(ready, RUN)).json() for _ in range(2)] == [False, False]
    assert [(await ask(ready, RUN, "another")).json()["joined"] for _ in range(2)] == [True, True]
    assert (await ready.ask())["joined"] is True
    assert "joined" not in (await ask(ready, PREVIEW, "preview")).json()


async def test_a_request_that_was_refused_leaves_no_key(ready: Scheduler) -> None:
    later = {"job": "later"}
    assert (await ask(ready, later)).status_code == 404
    await ready.apply(people(name="later"))
    run_id = await the_id(ready, later)
    assert (await ready.run(run_id))["job"] == "later"


@pytest.mark.parametrize(("key", "status"), [("x" * 200, 202), ("x" * 201, 422), ("", 202)])
async def test_how_long_a_key_may_be(ready: Scheduler, key: str, status: int) -> None:
    assert (await ask(ready, PREVIEW, key)).status_code == status


# ---- at once ---------------------------------------------------------------------------------------------------------


async def test_two_that_come_at_once_are_one_request(ready: Scheduler, another: Scheduler) -> None:
    """Of previews, which would be as many runs without the key."""
    for number in range(4):
        calls = [the_id(replica, PREVIEW, f"key {number}") for replica in (ready, another) * 3]
        assert len(set(await asyncio.gather(*calls))) == 1
    assert len(await ready.published(RunRequested)) == 4


async def test_of_two_different_requests_at_once_one_is_refused(ready: Scheduler, another: Scheduler) -> None:
    for number in range(4):
        key = f"key {number}"
        answers = await asyncio.gather(ask(ready, PREVIEW, key), ask(another, PREVIEW | {"job": "others"}, key))
        assert sorted(answer.status_code for answer in answers) == [202, 422]
    assert len(await ready.published(RunRequested)) == 4


async def test_keys_do_not_wait_for_each_other(ready: Scheduler, another: Scheduler) -> None:
    calls = [the_id(replica, PREVIEW, f"key {n}") for n, replica in enumerate((ready, another) * 3)]
    assert len(set(await asyncio.gather(*calls))) == 6


# ---- in time ---------------------------------------------------------------------------------------------------------


async def test_a_key_is_forgotten_after_a_week(ready: Scheduler) -> None:
    old, new = [await the_id(ready, PREVIEW, key) for key in ("old", "new")]
    age = "UPDATE scheduler.asked SET asked_at = now() - CAST(:age AS interval) WHERE key = :key"
    await ready.sql(age, age="7 days 1 minute", key="old")
    await ready.sql(age, age="6 days 23 hours", key="new")
    await forget_old_keys(ready.database)
    assert await the_id(ready, PREVIEW, "new") == new
    assert await the_id(ready, PREVIEW, "old") != old
