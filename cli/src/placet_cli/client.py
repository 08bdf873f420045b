"""The API as the command sees it, patient with restarts."""

import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from socket import gaierror
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx2

from .errors import USAGE, CommandError
from .target import Target

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.3
REQUEST_SECONDS = 120.0
PAGE = 500

ODD_PARTS = frozenset({"", ".", ".."})
"""Of a path: they would lead elsewhere."""
TRY_AGAIN = frozenset({502, 503})
CUT_OFF = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)
"""A server that is away, or went away in the middle; writes carry a key, so that none counts twice."""


def say(line: str) -> None:
    """Says it to whoever waits."""
    sys.stderr.write(f"{line}\n")


class Client:
    """Calls the API. A refused connection, 502 and 503 are tried again for half a minute."""

    def __init__(
        self,
        target: Target,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = say,
    ) -> None:
        self._http = httpx2.Client(
            base_url=f"{target.url}/api/v1",
            headers={"authorization": f"Bearer {target.token}"},
            timeout=httpx2.Timeout(REQUEST_SECONDS, connect=5),
            trust_env=not target.is_this_machine,
            verify=target.url.startswith("https"),  # reading the authorities takes longer than most calls
        )
        self._url = target.url
        self._advice = "see `placet status`" if target.is_this_machine else "check the address"
        self._clock, self._sleep, self._tell = clock, sleep, tell

    def get(self, *path: str, **query: Any) -> Any:
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, *path: str, body: object = None, **query: str) -> Any:
        return self._call("POST", path, json=body, params=query, headers=_key())

    def put(self, *path: str, body: object) -> Any:
        return self._call("PUT", path, json=body, headers=_key())

    def delete(self, *path: str) -> Any:
        return self._call("DELETE", path, headers=_key())

    def items(self, *path: str, **query: Any) -> list[Any]:
        """Every item of a list, however many pages it has."""
        items: list[Any] = self.first(None, *path, **query)["items"]
        return items

    def first(self, limit: int | None, *path: str, **query: Any) -> dict[str, Any]:
        """The first items of a list, or all if there is no limit; `next` is where the list goes on."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            wanted = PAGE if limit is None else min(PAGE, limit - len(found))
            page = self.get(*path, cursor=cursor, limit=wanted, **query)
            found += page["items"]
            cursor = page.get("next")
            if cursor is None or len(found) == limit:
                return {"items": found, "next": cursor}

    def _call(self, method: str, path: tuple[str, ...], **request: Any) -> Any:
        odd = next((part for part in path if part in ODD_PARTS or "/" in part), None)
        if odd is not None:
            raise CommandError(f"'{odd}' is no name and no id; see the list of this kind", USAGE)
        answer = self._patiently(method, "/".join(quote(part, safe="") for part in path), request)
        document = _document_of(answer)
        if answer.status_code >= httpx2.codes.BAD_REQUEST and isinstance(document, dict):
            words = document.get("detail") or document.get("title") or answer.reason_phrase
            raise CommandError(str(words), field=document.get("field"))
        if document is None and answer.status_code != httpx2.codes.NO_CONTENT:
            raise CommandError(f"{self._url} answered {answer.status_code}, not as Placet does; is the address right?")
        return document

    def _patiently(self, method: str, path: str, request: Mapping[str, Any]) -> httpx2.Response:
        began, told = self._clock(), False
        while True:
            over = self._clock() >= began + PATIENCE_SECONDS
            try:
                answer = self._http.request(method, path, **request)
                if answer.status_code not in TRY_AGAIN or over:
                    return answer
            except httpx2.TransportError as error:
                if over or not _may_pass(error):
                    raise CommandError(f"{self._url} does not answer ({_why(error)}); {self._advice}") from error
            if not told:
                self._tell(f"waiting for {self._url}, {PATIENCE_SECONDS:.0f} s at most: it does not answer yet")
                told = True
            self._sleep(PAUSE_SECONDS)


def _may_pass(error: httpx2.TransportError) -> bool:
    """A name that is not known, or a certificate that is not trusted, stays so."""
    return isinstance(error, CUT_OFF) and not any(isinstance(one, ssl.SSLError | gaierror) for one in _causes(error))


def _why(error: BaseException) -> str:
    """What is behind an error of the connection, in words."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "it does not speak TLS there; is it http://?"
        if isinstance(cause, gaierror):
            return "the host is not known"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return str(error) or "no answer in time"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error that came first goes last."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def _document_of(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
