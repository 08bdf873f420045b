"""Jobs from a CSV to a table, and from a table to a directory, through order, plan, approval and batch."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from placet_shared.objects import Provider, SqlProvider, parse_object
from placet_sync_worker.app import CONNECTORS
from placet_sync_worker.connections import Connections
from placet_sync_worker.providers.files.folder import FilesFolder
from placet_sync_worker.providers.surroundings import Surroundings
from tests.support.directories import provider as directory_provider
from tests.support.files import CsvKind
from tests.support.proxy import running_proxy
from tests.support.runs import Ended, Runs
from tests.support.slapd import PASSWORD, PEOPLE, Slapd
from tests.support.tables import SqlWorld, mariadb_world, postgres_world, sqlite_world
from tests.support.worker import WorkerHarness, a_job

Row = dict[str, str]
COLUMNS = ("employee_id", "name", "mail", "room")
FIELDS = [{"to": name, "from": name} for name in COLUMNS]
HR = parse_object({"kind": "provider", "name": "hr", "type": "csv", "path": "hr.csv"})


def person(employee_id: str, name: str, mail: str = "", room: str = "") -> Row:
    return {"employee_id": employee_id, "name": name, "mail": mail, "room": room}


ANN, BOB, CYD = person("1", "Ann", "a@x", "7"), person("2", "Bob"), person("3", "Cyd")


class SqlRuns:
    """A worker, a table with another hand at work, and `hr.csv`."""

    def __init__(self, worker: WorkerHarness, world: SqlWorld, folder: Path, database_url: str) -> None:
        self.worker, self.world, self.folder = worker, world, folder
        secrets = {"PLACET_SECRET_CORP": PASSWORD, "PLACET_SECRET_READER": "reader"}
        connections = Connections(CONNECTORS, Surroundings(FilesFolder(folder), folder, secrets, folder))
        self.runs = Runs(worker, connections, folder, database_url)

    def records(self, *rows: Row) -> None:
        CsvKind().put(self.folder / "hr.csv", COLUMNS, rows)

    async def planned(self, provider: SqlProvider | None = None, **job: Any) -> str:
        """A plan from the CSV to the table."""
        given = {"fields": FIELDS, "extra": "delete", "limits": {"delete": None}, **job}
        made = a_job(
            source={"provider": "hr"}, destination={"provider": "warehouse"},
            key=[{"source": "employee_id", "destination": "employee_id"}], **given,
        )  # fmt: skip
        return await self.runs.planned(made, HR, provider or self.world.provider)

    async def run(self, provider: SqlProvider | None = None, **job: Any) -> Ended:
        return await self.runs.applied(await self.planned(provider, **job))

    async def to_directory(self, slapd: Slapd, source: Provider | None = None, **job: Any) -> str:
        """A run, that nobody has planned yet, from the table to the people of a directory."""
        fields = [
            {"to": "employeeNumber", "from": "employee_id"}, {"to": "cn", "from": "name"}, {"to": "sn", "from": "name"},
            {"to": "mail", "from": "mail"},
        ]  # fmt: skip
        made = a_job(
            source={"provider": "warehouse"}, destination={"provider": "corp", "container": PEOPLE},
            key=[{"source": "employee_id", "destination": "employeeNumber"}],
            object_type="user", fields=fields, extra="delete", limits={"delete": None}, **job,
        )  # fmt: skip
        return await self.runs.ordered(made, source or self.world.provider, directory_provider(slapd.url))

    def names(self) -> dict[str, str | None]:
        return {key: row["name"] for key, row in self.world.rows().items()}

    async def reasons(self, run_id: str) -> dict[str, tuple[str, str]]:
        """Result and reason by key."""
        both = "sync.changes LEFT JOIN sync.outcomes USING (run_id, number)"
        rows = await self.worker.rows(f"SELECT key, result, reason FROM {both} WHERE run_id = :r", r=run_id)
        return {row["key"]: (row["result"], row["reason"] or "") for row in rows}

    async def reason(self, run_id: str) -> str:
        """Of a run that ended before it had a plan."""
        run = await self.worker.run(run_id)
        assert (run["state"], run["outcome"], run["plan_token"]) == ("finished", "failed", None)
        return str(run["reason"])


@pytest.fixture(params=["postgresql", "mariadb"])
def world(request: pytest.FixtureRequest) -> SqlWorld:
    if request.param == "postgresql":
        return postgres_world(request.getfixturevalue("postgres"))
    return mariadb_world(request.getfixturevalue("mariadb"))


@pytest.fixture
async def runs(world: SqlWorld, database_url: str, tmp_path: Path) -> AsyncIterator[SqlRuns]:
    worker = WorkerHarness(database_url, tmp_path / "keys")
    await worker.migrate()
    yield SqlRuns(worker, world, tmp_path, database_url)
    await worker.database.engine.dispose()


# ---- to a table ------------------------------------------------------------------------------------------------------


async def test_a_table_follows_a_file(runs: SqlRuns) -> None:
    runs.records(ANN, BOB, CYD)
    assert await runs.run() == ("succeeded", {"create": 3})
    assert runs.world.rows()["1"] == {"name": "Ann", "mail": "a@x", "room": "7", "hired": None}
    assert await runs.run() == ("succeeded", {})
    runs.records(ANN | {"name": "Anna", "room": "8"}, CYD, person("4", "Di"))
    assert await runs.run() == ("succeeded", {"create": 1, "update": 1, "delete": 1})
    assert runs.names() == {"1": "Anna", "3": "Cyd", "4": "Di"}
    assert await runs.run() == ("succeeded", {})


async def test_what_a_hand_did_since_the_plan_is_not_overwritten(runs: SqlRuns) -> None:
    runs.records(ANN, BOB, CYD)
    assert await runs.run() == ("succeeded", {"create": 3})
    runs.records(ANN | {"name": "Plan"}, CYD | {"name": "Cyd P"}, person("5", "Ed"), person("6", "Flo"))
    run_id = await runs.planned()
    runs.world.set("1", name="Hand")
    runs.world.remove("3")
    runs.world.put(employee_id="5", name="Hand")
    assert await runs.runs.applied(run_id) == ("succeeded_with_errors", {"create": 1})
    found = await runs.reasons(run_id)
    assert {key: result for key, (result, _) in found.items()} == {
        "1": "conflict", "2": "skipped", "3": "conflict", "5": "conflict", "6": "applied",
    }  # fmt: skip
    for word in ("Ann", "Plan", "Hand"):
        assert word in found["1"][1]
    assert runs.names() == {"1": "Hand", "2": "Bob", "5": "Hand", "6": "Flo"}


@pytest.mark.parametrize("hand", [{"name": "Hand"}, {"mail": "hand@x"}], ids=["changed", "filled"])
async def test_a_row_that_a_hand_changed_since_the_plan_is_not_deleted(runs: SqlRuns, hand: dict[str, str]) -> None:
    runs.records(ANN, BOB, CYD)
    assert (await runs.run())[0] == "succeeded"
    runs.records(ANN)
    run_id = await runs.planned()
    runs.world.set("2", **hand)
    assert await runs.runs.applied(run_id) == ("succeeded_with_errors", {"delete": 1})
    assert {key: result for key, (result, _) in (await runs.reasons(run_id)).items()} == {
        "2": "conflict", "3": "applied",
    }  # fmt: skip
    assert runs.names() == {"1": "Ann", "2": hand.get("name", "Bob")}


async def test_rows_without_a_record_are_disabled_where_the_hand_left_them(runs: SqlRuns) -> None:
    provider = runs.world.provider.model_copy(
        update={"disable": SqlProvider.model_validate(
            {**runs.world.provider.model_dump(), "disable": {"attribute": "room", "value": "0"}}
        ).disable}
    )  # fmt: skip
    runs.records(ANN, BOB, CYD)
    assert (await runs.run(provider))[0] == "succeeded"
    runs.records(ANN)
    run_id = await runs.planned(provider, extra="disable", limits={"disable": None})
    runs.world.set("3", room="9")
    assert await runs.runs.applied(run_id) == ("succeeded_with_errors", {"disable": 1})
    assert {key: row["room"] for key, row in runs.world.rows().items()} == {"1": "7", "2": "0", "3": "9"}
    assert {key: result for key, (result, _) in (await runs.reasons(run_id)).items()} == {
        "2": "applied", "3": "conflict",
    }  # fmt: skip


async def test_a_value_that_is_too_long_rejects_its_record_and_no_other(runs: SqlRuns) -> None:
    runs.records(ANN | {"name": "A" * 21}, BOB)
    run_id = await runs.planned()
    assert await runs.runs.applied(run_id) == ("succeeded_with_errors", {"create": 1})
    (rejected,) = await runs.worker.rows("SELECT record, attribute, reason FROM sync.rejected")
    assert (rejected["record"], rejected["attribute"]) == ("line 2", "name")
    assert rejected["reason"] == "name takes 20 characters, and the record gives more"
    assert runs.names() == {"2": "Bob"}


WORLDS: dict[str, tuple[Callable[[Any], SqlWorld], str]] = {
    "sqlite": (sqlite_world, "tmp_path"), "postgresql": (postgres_world, "postgres"),
    "mariadb": (mariadb_world, "mariadb"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("column", ["numeric", "numeric(10,2)", "double precision"])
async def test_a_number_that_overflows_rejects_its_record_and_no_other(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, kind: str, column: str
) -> None:
    make, server = WORLDS[kind]
    worker = WorkerHarness(database_url, tmp_path / "keys")
    await worker.migrate()
    runs = SqlRuns(worker, make(request.getfixturevalue(server)), tmp_path, database_url)
    runs.world.execute(f"ALTER TABLE people ADD pay {column}")
    pays = {"1": "1e400", "2": "-1e9999999", "3": "100", "4": "0e-9999999", "5": ""}
    records = [{"employee_id": key, "name": "Ann", "pay": pay} for key, pay in pays.items()]
    CsvKind().put(tmp_path / "hr.csv", tuple(records[0]), records)
    fields = [{"to": name, "from": name} for name in records[0]]
    run_id = await runs.planned(fields=fields)
    assert await runs.runs.applied(run_id) == ("succeeded_with_errors", {"create": 3})
    rejected = await worker.rows("SELECT key, attribute, reason FROM sync.rejected")
    assert [(one["key"], one["attribute"]) for one in rejected] == [("1", "pay"), ("2", "pay")]
    assert all("is not allowed here: " in one["reason"] for one in rejected)
    assert await runs.run(fields=fields) == ("succeeded_with_errors", {})
    await worker.database.engine.dispose()


async def test_a_column_that_was_narrowed_since_the_plan_fails_its_row_by_name(runs: SqlRuns) -> None:
    runs.records(ANN | {"name": "Annabella"}, BOB)
    run_id = await runs.planned()
    how = "MODIFY name varchar(5) NOT NULL" if runs.world.kind == "mariadb" else "ALTER name TYPE varchar(5)"
    runs.world.execute(f"ALTER TABLE people {how}")
    assert await runs.runs.applied(run_id) == ("succeeded_with_errors", {"create": 1})
    result, reason = (await runs.reasons(run_id))["1"]
    assert result == "failed"
    assert reason.startswith("name: 'Annabella' is not allowed here")
    assert runs.names() == {"2": "Bob"}


async def test_a_column_that_was_renamed_since_yesterday_ends_the_run_before_it_is_planned(runs: SqlRuns) -> None:
    runs.records(ANN)
    assert await runs.run() == ("succeeded", {"create": 1})
    rename(runs.world, "name", "full_name")
    reason = await runs.reason(await runs.planned())
    assert reason.startswith("job people: fields: the table people has no column name; did you mean full_name?")


async def test_a_column_that_was_renamed_since_the_plan_fails_the_changes_that_need_it(runs: SqlRuns) -> None:
    runs.records(ANN, BOB)
    run_id = await runs.planned()
    rename(runs.world, "mail", "e_mail")
    assert await runs.runs.applied(run_id) == ("succeeded_with_errors", {"create": 1})
    result, reason = (await runs.reasons(run_id))["1"]
    assert (result, reason.split("; ")[:2]) == (
        "failed",
        ["the table people has no column mail", "did you mean e_mail?"],
    )
    assert reason.endswith("; the table was altered after the plan, so run the job again")
    assert runs.world.execute("SELECT name FROM people") == [("Bob",)]


async def test_an_account_that_may_only_read_writes_nothing_and_is_told_what_it_lacks(runs: SqlRuns) -> None:
    runs.records(ANN)
    assert await runs.run() == ("succeeded", {"create": 1})
    runs.records(ANN | {"name": "Anna"}, BOB)
    run_id = await runs.planned(only_reader(runs.world))
    assert (await runs.worker.run(run_id))["state"] == "planned"
    assert await runs.runs.applied(run_id) == ("succeeded_with_errors", {})
    found = await runs.reasons(run_id)
    assert {key: result for key, (result, _) in found.items()} == {"1": "failed", "2": "failed"}
    assert "grant reader_" in found["1"][1]
    assert "the right to update rows of people" in found["1"][1]
    assert "the right to insert rows of people" in found["2"][1]
    assert runs.names() == {"1": "Ann"}


async def test_a_table_without_a_unique_key_takes_new_rows_only_beside_placet_applied(runs: SqlRuns) -> None:
    runs.world.execute("CREATE TABLE loose (employee_id varchar(10), name varchar(20), mail varchar(40), room integer)")
    without = runs.world.provider.model_copy(update={"table": "loose", "applied_table": False})
    runs.records(ANN, BOB)
    reason = await runs.reason(await runs.planned(without))
    assert reason == (
        "job people: missing: create: loose has no unique key, so that a lost answer could make a row twice; give it "
        "one, or let the account keep a table placet_applied beside it; or set `missing: skip`"
    )
    assert await runs.run(without.model_copy(update={"applied_table": True})) == ("succeeded", {"create": 2})
    assert runs.world.execute("SELECT count(*) FROM placet_applied")[0][0] == 2
    assert (await runs.run(without, missing="skip"))[0] == "succeeded"


def rename(world: SqlWorld, old: str, new: str) -> None:
    world.execute(f"ALTER TABLE people RENAME COLUMN {old} TO {new}")


def only_reader(world: SqlWorld) -> SqlProvider:
    """The provider with an account that may read the table and nothing else."""
    database = str(world.hand.url.database)
    user, url = f"reader_{database[-12:]}", make_url(world.provider.url)
    if world.kind == "mariadb":
        world.execute(f"CREATE USER {user}@'%' IDENTIFIED BY 'reader'")
        world.execute(f"GRANT SELECT ON {database}.* TO {user}@'%'")
    else:
        world.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'reader'")
        world.execute(f"GRANT SELECT ON people TO {user}")
    given = {"url": str(url.set(username=user, password=None)), "password": {"env": "PLACET_SECRET_READER"}}
    document = {**world.provider.model_dump(), **given}
    return SqlProvider.model_validate(document)


# ---- from a table ----------------------------------------------------------------------------------------------------


async def test_a_directory_follows_a_table(runs: SqlRuns, slapd: Slapd) -> None:
    for row in (("1", "Ann", "a@x"), ("2", "Bob", "b@x"), ("3", "Cyd", "c@x")):
        runs.world.put(**dict(zip(COLUMNS, row, strict=False)))
    assert await follow(runs, slapd) == ("succeeded", {"create": 3})
    runs.world.set("1", mail="new@x")
    runs.world.remove("2")
    runs.world.set("3", name="Cydney")
    assert await follow(runs, slapd) == ("succeeded", {"update": 1, "move": 1, "delete": 1})
    assert sorted(one.op for one in slapd.audited()) == ["add"] * 3 + ["delete", "modify", "modify", "modrdn"]
    assert await follow(runs, slapd) == ("succeeded", {})


async def follow(runs: SqlRuns, slapd: Slapd) -> Ended:
    run_id = await runs.to_directory(slapd)
    assert await runs.worker.planner.step()
    return await runs.runs.applied(run_id)


LENGTH, DROPPED_AT, COUNT = 900, 40_000, 60_000


async def test_a_database_that_drops_the_connection_at_row_40000_is_asked_again(runs: SqlRuns, slapd: Slapd) -> None:
    """Rows are so long that no buffer holds what the server has not sent by then."""
    fill(runs.world)
    url = make_url(runs.world.provider.url)
    with running_proxy(int(url.port or 0)) as proxy:
        through = runs.world.provider.model_copy(update={"url": str(url.set(port=proxy.port))})
        run_id = await runs.to_directory(slapd, through)
        proxy.cut_after = DROPPED_AT * LENGTH
        assert await runs.worker.planner.step()
        assert proxy.cut_after is None
        run = await runs.worker.run(run_id)
        assert (run["state"], run["plan_token"], run["lease_until"]) == ("ordered", None, None)
        assert await runs.worker.rows("SELECT 1 FROM sync.changes UNION ALL SELECT 1 FROM sync.rejected") == []
        while not await runs.worker.planner.step():
            """It is due after a pause."""
        counts = (await runs.worker.run(run_id))["counts"]
        assert (counts["create"], counts["rejected"]) == (COUNT, 0)


async def test_a_database_that_drops_every_connection_fails_the_run_after_half_a_minute(
    runs: SqlRuns, slapd: Slapd
) -> None:
    fill(runs.world)
    url = make_url(runs.world.provider.url)
    with running_proxy(int(url.port or 0)) as proxy:
        through = runs.world.provider.model_copy(update={"url": str(url.set(port=proxy.port))})
        run_id = await runs.to_directory(slapd, through)
        long_ago = "UPDATE sync.runs SET first_attempt_at = now() - interval '31 seconds' WHERE run_id = :r"
        await runs.worker.rows(long_ago, r=run_id)
        proxy.cut_after = DROPPED_AT * LENGTH
        assert await runs.worker.planner.step()
    reason = await runs.reason(run_id)
    name = {"postgresql": "PostgreSQL", "mariadb": "MySQL"}[runs.world.kind]
    assert reason.startswith(f"job people: provider warehouse: {name} at 127.0.0.1 cannot be reached (")
    assert reason.endswith("); check the url, and whether it runs")
    assert await runs.worker.rows("SELECT 1 FROM sync.changes UNION ALL SELECT 1 FROM sync.rejected") == []
    assert slapd.audited() == []


def fill(world: SqlWorld) -> None:
    """60,000 rows, made by the server."""
    world.execute("ALTER TABLE people DROP COLUMN mail")
    world.execute(f"ALTER TABLE people ADD COLUMN mail varchar({LENGTH})")
    numbers = {"postgresql": f"generate_series(1, {COUNT}) AS seq", "mariadb": f"seq_1_to_{COUNT}"}[world.kind]
    world.execute(
        f"INSERT INTO people (employee_id, name, mail) SELECT concat('e', seq), concat('x', seq), repeat('m', {LENGTH})"
        f" FROM {numbers}"
    )
