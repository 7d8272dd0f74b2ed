"""The desk's records, on SQLite or PostgreSQL. Rows never leave this package."""

from baton_desk.store.store import Store, StoreError

__all__ = ["Store", "StoreError"]
