"""A real OpenLDAP server of a test's own, with a life that tests control and its own log of every write."""

import base64
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from ldap3 import BASE, SYNC, Connection, Server
from ldap3.core.exceptions import LDAPException

from tests.support.certificates import self_signed
from tests.support.ports import free_port
from tests.support.processes import OwnServer, ServerProcess, running

SLAPD = "/usr/sbin/slapd"
MODULES = "/usr/lib/ldap"
BASE_DN = "dc=example,dc=org"
PEOPLE = f"ou=People,{BASE_DN}"
ADMIN_DN, BIND_DN, PASSWORD = f"cn=admin,{BASE_DN}", f"cn=placet,{BASE_DN}", "secret"

_FIRST = f"""dn: {BASE_DN}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: People

dn: ou=Groups,{BASE_DN}
objectClass: organizationalUnit
ou: Groups

dn: {BIND_DN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: placet
userPassword: {PASSWORD}
"""


@dataclass(frozen=True)
class Audited:
    """One write as slapd logged it: `op` is add, modify, modrdn or delete; `lines` is the rest of its LDIF."""

    time: int
    op: str
    dn: str
    by: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Setup:
    """How a server differs from the usual. `size_limit` is the bind account's; `more` goes into the configuration,
    `access` before its other rights."""

    size_limit: int | None = None
    sync: bool = False
    tls: bool = False
    audit: bool = True
    more: str = ""
    access: str = ""


USUAL = Setup()


class Slapd(OwnServer):
    """One server in one folder, always on the same port. `BIND_DN` may read and write everything but has limits."""

    def __init__(self, folder: Path, setup: Setup = USUAL) -> None:
        self._folder, self._setup = folder, setup
        self.port = free_port()
        self.audit_file = folder / "audit.ldif"
        self.ca_file: Path | None = None
        if setup.tls:
            self.ca_file, self._key_file = self_signed(folder, "localhost")
        (folder / "data").mkdir()
        self._configuration = folder / "slapd.conf"
        self._configuration.write_text(self._settings())
        self.load(_FIRST)
        command = [SLAPD, "-h", self.url, "-f", str(self._configuration), "-d", "none"]
        self._process = ServerProcess(command, folder / "slapd.log", self.answers)

    @property
    def url(self) -> str:
        return f"ldaps://localhost:{self.port}" if self._setup.tls else f"ldap://127.0.0.1:{self.port}"

    def load(self, ldif: str) -> None:
        """Puts entries into the data of a server that does not run."""
        command = ["/usr/sbin/slapadd", "-q", "-f", str(self._configuration)]
        done = subprocess.run(command, input=ldif.encode(), capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"slapadd failed: {done.stderr.decode()}")

    def restart(self) -> None:
        self.stop()
        self.start()

    def answers(self) -> bool:
        try:
            with self.hand() as hand:
                return bool(hand.search("", "(objectClass=*)", BASE))
        except (LDAPException, OSError):
            return False

    @contextmanager
    def hand(self) -> Iterator[Connection]:
        """A connection of somebody else, who may do everything; ldap3's plain one."""
        server = Server(self.url, connect_timeout=2, get_info="NO_INFO")
        connection = Connection(
            server, ADMIN_DN, PASSWORD, client_strategy=SYNC, receive_timeout=5, auto_bind="NO_TLS", check_names=False
        )
        try:
            yield connection
        finally:
            connection.unbind()

    def audited(self) -> list[Audited]:
        """All writes, in their order."""
        return parse_audit(self.audit_file.read_text()) if self.audit_file.exists() else []

    def _settings(self) -> str:
        setup, data = self._setup, self._folder / "data"
        limit = setup.size_limit or "unlimited"
        schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
        modules = "moduleload back_mdb\n" + ("moduleload auditlog\n" if setup.audit else "")
        tls = f"TLSCertificateFile {self.ca_file}\nTLSCertificateKeyFile {self._key_file}\n" if setup.tls else ""
        audit = f"overlay auditlog\nauditlog {self.audit_file}\n" if setup.audit else ""
        durable = "" if setup.sync else "dbnosync\n"
        return (
            f"{schemas}modulepath {MODULES}\n{modules}{tls}pidfile {self._folder}/pid\nthreads 8\nloglevel none\n"
            f"database mdb\nsuffix {BASE_DN}\nrootdn {ADMIN_DN}\nrootpw {PASSWORD}\ndirectory {data}\n"
            f"maxsize 8589934592\n{durable}"
            "index objectClass,entryUUID,entryCSN,employeeNumber,uid,cn,sn,mail,member eq\n"
            f'limits dn.exact="{BIND_DN}" size={limit} time=unlimited\n'
            f"{setup.access}"
            f'access to attrs=userPassword by anonymous auth by dn.exact="{BIND_DN}" write by * none\n'
            f'access to * by dn.exact="{BIND_DN}" write by * none\n{audit}{setup.more}\n'
        )


def parse_audit(text: str) -> list[Audited]:
    """What `overlay auditlog` wrote; a last record that is not finished is left out."""
    found = []
    for record in re.finditer(r"^# (\w+) (\d+) .*\n([\s\S]*?)^# end \1 \2$", text, re.MULTILINE):
        lines = record[3].replace("\n ", "").splitlines()
        dn = next(line for line in lines if line.startswith("dn:"))
        by = re.match(r"# \w+ \d+ \S+ (.*?)(?: IP=\S+| PATH=\S+)? conn=", record[0])
        rest = tuple(line for line in lines if line and not line.startswith(("dn:", "changetype:")))
        found.append(Audited(int(record[2]), record[1], _value(dn), by[1] if by else "", rest))
    return found


def _value(line: str) -> str:
    """The value of an LDIF line, decoded."""
    value = line.partition(":")[2]
    return base64.b64decode(value[1:]).decode() if value.startswith(":") else value.strip()


@contextmanager
def running_slapd(setup: Setup = USUAL) -> Iterator[Slapd]:
    """A server that ends with the block."""
    with running("slapd", lambda folder: Slapd(folder, setup)) as server:
        yield server


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    """A running server with an empty ou=People."""
    with running_slapd() as server:
        yield server


MakeSlapd = Callable[[Setup], Slapd]


@pytest.fixture
def make_slapd() -> Iterator[MakeSlapd]:
    """Starts servers that differ; all end with the test."""
    with ExitStack() as stack:

        def make(setup: Setup) -> Slapd:
            server: AbstractContextManager[Slapd] = running_slapd(setup)
            return stack.enter_context(server)

        yield make
