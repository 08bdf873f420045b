"""Tries providers, queries and jobs at a worker, which alone connects to outside systems."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from rfc8785 import dumps as canonical_json

from placet_shared.chain import Signer
from placet_shared.clock import utc_now
from placet_shared.errors import InvalidError, TransientError
from placet_shared.identity import HEADER, Identity, body_hash

SECONDS = 60.0


def open_client() -> httpx2.AsyncClient:
    """A connection is let go before the worker closes it (uvicorn: 5 s)."""
    return httpx2.AsyncClient(timeout=SECONDS, limits=httpx2.Limits(keepalive_expiry=2))


class NoWorkerError(TransientError):
    """No worker answers."""


@dataclass(frozen=True)
class Worker:
    """Calls a worker in the name of who asks, with the scheduler's signature."""

    url: str | None
    signer: Signer
    client: httpx2.AsyncClient

    async def post(self, what: str, document: Mapping[str, Any], caller: Identity) -> dict[str, Any]:
        """`what` is provider-tests, query-tests or job-checks. Raises NoWorkerError, or InvalidError in its words."""
        if self.url is None:
            raise NoWorkerError("PLACET_SYNC_WORKER_URL is not set at the scheduler, so that nothing can be tried")
        target, body = f"/api/v1/{what}", canonical_json(document)
        identity = caller.model_copy(
            update={"method": "POST", "target": target, "body": body_hash(body), "issued_at": utc_now()}
        )
        headers = {HEADER: self.signer.sign(identity), "content-type": "application/json"}
        try:
            answer = await self.client.post(self.url.rstrip("/") + target, content=body, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NoWorkerError(
                f"no worker answers at {self.url} ({error or type(error).__name__}); see `placet status`"
            ) from error
        return _read(answer)


def _read(answer: httpx2.Response) -> dict[str, Any]:
    try:
        document: dict[str, Any] = answer.json()
    except ValueError:
        document = {}
    if answer.status_code == httpx2.codes.OK:
        return document
    reason = document.get("detail", f"the worker answered {answer.status_code}; see its log")
    if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
        raise NoWorkerError(reason)
    raise InvalidError(reason, document.get("field"))
