"""Which Placet a command speaks to, and as whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from .errors import USAGE, CommandError
from .local.home import Home
from .local.status import running_pid

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Target:
    """Where the API is, and who asks."""

    url: str
    token: str

    @property
    def is_this_machine(self) -> bool:
        return urlsplit(self.url).hostname in LOOPBACK


def find_target(url: str | None, token: str | None, environment: Mapping[str, str], home: Home) -> Target:
    """Options first, then the environment, then what `placet up` left in its folder. Raises CommandError.

    The folder's token is for the folder's stack alone: it goes nowhere else.
    """
    url = url or environment.get("PLACET_URL") or _url_of(home)
    if not _is_address(url):
        raise CommandError(f"--url {url}: this is no address; write http://host:port", USAGE)
    token = token or environment.get("PLACET_TOKEN") or (_read(home.token_file) if is_local(url, home) else None)
    if not token:
        raise CommandError(f"no token is known for {url}; give --token or set PLACET_TOKEN")
    if not (token.isascii() and token.isprintable()):
        raise CommandError("the token has characters that no token has; copy it again", USAGE)
    return Target(url.rstrip("/"), token)


def _url_of(home: Home) -> str:
    """Where the folder's stack answers. Raises CommandError where none runs: it is of no use to wait for it."""
    url = (home.read_state() or {}).get("url")
    if not url:
        raise CommandError("no Placet is known here; run `placet up`, or give --url")
    if running_pid(home) is None:
        raise CommandError(f"the stack in {home.folder} does not run; start it with `placet up`, or give --url")
    return str(url)


def is_local(url: str | None, home: Home) -> bool:
    """Whether the address, or none given, is the folder's own stack."""
    known = (home.read_state() or {}).get("url")
    if known is None:
        return False
    return url is None or (_is_address(url) and _place(urlsplit(url)) == _place(urlsplit(known)))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of range, half an IPv6 address
        return False


def _place(parts: SplitResult) -> tuple[str | None, int | None]:
    return ("localhost" if parts.hostname in LOOPBACK else parts.hostname, parts.port)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
