"""Values that come in parts, and what a domain controller says when it refuses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from placet_sync_worker.ports import Answer, Entry, Modification, Operation
from placet_sync_worker.providers.active_directory.directory import AdDirectory
from placet_sync_worker.providers.ldap.errors import DirectoryBusyError, ProtocolError
from placet_sync_worker.providers.ldap.wire import Scope

DN = "CN=big,DC=corp"


@dataclass
class Parted:
    """One entry, of whose members at most `most` come at once; `writes` says how often others write between reads."""

    members: int
    most: int = 3
    writes: int = 0
    version: int = 1
    answers: Sequence[Answer] = ()
    asked: list[str] = field(default_factory=list)

    def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
        """See `Directory`."""
        name = next(one for one in attributes if one.lower().startswith("member"))
        self.asked.append(name)
        first = int(name.partition("range=")[2].partition("-")[0] or 0)
        values = tuple(f"m{number}".encode() for number in range(first, min(first + self.most, self.members)))
        end = "*" if first + self.most >= self.members else str(first + self.most - 1)
        found: dict[str, tuple[bytes, ...]] = {"cn": (b"big",), "uSNChanged": (str(self.version).encode(),)}
        if values:
            found |= {"member": (), f"member;range={first}-{end}": values}
        if self.writes:
            self.writes, self.version = self.writes - 1, self.version + 1
        yield [Entry(DN, found), Entry("CN=other", {"cn": (b"other",)})] if scope == "subtree" else [Entry(DN, found)]

    def columns(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[pa.RecordBatch]:
        raise NotImplementedError

    def compare(self, dn: str, values: Mapping[str, bytes]) -> dict[str, int]:
        raise NotImplementedError

    def write(self, operations: Sequence[Operation], deadline: float) -> list[Answer]:
        return list(self.answers)

    def close(self) -> None:
        """Nothing to close."""


def read(server: Parted) -> list[Entry]:
    pages = AdDirectory(server).search("DC=corp", "subtree", "(cn=*)", ["cn", "Member", "uSNChanged"])
    return [entry for page in pages for entry in page]


def test_values_that_come_in_parts_are_put_together() -> None:
    server = Parted(members=8)
    other, big = read(server)
    assert other.dn == "CN=other"
    assert big.attributes["Member"] == tuple(f"m{number}".encode() for number in range(8))
    assert server.asked == ["Member", "member;range=3-*", "member;range=6-*"]


def test_what_somebody_writes_to_meanwhile_is_read_again() -> None:
    _, big = read(Parted(members=5, writes=2))
    assert (len(big.attributes["Member"]), big.attributes["uSNChanged"]) == (5, (b"3",))
    with pytest.raises(DirectoryBusyError, match="changes faster than its values can be read"):
        read(Parted(members=5, writes=99))


def test_a_part_that_does_not_come_fails_the_read() -> None:
    class Shrinking(Parted):
        def search(self, base: str, scope: Scope, filter: str, attributes: Sequence[str]) -> Iterator[list[Entry]]:
            yield from super().search(base, scope, filter, attributes)
            self.members = 3

    with pytest.raises(ProtocolError, match="the values of member after number 2 did not come"):
        read(Shrinking(members=5))


ADD = Operation("add", "CN=a", attributes={"initials": (b"x",), "samAccountName": (b"x",)})
RESET = Operation("modify", "CN=a", modifications=(Modification("replace", "unicodePwd", (b"x",)),))


@pytest.mark.parametrize(
    ("operation", "code", "said", "sentence"),
    [
        (RESET, 19, "0000052D: AtrErr: DSID-03190F80, #1:\n\t0: 0000052D: DSID-03190F80, problem 1005",
         "#1: 0: 0000052D: DSID-03190F80, problem 1005 (constraintViolation, 19); the domain's password policy"),
        (RESET, 19, "0000052D: x", "the directory refused unicodePwd: 0000052D: x (constraintViolation, 19)"),
        (RESET, 53, "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0",
         "give passwords over ldaps:// alone"),
        (ADD, 68, "00000524: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0",
         "the directory refused samAccountName: 00000524"),
        (ADD, 68, "00002071: UpdErr: DSID-031B0D79, problem 6005 (ENTRY_EXISTS), data 0",
         "an entry with this name or this sAMAccountName is there already"),
        (ADD, 19, "00002082: AtrErr: DSID-031510D7, problem 1005, data 0, Att 2002b (initials):len 14",
         "the directory refused initials: 00002082"),
        (ADD, 50, "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0",
         "give the bind account the right to add "),
        (ADD, 32, "0000208D: NameErr: DSID-03100241, problem 2001 (NO_OBJECT), data 0", "create the unit or container"),
        (ADD, 19, "000021C8: AtrErr: DSID-03200EEB", "the directory refused userPrincipalName: 000021C8"),
        (ADD, 80, "", "the directory refused it: other (80)"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_attribute_and_what_to_do(
    operation: Operation, code: int, said: str, sentence: str
) -> None:
    server = Parted(
        members=0, answers=[Answer(code, "as LDAP has it", diagnostic=said), Answer(0), Answer(None, "lost")]
    )
    refused, done, lost = AdDirectory(server).write([operation] * 3, 0.0)
    assert sentence in refused.message
    assert (done.message, lost.message) == ("", "lost")
