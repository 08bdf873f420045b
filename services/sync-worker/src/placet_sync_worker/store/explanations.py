"""Why records become what they do: written with the plan of a preview."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, select

from placet_shared.work import Work

from ..tables import explanations


async def save(work: Work, run_id: str, documents: Sequence[Mapping[str, Any]]) -> None:
    """Writes all explanations of a run."""
    rows = [{"run_id": run_id, "number": n, "key": one["key"], "document": one} for n, one in enumerate(documents)]
    if rows:
        await work.connection.execute(insert(explanations), rows)


async def list_of(work: Work, run_id: str, *, after: int, limit: int) -> list[Row[Any]]:
    """Rows of `explanations` in the order in which their keys were asked for, from after a number on."""
    wanted = (explanations.c.run_id == run_id, explanations.c.number > after)
    query = select(explanations).where(*wanted).order_by(explanations.c.number).limit(limit)
    return list(await work.connection.execute(query))
