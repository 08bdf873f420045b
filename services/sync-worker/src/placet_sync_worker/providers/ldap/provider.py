"""Opens LDAP directories, as destination and as source, and says what is wrong when they do not open."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa

from placet_shared.errors import PlacetError
from placet_shared.objects import IdentityStore, LdapProvider

from ...errors import UnusableJobError, naming
from ...ports import DN, ID, RECORD, VERSION, Directory, Page, Window
from ..surroundings import Surroundings
from .attributes import Attributes
from .connecting import Target
from .drivers import open_directory
from .errors import BindRefusedError
from .matching import generalized_time
from .store import LdapStore, look_around
from .window import DirectoryTimes, narrowed

SettingsT = TypeVar("SettingsT", bound=IdentityStore)
StoreT = TypeVar("StoreT", bound=LdapStore)


@dataclass(frozen=True)
class LdapSource:
    """A `Source` over a store; a record stands where its DN says. Without a query: all users."""

    store: LdapStore

    def default_query(self) -> str:
        return self.store.object_type(None).query

    def columns(self, query: str | None = None) -> None:
        """Any attribute may be asked for."""

    def read(self, columns: Sequence[str], query: str | None, window: Window | None = None) -> Iterator[Page]:
        """See `Source`."""
        asked = query or self.default_query()
        for filter_ in narrowed(asked, window, self.store.attributes) if window else [asked]:
            for page in self.store.read(columns, filter_):
                yield Page(as_records(page))

    def stamps(self, column: str, query: str | None) -> DirectoryTimes:
        """See `Source`."""
        if self.store.attribute(column).decode is not generalized_time:
            raise UnusableJobError(f"time_stamp: {column} is no time in the directory's schema; name modifyTimestamp")
        return DirectoryTimes(datetime.now(UTC))

    def close(self) -> None:
        self.store.close()


def as_records(entries: pa.RecordBatch) -> pa.RecordBatch:
    """A page of a destination as one of a source: a record stands where its DN says."""
    kept = [name for name in entries.schema.names if name not in (ID, VERSION, DN)]
    records = [entries.column(DN), *(entries.column(name) for name in kept)]
    return pa.RecordBatch.from_arrays(records, names=[RECORD, *kept])


def open_ldap(settings: LdapProvider, surroundings: Surroundings) -> LdapStore:
    """The directory of a provider, bound. Raises DirectoryError or SecretMissingError that names the provider."""
    with naming(f"provider {settings.name}"):
        return store_over(settings, open_target(settings, target_of(settings, surroundings)))


def open_ldap_source(settings: LdapProvider, surroundings: Surroundings) -> LdapSource:
    """See `open_ldap`."""
    return LdapSource(open_ldap(settings, surroundings))


def try_ldap(settings: LdapProvider, surroundings: Surroundings) -> list[dict[str, Any]]:
    """See `try_store`."""
    return try_store(settings, surroundings, target_of, store_over, _found)


def target_of(settings: IdentityStore, surroundings: Surroundings, search_controls: tuple[str, ...] = ()) -> Target:
    """Raises SecretMissingError."""
    password = surroundings.secret(settings.password, _host_of(settings.url))
    return Target(settings.url, settings.bind_dn, password, settings.tls.ca_file, search_controls=search_controls)


def _host_of(url: str) -> str:
    """Where a password goes; ldapi:// is a socket of this machine."""
    return "localhost" if url.lower().startswith("ldapi:") else urlsplit(url).hostname or "localhost"


def open_target(settings: IdentityStore, target: Target) -> Directory:
    """Connected and bound. Raises DirectoryError."""
    return open_directory(target, settings.driver)


def store_over(settings: LdapProvider, directory: Directory) -> LdapStore:
    """A store over an open directory, which is closed where that fails."""
    try:
        root, base_id, schema = look_around(directory, settings.base_dn, settings.url)
    except BaseException:
        directory.close()
        raise
    return LdapStore(
        settings.url, settings.bind_dn, settings.base_dn, directory, root, base_id, Attributes(schema),
        unique=settings.unique, keeps_references=settings.referential_integrity,
    )  # fmt: skip


def _found(store: LdapStore) -> str:
    how = {
        "assertion": "every write is a compare-and-set",
        "value": "writes compare the old values, as the server has no assertion control",
    }
    return f"found {store.base_dn} and the schema; {how[store.safety()]}"


def try_store(
    settings: SettingsT,
    surroundings: Surroundings,
    target_of: Callable[[SettingsT, Surroundings], Target],
    store_over: Callable[[SettingsT, Directory], StoreT],
    found: Callable[[StoreT], str],
) -> list[dict[str, Any]]:
    """What `placet provider test` tries, step by step, up to the first that fails: `step`, `ok`, `message`."""
    steps: list[dict[str, Any]] = []

    def tried(step: str, action: Callable[[], Any], say: Callable[[Any], str]) -> Any:
        try:
            done = action()
        except PlacetError as error:
            if step == "connect" and isinstance(error, BindRefusedError):
                steps.append({"step": "connect", "ok": True, "message": f"connected to {settings.url}"})
                step = "bind"
            steps.append({"step": step, "ok": False, "message": str(error)})
            raise _StoppedError from error
        steps.append({"step": step, "ok": True, "message": say(done)})
        return done

    try:
        target = tried("secret", lambda: target_of(settings, surroundings), lambda _: "the password is there")
        directory = tried("connect", lambda: open_target(settings, target), lambda _: f"connected to {settings.url}")
        steps.append({"step": "bind", "ok": True, "message": f"bound as {settings.bind_dn}"})
        store = tried("base", lambda: store_over(settings, directory), found)
        try:
            tried("read", lambda: _first_page(store), lambda count: f"read a page of {_users(count)}")
        finally:
            store.close()
    except _StoppedError:
        pass
    return steps


def _users(count: int) -> str:
    return "1 user" if count == 1 else f"{count} users"


class _StoppedError(Exception):
    pass


def _first_page(store: LdapStore) -> int:
    for page in store.read([], store.object_type(None).query):
        return int(page.num_rows)
    return 0
