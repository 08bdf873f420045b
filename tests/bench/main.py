"""`make bench`: medians of three, each next to the floor measured in the same run.

`BENCH=name,name` runs those alone. Seconds of two machines say nothing; ratios of one run do.
"""

import json
import os
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

from placet_sync_worker.providers.ldap.drivers import Driver
from tests.bench import floor
from tests.bench.people import people
from tests.bench.reading import columns, plain
from tests.bench.stage import Measured, Stage, directory, stage
from tests.support.slapd import ADMIN_DN, PASSWORD, PEOPLE, Slapd

TIMES = 3
RESULTS, PEERS = Path("bench/results/latest.json"), Path("bench/peers.md")


@dataclass(frozen=True)
class Row:
    """One benchmark, in the interface's shape."""

    name: str
    n: int
    seconds: float
    floor_seconds: float
    ratio: float
    peak_mb: float


def row(name: str, n: int, ours: list[Measured], floors: list[float]) -> Row:
    """Medians, rounded for people."""
    seconds, least = median(run.seconds for run in ours), median(floors)
    peak = max(run.peak_mb for run in ours)
    return Row(name, n, round(seconds, 2), round(least, 2), round(seconds / least, 2), round(peak, 1))


def load(name: str, n: int, placet: Stage, *, synced: bool) -> Row:
    """An empty directory gets everybody."""
    ours, floors = [], []
    placet.people(n)
    for number in range(TIMES):
        with directory(synced=synced) as server:
            placet.point_at(f"load-{number}", server)
            ours.append(placet.run(f"load-{number}"))
        with directory(synced=synced) as server:
            floors.append(floor.load(floor.connect(server.url, ADMIN_DN, PASSWORD), PEOPLE, people(n)))
    return row(name, n, ours, floors)


def unchanged(name: str, n: int, placet: Stage, driver: Driver | None = None) -> Row:
    """Nothing differs: both sides are read and compared."""
    ours, floors = [], []
    placet.people(n)
    with directory(synced=False, filled_with=n) as server:
        placet.point_at(name, server, driver)
        placet.run(name)  # links the entries
        for _ in range(TIMES):
            ours.append(placet.run(name))
            floors.append(floor.compare(floor.connect(server.url, ADMIN_DN, PASSWORD), PEOPLE, placet.database)[0])
    return row(name, n, ours, floors)


def unchanged_file(name: str, n: int, placet: Stage) -> Row:
    """The same from a file to a table: how it grows without a directory of that size."""
    placet.file_and_table(n)
    placet.run("copied")  # links the rows
    both = [(placet.run("copied"), floor.compare_file(placet.csv, placet.database)) for _ in range(TIMES)]
    return row(name, n, [run for run, _ in both], [seconds for _, seconds in both])


def changed(name: str, n: int, placet: Stage) -> Row:
    """One in a hundred has a new title; the floor is that of an unchanged run."""
    ours, floors = [], []
    with directory(synced=False, filled_with=n) as server:
        placet.people(n)
        placet.point_at(name, server)
        placet.run(name)  # links the entries
        for number in range(TIMES):
            placet.people(n, changed_every=0 if number % 2 else 100)
            floors.append(floor.compare(floor.connect(server.url, ADMIN_DN, PASSWORD), PEOPLE, placet.database)[0])
            ours.append(placet.run(name))
    return row(name, n, ours, floors)


def changed_since(name: str, few: int, many: int, placet: Stage) -> Row:
    """So many of a million are new; the floor is the same run where there are fewer in all."""
    with directory(synced=False, filled_with=few) as small, directory(synced=False, filled_with=many) as large:
        floors = [run.seconds for run in _new_ones(f"{name}-floor", few, placet, small)]
        return row(name, many, _new_ones(name, many, placet, large), floors)


NEW = 500


def _new_ones(job: str, count: int, placet: Stage, server: Slapd) -> list[Measured]:
    placet.stamped_people(count)
    placet.point_at(job, server, since="changed")
    placet.change(NEW)
    placet.run(job)  # reads everything, once
    runs = []
    for _ in range(TIMES):
        placet.change(NEW)
        runs.append(placet.run(job))
        if runs[-1].plan["source_read"] != NEW or runs[-1].plan["update"] != NEW:
            raise RuntimeError(f"{job}: {NEW} records are new, but the run read or wrote others: {runs[-1].plan}")
    return runs


def reading(name: str, n: int, driver: Driver) -> Row:
    """One side is read into columns, by one driver."""
    with directory(synced=False, filled_with=n) as server:
        connection = floor.connect(server.url, ADMIN_DN, PASSWORD)
        both = [(columns(server.url, driver), plain(connection)) for _ in range(TIMES)]
    assert {count for pair in both for _, count in pair} == {n}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ours = [Measured(seconds, peak, {}) for (seconds, _), _ in both]
    return row(name, n, ours, [seconds for _, (seconds, _) in both])


BENCHMARKS: Mapping[str, Callable[[str, Stage], Row]] = {
    "load_10000": lambda name, placet: load(name, 10_000, placet, synced=True),
    "load_10000_nosync": lambda name, placet: load(name, 10_000, placet, synced=False),
    "load_50000": lambda name, placet: load(name, 50_000, placet, synced=True),
    "load_50000_nosync": lambda name, placet: load(name, 50_000, placet, synced=False),
    "unchanged_10000": lambda name, placet: unchanged(name, 10_000, placet),
    "changed_10000": lambda name, placet: changed(name, 10_000, placet),
    "unchanged_100000": lambda name, placet: unchanged(name, 100_000, placet),
    "unchanged_50000": lambda name, placet: unchanged(name, 50_000, placet),
    "unchanged_50000_libldap": lambda name, placet: unchanged(name, 50_000, placet, "libldap"),
    "changed_50000": lambda name, placet: changed(name, 50_000, placet),
    "unchanged_50000_file": lambda name, placet: unchanged_file(name, 50_000, placet),
    "unchanged_1000000": lambda name, placet: unchanged_file(name, 1_000_000, placet),
    "changed_500_of_1000000": lambda name, placet: changed_since(name, 50_000, 1_000_000, placet),
    "read_50000_python": lambda name, _: reading(name, 50_000, "python"),
    "read_50000_libldap": lambda name, _: reading(name, 50_000, "libldap"),
}

ON_DEMAND = frozenset({"changed_500_of_1000000"})
"""It takes minutes to fill a directory with a million entries."""


def main() -> None:
    wanted = [name for name in os.environ.get("BENCH", "").split(",") if name] or [
        name for name in BENCHMARKS if name not in ON_DEMAND
    ]
    if unknown := [name for name in wanted if name not in BENCHMARKS]:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; known are {', '.join(BENCHMARKS)}")
    say, known = partial(print, flush=True), peers(PEERS.read_text())
    say(f"{'':<24} {'people':>9} {'seconds':>8} {'floor':>8} {'ratio':>6} {'worker MB':>10} {'LSC ratio':>10}")
    rows = []
    with stage() as placet:
        for name in wanted:
            rows.append(BENCHMARKS[name](name, placet))
            line = "{name:<24} {n:>9} {seconds:>8.2f} {floor_seconds:>8.2f} {ratio:>6.2f} {peak_mb:>10.1f}"
            say(f"{line.format(**asdict(rows[-1]))} {known.get(name, ''):>10}")
    _compare({one.name: one for one in rows})
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(one) for one in rows], indent=2) + "\n")


def peers(text: str) -> Mapping[str, str]:
    """The ratios of the peers' table, by the name of the benchmark."""
    lines = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {cells[0]: cells[-1] for cells in lines if cells[0] in BENCHMARKS}


def _compare(rows: Mapping[str, Row]) -> None:
    """What is wanted of two benchmarks together."""
    for one, other, most in (
        ("unchanged_10000", "unchanged_100000", 12),
        ("unchanged_50000_file", "unchanged_1000000", 22),
        ("unchanged_50000", "changed_50000", 1.3),
    ):
        if one in rows and other in rows:
            times = rows[other].seconds / rows[one].seconds
            print(f"{other} takes {times:.1f} times as long as {one} (at most {most} wanted)")


if __name__ == "__main__":
    main()
