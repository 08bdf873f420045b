"""What is said of jobs and queries before they are used."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from placet_shared.objects import CsvProvider, Job, LdapProvider, Provider
from placet_sync_worker.connections import Connections, Connector
from placet_sync_worker.mapping.monty import MontyEngine
from placet_sync_worker.planning.check import CheckedJob
from placet_sync_worker.planning.check import check_job as check_job_with
from placet_sync_worker.planning.preview import preview_rows
from placet_sync_worker.providers.csv.provider import open_csv
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.ldap.errors import DirectoryBusyError, InvalidFilterError, NoSuchEntryError
from placet_sync_worker.providers.surroundings import Surroundings
from placet_sync_worker.testing.destination import BASE, PEOPLE, FakeDestination
from placet_sync_worker.testing.source import FakeSource

HR = CsvProvider(type="csv", name="hr", path="people.csv")
CORP = LdapProvider.model_validate(
    {
        "type": "ldap", "name": "corp", "url": "ldap://localhost", "bind_dn": "cn=x", "base_dn": BASE,
        "password": {"env": "PLACET_SECRET_CORP"},
    }
)  # fmt: skip
FIELDS = [{"to": "cn", "from": "name"}, {"to": "sn", "from": "last"}]


def job(**fields: Any) -> Job:
    document = {
        "name": "people",
        "source": {"provider": "hr"},
        "destination": {"provider": "corp", "container": PEOPLE},
        "key": [{"source": "id", "destination": "employeeNumber"}],
        "fields": FIELDS,
        **fields,
    }
    return Job.model_validate(document)


EVERYBODY = "(objectClass=inetOrgPerson)"


def check_job(connections: Connections, job: Job, source: Provider, destination: Provider) -> CheckedJob:
    with closing(MontyEngine()) as scripts:
        return check_job_with(connections, job, source, destination, scripts)


def no_test(*_: object) -> list[dict[str, Any]]:
    return []


def no_source(*_: object) -> FakeSource:
    return FakeSource([])


@pytest.fixture
def store() -> FakeDestination:
    return FakeDestination()


@pytest.fixture
def connections(tmp_path: Path, store: FakeDestination) -> Connections:
    (tmp_path / "people.csv").write_text("id,name,last\n1,Ann Low,Low\n2,Bob Roe,\n")
    connectors = {
        "csv": Connector(open_csv, no_test),
        "ldap": Connector(
            source=lambda *_: FakeSource([], default=EVERYBODY), test=no_test, destination=lambda *_: store
        ),
    }
    return Connections(connectors, Surroundings(FilesFolder(tmp_path), tmp_path, {}))


def test_a_sound_job_shows_its_default_queries(connections: Connections) -> None:
    checked = check_job(connections, job(), HR, CORP)
    assert checked.queries == {"source": None, "destination": "(&(objectClass=inetOrgPerson)(employeeNumber=*))"}
    assert (checked.errors, checked.warnings) == ((), ())


def test_a_directory_as_a_source_shows_its_default_query(connections: Connections) -> None:
    both = job(key=[{"source": "uid", "destination": "uid"}], fields=[{"to": "mail", "from": "mail"}], missing="skip")
    queries = check_job(connections, both, CORP, CORP).queries
    assert queries == {"source": EVERYBODY, "destination": "(&(objectClass=inetOrgPerson)(uid=*))"}


def test_all_errors_are_told_and_own_queries_kept(connections: Connections) -> None:
    destination = {"provider": "corp", "container": PEOPLE, "query": "(uid=*)"}
    checked = check_job(connections, job(destination=destination, fields=[*FIELDS, {"to": "x", "from": "y"}]), HR, CORP)
    assert checked.queries["destination"] == "(uid=*)"
    assert checked.errors == (
        "fields: the schema has no attribute x",
        "x: the source has no column y; it has id, name, last",
    )


def test_what_every_new_record_will_lack_is_a_warning(connections: Connections) -> None:
    checked = check_job(connections, job(fields=FIELDS[:1]), HR, CORP)
    assert checked.warnings == ("a new entry needs sn, and no field makes it: every new record will be rejected",)


def test_sides_that_cannot_be_reached_are_warnings(
    connections: Connections, tmp_path: Path, store: FakeDestination
) -> None:
    (tmp_path / "people.csv").unlink()
    checked = check_job(connections, job(), HR, CORP)
    assert checked.errors == ()
    assert checked.warnings[0].startswith("the source could not be looked at: provider hr: there is no file people.csv")

    def down(*_: object) -> FakeDestination:
        raise DirectoryBusyError("corp does not answer")

    away = Connections({**connections.connectors, "ldap": Connector(down, no_test, down)}, connections.surroundings)  # type: ignore[arg-type]  # it never opens
    checked = check_job(away, job(), HR, CORP)
    assert checked.warnings[1] == "the destination could not be looked at: corp does not answer"
    (tmp_path / "people.csv").write_text("id,name,last\n1,Ann Low,Low\n")
    checked = check_job(away, job(fields=[*FIELDS, {"to": "mail", "from": "nmae"}]), HR, CORP)
    assert checked.errors == ("mail: the source has no column nmae; did you mean name?",)
    assert checked.warnings == ("the destination could not be looked at: corp does not answer",)


class Refuses(FakeDestination):
    """Knows one filter and one container."""

    def read(self, attributes: Sequence[str], query: str | None, base: str | None = None) -> Iterator[pa.RecordBatch]:
        if query is not None and "((" in query:
            raise InvalidFilterError(f"{query} is no filter")
        if base not in (None, PEOPLE):
            raise NoSuchEntryError(f"there is no entry {base}")
        return super().read(attributes, query, base)


@pytest.mark.parametrize(
    ("destination", "errors"),
    [
        ({"container": PEOPLE, "query": "((uid=*"}, ("destination.query: ((uid=* is no filter",)),
        ({"container": f"ou=Nowhere,{BASE}"}, (f"destination.container: there is no entry ou=Nowhere,{BASE}",)),
        ({"container": PEOPLE, "query": "(uid=*)"}, ()),
    ],
)
def test_a_query_and_a_container_are_tried(
    connections: Connections, destination: dict[str, str], errors: tuple[str, ...]
) -> None:
    connections.connectors["ldap"] = Connector(no_source, no_test, lambda *_: Refuses())  # type: ignore[index]
    assert check_job(connections, job(destination={"provider": "corp", **destination}), HR, CORP).errors == errors


@pytest.mark.parametrize(
    ("script", "warnings"),
    [
        ("source['name'].lower()", ()),
        ("sorce['name']", ("mail: the script fails for 2 of the first 2 records, first for 1 (line 2): N",)),
        (
            "{'Low': 'x'}[source['last']]",
            ("mail: the script fails for 1 of the first 2 records, first for 2 (line 3)",),
        ),
    ],
)
def test_scripts_are_tried_with_the_first_records(
    connections: Connections, script: str, warnings: tuple[str, ...]
) -> None:
    checked = check_job(connections, job(fields=[*FIELDS, {"to": "mail", "script": script}]), HR, CORP)
    assert checked.errors == ()
    assert len(checked.warnings) == len(warnings)
    assert all(found.startswith(begin) for found, begin in zip(checked.warnings, warnings, strict=True))


def test_a_script_that_fails_for_a_record_without_a_key_says_where_it_stands(
    connections: Connections, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("id,name,last\n1,Ann,Low\n,Bob,Roe\n3,Cyd,Roe\n")
    failing = {"to": "mail", "script": "{'Low': 'x'}[source['last']]"}
    (warning,) = check_job(connections, job(fields=[*FIELDS, failing]), HR, CORP).warnings
    assert warning == "mail: the script fails for 2 of the first 3 records, first in line 3: KeyError: 'Roe'"


def test_a_preview_of_a_file_shows_its_first_rows(connections: Connections) -> None:
    found = preview_rows(connections, HR, None, 1)
    assert (found["columns"], found["rows"], found["total"]) == (["id", "name", "last"], [["1", "Ann Low", "Low"]], 2)
    assert preview_rows(connections, HR, None, 20)["rows"][1] == ["2", "Bob Roe", None]


def test_a_preview_of_a_directory_shows_all_that_can_be_read(connections: Connections, store: FakeDestination) -> None:
    for n in range(3):
        store.put(f"id{n}", f"cn=P{n},{PEOPLE}", cn=f"P{n}", mail=["a", "b"])
    found = preview_rows(connections, CORP, "(cn=*)", 2)
    assert found["columns"] == ["dn", "objectClass", "cn", "mail"]
    assert found["rows"][0] == [f"cn=P0,{PEOPLE}", "inetOrgPerson", "P0", ["a", "b"]]
    assert (len(found["rows"]), found["total"], store.queries, store.closed) == (2, 3, [("(cn=*)", None)], True)
