"""Tries providers, queries and jobs at a worker, which alone connects to outside systems."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from rfc8785 import dumps as canonical_json

from placet_shared.chain import Signer
from placet_shared.clock import utc_now
from placet_shared.errors import InvalidError, TransientError
from placet_shared.identity import HEADER, Identity, body_hash, sign_identity

SECONDS = 60.0


class NoWorkerError(TransientError):
    """No worker answers."""


@dataclass(frozen=True)
class Worker:
    """Calls a worker in the name of who asks, with the scheduler's signature."""

    url: str | None
    signer: Signer

    async def post(self, what: str, document: Mapping[str, Any], caller: Identity) -> dict[str, Any]:
        """`what` is provider-tests, query-tests or job-checks. Raises NoWorkerError, or InvalidError in its words."""
        if self.url is None:
            raise NoWorkerError("PLACET_SYNC_WORKER_URL is not set, so nothing can be tried")
        target, body = f"/api/v1/{what}", canonical_json(document)
        identity = caller.model_copy(
            update={"method": "POST", "target": target, "body": body_hash(body), "issued_at": utc_now()}
        )
        headers = {HEADER: sign_identity(self.signer, identity), "content-type": "application/json"}
        try:
            async with httpx2.AsyncClient(timeout=SECONDS) as client:
                answer = await client.post(self.url + target, content=body, headers=headers)
        except httpx2.HTTPError as error:
            raise NoWorkerError(f"no worker answers at {self.url}: {error}; see `placet status`") from error
        if answer.status_code != httpx2.codes.OK:
            problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            raise InvalidError(problem.get("detail", f"the worker answered {answer.status_code}"), problem.get("field"))
        found: dict[str, Any] = answer.json()
        return found
