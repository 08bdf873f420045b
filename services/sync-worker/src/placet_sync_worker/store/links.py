"""Links between entries and the records that manage them, streamed to the planner."""

from collections.abc import Iterator

import psycopg


def stream_links(database_url: str, store: str, job_id: str) -> Iterator[tuple[str, str]]:
    """(entry id, source key) of a job's links at a store, through a server-side cursor; for use in a thread."""
    with psycopg.connect(database_url) as connection, connection.cursor("links") as cursor:
        cursor.itersize = 10_000
        cursor.execute("SELECT entry_id, source_key FROM sync.links WHERE store = %s AND job_id = %s", (store, job_id))
        yield from cursor
