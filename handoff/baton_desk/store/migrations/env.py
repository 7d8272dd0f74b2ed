"""How Alembic reaches the database: over the connection that `migrate` hands it."""

from __future__ import annotations

from alembic import context

from baton_desk.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite can't alter most of a table in place.
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
