"""The API as the command sees it: found by options, environment or the local stack's folder; patient with restarts."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from .errors import CommandError
from .local.home import Home

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.3
TRY_AGAIN = frozenset({502, 503})
REQUEST_SECONDS = 90.0


@dataclass(frozen=True)
class Target:
    """Where the API is, and who asks."""

    url: str
    token: str


def find_target(url: str | None, token: str | None) -> Target:
    """Options first, then the environment, then what `placet up` left in its folder. Raises CommandError."""
    home = Home(Path(os.environ.get("PLACET_HOME", ".placet")).resolve())
    url = url or os.environ.get("PLACET_URL") or (home.read_state() or {}).get("url")
    token = token or os.environ.get("PLACET_TOKEN") or _read(home.token_file)
    if not url:
        raise CommandError("no Placet is known here; run `placet up`, or give --url")
    if not token:
        raise CommandError("no token is known here; give --token or set PLACET_TOKEN")
    return Target(url.rstrip("/"), token)


class Client:
    """Calls the API. A refused connection, 502 and 503 are tried again for half a minute."""

    def __init__(self, target: Target) -> None:
        self._http = httpx2.Client(
            base_url=f"{target.url}/api/v1",
            headers={"authorization": f"Bearer {target.token}"},
            timeout=REQUEST_SECONDS,
        )
        self._url = target.url

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: object = None) -> Any:
        return self._call("POST", path, json=body, headers={"Idempotency-Key": str(uuid4())})

    def put(self, path: str, body: object) -> Any:
        return self._call("PUT", path, json=body, headers={"Idempotency-Key": str(uuid4())})

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path, headers={"Idempotency-Key": str(uuid4())})

    def items(self, path: str, **query: Any) -> Iterator[Any]:
        """Every item of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor, **query)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def _call(self, method: str, path: str, **request: Any) -> Any:
        answer = self._patiently(method, path, request)
        if answer.status_code >= httpx2.codes.BAD_REQUEST:
            raise CommandError(_words_of(answer))
        return answer.json() if answer.content else None

    def _patiently(self, method: str, path: str, request: Mapping[str, Any]) -> httpx2.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._http.request(method, path, **request)
                if answer.status_code not in TRY_AGAIN or time.monotonic() > deadline:
                    return answer
            except httpx2.TransportError as error:
                if time.monotonic() > deadline or not isinstance(
                    error, httpx2.ConnectError | httpx2.RemoteProtocolError
                ):
                    raise CommandError(f"{self._url} does not answer ({error}); see `placet status`") from error
            time.sleep(PAUSE_SECONDS)


def _words_of(answer: httpx2.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"the server answered {answer.status_code} without a reason; see its log"
    return str(problem.get("detail") or problem.get("title") or f"the server answered {answer.status_code}")


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
