"""What `placet query test` shows: the first rows or entries that a query gives."""

import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

import pyarrow as pa

from placet_shared.objects import Provider
from placet_shared.objects.provider import IDENTITY_STORES

from ..connections import Connections
from ..ports import DN, ID, Destination, Source

COUNTING_SECONDS = 2.0
"""How long rows are counted before their total is left open."""

Cell = str | list[str] | None
Rows = tuple[list[str], list[list[Cell]], int | None]
"""Columns, rows, and how many there are in all."""


def preview_rows(connections: Connections, provider: Provider, query: str | None, limit: int) -> dict[str, Any]:
    """`columns`, `rows`, `total` (None where counting takes long), `seconds`. Raises PlacetError."""
    started = time.monotonic()
    if provider.type in IDENTITY_STORES:
        with closing(connections.destination(provider)) as destination:
            columns, rows, total = entries(destination, query, limit)
    else:
        with closing(connections.source(provider)) as source:
            columns, rows, total = records(source, query, limit)
    return {"columns": columns, "rows": rows, "total": total, "seconds": round(time.monotonic() - started, 3)}


def records(source: Source, query: str | None, limit: int) -> Rows:
    """Rows of a data source; columns whose name stands twice are left out."""
    names = list(source.columns(query) or ())
    columns = [name for name in names if names.count(name) == 1]
    first, total = _first((page.records for page in source.read(columns, query)), limit)
    return columns, [[row[name] for name in columns] for row in first], total


def entries(destination: Destination, query: str | None, limit: int) -> Rows:
    """Entries of an identity store, with their DN and all attributes that any of them has."""
    first, total = _first(destination.read([], query or destination.object_type(None).query), limit)
    images = dict(destination.images([row[ID] for row in first]))
    columns = list(dict.fromkeys(name for image in images.values() for name in image))
    rows = [[row[DN], *(_cell(images.get(row[ID], {}), name) for name in columns)] for row in first]
    return ["dn", *columns], rows, total


def _cell(image: Mapping[str, tuple[str, ...]], name: str) -> Cell:
    values = image.get(name, ())
    return list(values) if len(values) > 1 else next(iter(values), None)


def _first(pages: Iterable[pa.RecordBatch], limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """The first rows, and the number of all where it is known soon."""
    until, total = time.monotonic() + COUNTING_SECONDS, 0
    rows: list[dict[str, Any]] = []
    for page in pages:
        rows += page.slice(0, limit - len(rows)).to_pylist()
        total += page.num_rows
        if len(rows) == limit and time.monotonic() > until:
            return rows, None
    return rows, total
