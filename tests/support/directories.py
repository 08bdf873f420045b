"""A directory with another hand at work, fake or real, for tests that both must pass."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from placet_shared.clock import boot_seconds
from placet_shared.objects import LdapProvider
from placet_sync_worker.ports import Answer, Directory, Operation
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.ldap.connecting import Target
from placet_sync_worker.providers.ldap.drivers import Driver, open_directory
from placet_sync_worker.providers.ldap.provider import store_over
from placet_sync_worker.providers.ldap.store import LdapStore
from placet_sync_worker.providers.surroundings import Surroundings
from placet_sync_worker.testing.directory import FakeServer
from tests.support.proxy import Proxy, running_proxy
from tests.support.slapd import BASE_DN, BIND_DN, PASSWORD, PEOPLE, USUAL, Setup, Slapd, running_slapd

GROUPS = f"ou=Groups,{BASE_DN}"
PERSON = (b"top", b"person", b"organizationalPerson", b"inetOrgPerson")


def surroundings(**environment: str) -> Surroundings:
    """No files, and the secrets that a process would have in its environment."""
    return Surroundings(FilesFolder(Path("/nowhere")), Path("/nowhere"), environment)


def provider(url: str) -> LdapProvider:
    """The provider of a test's directory."""
    return LdapProvider.model_validate(
        {"name": "corp", "type": "ldap", "url": url, "bind_dn": BIND_DN, "password": {"env": "PLACET_SECRET_CORP"},
         "base_dn": BASE_DN}
    )  # fmt: skip


class World(Protocol):
    """A server with ou=People and ou=Groups below its base, and what may happen to it."""

    def open(self) -> Directory: ...

    def lose_answers(self) -> None:
        """From now on what is sent is carried out, and nothing is answered."""
        ...

    def lose_requests(self) -> None:
        """From now on nothing that is sent arrives."""
        ...

    def mend(self) -> None:
        """New connections work again."""
        ...

    def writes(self) -> list[tuple[str, str]]:
        """(operation, DN) of all that was written since the start."""
        ...


@dataclass
class FakeWorld:
    server: FakeServer = field(default_factory=FakeServer)

    def __post_init__(self) -> None:
        for name in ("People", "Groups"):
            ou = {"objectClass": (b"organizationalUnit",), "ou": (name.encode(),)}
            self.server.carry_out(Operation("add", f"ou={name},{BASE_DN}", attributes=ou))
        self.server.writes.clear()

    def open(self) -> Directory:
        return self.server.connect()

    def lose_answers(self) -> None:
        self.server.answers = False

    def lose_requests(self) -> None:
        self.server.hears = False

    def mend(self) -> None:
        self.server.answers = self.server.hears = True

    def writes(self) -> list[tuple[str, str]]:
        return [({"rename": "modrdn"}.get(o.what, o.what), o.dn) for o in self.server.writes]


@dataclass
class SlapdWorld:
    slapd: Slapd
    proxy: Proxy
    driver: Driver = "python"

    def open(self) -> Directory:
        url = f"ldap://127.0.0.1:{self.proxy.port}"
        return open_directory(Target(url, BIND_DN, PASSWORD, connect_seconds=2, receive_seconds=5), self.driver)

    def lose_answers(self) -> None:
        self.proxy.answers = False

    def lose_requests(self) -> None:
        self.proxy.hears = False

    def mend(self) -> None:
        self.proxy.cut()
        self.proxy.answers = self.proxy.hears = True

    def writes(self) -> list[tuple[str, str]]:
        return [(one.op, one.dn) for one in self.slapd.audited()]


@contextmanager
def slapd_world(setup: Setup = USUAL, driver: Driver = "python") -> Iterator[SlapdWorld]:
    """A real server behind a proxy."""
    with ExitStack() as stack:
        slapd = stack.enter_context(running_slapd(setup))
        yield SlapdWorld(slapd, stack.enter_context(running_proxy(slapd.port)), driver)


def hiding(*names: str) -> Setup:
    """Attributes that the bind account may write, and not read."""
    return Setup(access=f'access to attrs={",".join(names)} by dn.exact="{BIND_DN}" =w by * none\n')


def open_store(world: World) -> LdapStore:
    return store_over(provider("ldap://127.0.0.1"), world.open())


def soon() -> float:
    """A deadline by which a local server has long answered."""
    return boot_seconds() + 5


def at_once() -> float:
    """A deadline for what is never answered."""
    return boot_seconds() + 0.3


def write(world: World, *operations: Operation) -> list[Answer]:
    """Somebody else's writes."""
    directory = world.open()
    try:
        return directory.write(operations, soon())
    finally:
        directory.close()


def person(name: str, /, **values: str | Sequence[str]) -> Operation:
    """The add of a person below ou=People."""
    given = {key: (value,) if isinstance(value, str) else value for key, value in ({"sn": "Sample"} | values).items()}
    texts = {key: tuple(one.encode() for one in some) for key, some in given.items()}
    return Operation("add", f"cn={name},{PEOPLE}", attributes={"objectClass": PERSON, "cn": (name.encode(),), **texts})
