"""Jobs that write what the rights of a directory hide from its account."""

from contextlib import closing
from pathlib import Path

import pytest

from placet_shared.objects import CsvProvider, Job
from placet_sync_worker.app import CONNECTORS
from placet_sync_worker.connections import Connections
from placet_sync_worker.errors import UnusableJobError
from placet_sync_worker.planning.check import check_job
from placet_sync_worker.planning.planner import plan_run
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.ldap.drivers import Driver
from placet_sync_worker.providers.surroundings import Surroundings
from placet_sync_worker.testing.links import FakeLinks
from placet_sync_worker.testing.scripts import NoScripts
from tests.support.directories import hiding, provider
from tests.support.slapd import BIND_DN, PASSWORD, PEOPLE, MakeSlapd, Setup

HR = CsvProvider(type="csv", name="hr", path="people.csv")
REFUSAL = (
    f"{{}} cannot be read back by {BIND_DN}, so no write could be proven; let the account read it,"
    " or leave the field out"
)


def job(*fields: str) -> Job:
    made = [{"to": name, "from": "name"} for name in ("cn", "sn", *fields)]
    document = {
        "name": "people", "source": {"provider": "hr"}, "destination": {"provider": "corp", "container": PEOPLE},
        "key": [{"source": "id", "destination": "employeeNumber"}], "fields": made,
    }  # fmt: skip
    return Job.model_validate(document)


@pytest.fixture
def connections(tmp_path: Path) -> Connections:
    (tmp_path / "people.csv").write_text("id,name\n1,Ada\n")
    secrets = {"PLACET_SECRET_CORP": PASSWORD}
    return Connections(CONNECTORS, Surroundings(FilesFolder(tmp_path), tmp_path, secrets))


def test_a_run_and_a_review_refuse_what_the_account_may_not_read(
    make_slapd: MakeSlapd, driver: Driver, connections: Connections, tmp_path: Path
) -> None:
    slapd = make_slapd(hiding("mail", "title"))
    corp = provider(slapd.url).model_copy(update={"driver": driver})

    def creates(wanted: Job, folder: str) -> int:
        (tmp_path / folder).mkdir()
        with (
            closing(connections.source(HR)) as source,
            closing(connections.destination(corp)) as store,
            plan_run(wanted, source, store, FakeLinks({}), tmp_path / folder, scripts=NoScripts()) as planned,
        ):
            return planned.counts.create

    wrong, sound = job("mail", "givenName", "title"), job("givenName")
    assert check_job(connections, wrong, HR, corp, NoScripts()).errors == ()
    assert creates(wrong, "nobody-there") == 1
    with slapd.hand() as hand:
        assert hand.add(f"cn=Ada,{PEOPLE}", "inetOrgPerson", {"sn": "Ada", "employeeNumber": "1"})
    errors = (REFUSAL.format("mail"), REFUSAL.format("title"))
    assert check_job(connections, wrong, HR, corp, NoScripts()).errors == errors
    with pytest.raises(UnusableJobError) as refused:
        creates(wrong, "refused")
    assert str(refused.value) == f"job people: {REFUSAL.format('mail')}"
    assert check_job(connections, sound, HR, corp, NoScripts()).errors == ()
    assert creates(sound, "planned") == 0


def test_what_may_be_read_and_not_compared_is_not_hidden(make_slapd: MakeSlapd, connections: Connections) -> None:
    slapd = make_slapd(Setup(access=f'access to attrs=title by dn.exact="{BIND_DN}" =rsw by * none\n'))
    with slapd.hand() as hand:
        values = {"sn": "Ada", "employeeNumber": "1", "title": "Dr"}
        assert hand.add(f"cn=Ada,{PEOPLE}", "inetOrgPerson", values)
    assert check_job(connections, job("title"), HR, provider(slapd.url), NoScripts()).errors == ()
