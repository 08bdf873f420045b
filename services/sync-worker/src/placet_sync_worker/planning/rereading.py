"""The source read again between plan and apply: which changes were made from records that are others by now."""

# ruff: noqa: S608  # the queries are put together from names of ours

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path

import pyarrow as pa

from placet_shared.objects import Job

from ..changes import REMOVAL_PHASES, Change
from ..errors import EmptySourceError
from ..keys import shown_key_sql
from ..mapping.script import ScriptEngine
from ..ports import LISTS, Destination, Source
from .candidates import as_record, record_columns
from .comparing import lenient
from .design import Design, Options
from .digesting import record_digest
from .examining import designed
from .folding import BETWEEN
from .joining import LINKS
from .planner import naming_job
from .reading import Brake, ahead
from .records import Records
from .shelf import Shelf
from .views import Views

CHANGED = "source moved: the record has other values than the plan was made from; the next run plans it again"
GONE = "source moved: there is no such record any more; the next run plans it again"
REJECTED = "source moved: the record cannot be planned any more; the next run says why"
THERE = "source moved: there is a record with this key now; the next run plans it again"
UNREADABLE = "source moved: a record whose key cannot be read may be this one's; nothing is removed"

Moved = Mapping[str, "array[int]"]
"""Numbers of changes by the reason."""

_UNSENT = (
    ("number", pa.int32()), ("key", pa.string()), ("id", pa.string()), ("digest", pa.string()), ("new", pa.bool_()),
    ("removal", pa.bool_()), ("folds", LISTS),
)  # fmt: skip

_PREPARE = """
CREATE TABLE sk AS SELECT n, bad, fold, {key} AS key FROM s WHERE fold IS NOT NULL;
CREATE TABLE twice AS SELECT fold FROM sk GROUP BY fold HAVING count(*) > 1;
CREATE TABLE made AS SELECT number, key, digest, new FROM unsent WHERE digest IS NOT NULL;
CREATE TABLE removed AS SELECT number, key, id, folds FROM unsent WHERE removal
"""
_GONE = "SELECT number FROM made WHERE key NOT IN (SELECT key FROM sk)"
_REJECTED = "SELECT DISTINCT number FROM made JOIN sk USING (key) WHERE bad OR fold IN (FROM twice)"
_THERE = """
    SELECT number FROM removed WHERE key IN (SELECT key FROM sk)
    UNION SELECT number FROM (SELECT number, unnest(folds) AS fold FROM removed) JOIN sk USING (fold)
    UNION SELECT number FROM removed JOIN links USING (id) JOIN sk ON sk.key = links.key"""


def moved(
    job: Job,
    source: Source,
    destination: Destination,
    unsent: Iterable[tuple[int, Change]],
    links: Iterable[tuple[str, str]],
    folder: Path,
    *,
    scripts: ScriptEngine,
    options: Options,
    stopped: Callable[[], bool] = lambda: False,
) -> Moved:
    """Which of the changes must not be written. Takes what `plan_run` takes, and the key of the plan in `options`.

    A record is looked for by its own key, and an entry that is to go by all keys that planning would have kept it for.
    """
    with naming_job(job.name):
        design = designed(job, source, destination, options)
        shelf = Shelf(folder)
        records = Records(design, scripts, folder, shelf)
        file = records.fill(ahead(source.read(design.columns, job.source.query), Brake(stopped)))
        if not records.read:
            raise EmptySourceError(f"{job.source.provider} has no records by now")
        views = Views(folder, options.memory_limit, options.threads)
        try:
            views.view("s", file)
            views.put("links", LINKS, links)
            views.put("unsent", _UNSENT, (_row(design, number, change) for number, change in unsent))
            views.run(_PREPARE.format(key=shown_key_sql([f"k{n}" for n in range(len(design.keys))])))
            return {
                CHANGED: array("i", _changed(views, design, shelf, options.record_key)),
                GONE: _numbers(views, _GONE),
                REJECTED: _numbers(views, _REJECTED),
                **_removals(views, readable=not records.unreadable),
            }
        finally:
            views.close()


def _removals(views: Views, *, readable: bool) -> Moved:
    if readable:
        return {THERE: _numbers(views, _THERE)}
    return {UNREADABLE: _numbers(views, "SELECT number FROM removed")}


def _changed(views: Views, design: Design, shelf: Shelf, key: bytes) -> Iterator[int]:
    sql = f"""
        SELECT made.number, made.digest, made.new, {record_columns(design, resolved=False)}
        FROM made JOIN sk USING (key) JOIN s ON s.n = sk.n WHERE NOT sk.bad AND sk.fold NOT IN (FROM twice)"""
    for number, digest, new, *row in views.rows(sql):
        record = as_record(design, shelf, tuple(row))
        if digest != record_digest(design, key, record, new=new) or (new and record.late):
            yield number


def _numbers(views: Views, query: str) -> "array[int]":
    return array("i", (number for (number,) in views.rows(query)))


def _row(design: Design, number: int, change: Change) -> tuple[object, ...]:
    removal = all(step.phase in REMOVAL_PHASES for step in change.steps)
    folds = list(_folds(design, change)) if removal else []
    return number, change.key, change.id, change.record, change.op == "create", removal, folds


def _folds(design: Design, change: Change) -> Iterator[str]:
    """Every key that an entry which is to go answered to when it was planned."""
    values = {image.name.lower(): image.values for image in change.image}
    values |= {attribute.name.lower(): attribute.before for attribute in change.attributes}
    parts = [
        [lenient(part.attribute.fold)(value) for value in values.get(part.attribute.name.lower(), ())]
        for part in design.keys
    ]
    return (BETWEEN.join(key) for key in product(*parts))
