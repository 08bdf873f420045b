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
RESULTS = Path("bench/results/latest.json")


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


def unchanged(name: str, n: int, placet: Stage) -> Row:
    """Nothing differs: both sides are read and compared."""
    ours, floors = [], []
    placet.people(n)
    with directory(synced=False, filled_with=n) as server:
        placet.point_at("unchanged", server)
        placet.run("unchanged")  # links the entries
        for _ in range(TIMES):
            ours.append(placet.run("unchanged"))
            floors.append(floor.compare(floor.connect(server.url, ADMIN_DN, PASSWORD), PEOPLE, placet.database)[0])
    return row(name, n, ours, floors)


def changed(name: str, n: int, placet: Stage) -> Row:
    """One in a hundred has a new title; the floor is that of an unchanged run."""
    ours, floors = [], []
    with directory(synced=False, filled_with=n) as server:
        placet.point_at("changed", server)
        for number in range(TIMES * 2):
            placet.people(n, changed_every=100 if number % 2 else 0)
            floors.append(floor.compare(floor.connect(server.url, ADMIN_DN, PASSWORD), PEOPLE, placet.database)[0])
            run = placet.run("changed")
            if number:
                ours.append(run)
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
    "unchanged_10000": lambda name, placet: unchanged(name, 10_000, placet),
    "changed_10000": lambda name, placet: changed(name, 10_000, placet),
    "unchanged_100000": lambda name, placet: unchanged(name, 100_000, placet),
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
    say = partial(print, flush=True)
    say(f"{'':<20} {'people':>8} {'seconds':>8} {'floor':>8} {'ratio':>6} {'worker MB':>10}")
    rows = []
    with stage() as placet:
        for name in wanted:
            rows.append(BENCHMARKS[name](name, placet))
            say(
                "{name:<20} {n:>8} {seconds:>8.2f} {floor_seconds:>8.2f} {ratio:>6.2f} {peak_mb:>10.1f}".format(
                    **asdict(rows[-1])
                )
            )
    _compare_sizes({one.name: one for one in rows})
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(one) for one in rows], indent=2) + "\n")


def _compare_sizes(rows: Mapping[str, Row]) -> None:
    """Ten times the people should take about ten times as long."""
    few, many = rows.get("unchanged_10000"), rows.get("unchanged_100000")
    if few and many:
        print(f"100,000 unchanged take {many.seconds / few.seconds:.1f} times as long as 10,000 (at most 12 wanted)")


if __name__ == "__main__":
    main()
