"""Calls of the services in a caller's name, each with an identity that is good for this one call."""

from collections.abc import Mapping

import httpx2
from fastapi import Response

from placet_shared.chain import Signer
from placet_shared.clock import utc_now
from placet_shared.identity import HEADER, Identity, body_hash

from .errors import ServiceAwayError
from .routing import Route
from .users import User

PASSED_ON = ("accept", "content-type", "idempotency-key", "if-match", "if-none-match", "traceparent")
"""Headers of a call that a service sees. Nothing else goes through: no identity, no token, nothing hop by hop."""

PASSED_BACK = ("content-type", "etag", "location", "retry-after", "cache-control")


def open_client() -> httpx2.AsyncClient:
    """Follows no redirects, uses no proxies. A connection is let go before the servers close it (uvicorn: 5 s)."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(120, connect=3, pool=10),
        limits=httpx2.Limits(max_connections=200, keepalive_expiry=2),
        follow_redirects=False,
        trust_env=False,
    )


class Forwarder:
    """Knows where the services are."""

    def __init__(self, urls: Mapping[str, str], client: httpx2.AsyncClient, signer: Signer) -> None:
        self._urls = urls
        self._client = client
        self._signer = signer

    async def call(
        self, caller: User, method: str, to: Route, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """The service's answer, whatever it is. Raises ServiceAwayError."""
        passed = {name: value for name, value in (headers or {}).items() if name.lower() in PASSED_ON}
        request = self._client.build_request(method, self._url(to), content=body, headers=passed)
        request.headers[HEADER] = self._identity(caller, request, body)
        return await self._send(to.service, request)

    async def fetch(self, service: str, path: str) -> httpx2.Response:
        """What a service tells everybody, such as its OpenAPI. Raises ServiceAwayError."""
        return await self._send(service, self._client.build_request("GET", self._url(Route(service, path))))

    def _url(self, to: Route) -> str:
        return self._urls[to.service].rstrip("/") + to.target

    def _identity(self, caller: User, request: httpx2.Request, body: bytes) -> str:
        """Signed over the target as it goes over the wire, not as it came."""
        identity = Identity(
            user=caller.name,
            email=caller.email,
            groups=caller.groups,
            roles=caller.roles,
            method=request.method,
            target=request.url.raw_path.decode("ascii"),
            body=body_hash(body),
            issued_at=utc_now(),
        )
        return self._signer.sign(identity)

    async def _send(self, service: str, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._client.send(request)
        except httpx2.TransportError as error:
            why = type(error).__name__
            raise ServiceAwayError(f"the service {service} does not answer ({why}); try again in a moment") from error


def passed_back(answer: httpx2.Response) -> Response:
    """A service's answer as the caller gets it."""
    headers = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers}
    return Response(answer.content, answer.status_code, headers)
