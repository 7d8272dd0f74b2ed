"""The tables' history; Alembic runs it."""
