"""Alembic without files of settings: each service's `migrations/versions`, run at its start under a lock."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text


def migrate(
    connection: Connection, folder: Path, metadata: MetaData, needed: Mapping[str, object] | None = None
) -> None:
    """Brings a schema to the newest revision; replicas that start at once wait for each other. `needed` is what the
    revisions find in `context.config.attributes`."""
    schema = str(metadata.schema)
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"placet migrations {schema}"})
    if not inspect(connection).has_schema(schema):  # a role without CREATE on the database owns its schema already
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
    script = ScriptDirectory(str(folder))

    def upgrade(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(Config(attributes=dict(needed or {})), script, fn=upgrade) as environment:
        environment.configure(connection=connection, target_metadata=metadata, version_table_schema=schema)
        environment.run_migrations()


def drift(connection: Connection, metadata: MetaData) -> list[Any]:
    """How the database differs from the tables in the code: empty when the migrations are complete."""
    return list(compare_metadata(_context(connection, metadata), metadata))


def render_revision(connection: Connection, metadata: MetaData) -> str:
    """The body of `upgrade()` that brings this database to the tables in the code."""
    script = produce_migrations(_context(connection, metadata), metadata)
    assert script.upgrade_ops is not None
    return render_python_code(script.upgrade_ops)


def _context(connection: Connection, metadata: MetaData) -> MigrationContext:
    include: Callable[..., bool] = lambda name, kind, _parents: kind != "schema" or name == metadata.schema  # noqa: E731
    return MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": include,
            "target_metadata": metadata,
            "version_table_schema": metadata.schema,
        },
    )
