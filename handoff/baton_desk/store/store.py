"""The store: everything that the desk has on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from baton_desk.moments import DAY, Clock, system_clock
from baton_desk.store import migrate
from baton_desk.store.channels import Channels, Tokens
from baton_desk.store.database import Database
from baton_desk.store.handoffs import Handoffs
from baton_desk.store.journal import Journal
from baton_desk.store.outbox import Outbox
from baton_desk.store.shelf import Shelf

if TYPE_CHECKING:
    from typing import Self


class StoreError(Exception):
    """The database can't be opened; the text is one line for a person."""


class Store:
    """One database, in parts. Synchronous: call it from threads.

    ``shelf`` looks handoffs up, ``handoffs`` changes them, ``journal`` reads what
    happened, ``channels``, ``tokens`` and ``outbox`` belong to teams.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock = system_clock,
        source: str = "/services/desk",
        expiry_days: int = 30,
    ) -> None:
        self.database = Database(url)
        self.shelf = Shelf(self.database)
        self.journal = Journal(self.database, source)
        self.handoffs = Handoffs(self.database, self.journal, clock, expiry_days * DAY)
        self.channels = Channels(self.database, self.journal, clock)
        self.tokens = Tokens(self.database, clock)
        self.outbox = Outbox(self.database, clock)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock = system_clock,
        source: str = "/services/desk",
        expiry_days: int = 30,
    ) -> Self:
        """Return the store with its tables brought up to date; raises `StoreError`."""
        try:
            store = cls(url, clock=clock, source=source, expiry_days=expiry_days)
            store.migrate()
        except (SQLAlchemyError, ArgumentError, ImportError) as error:
            first = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise StoreError(f"The desk's database can't be opened: {first}") from error
        return store

    def migrate(self) -> str:
        """Bring the tables to this version's form; return the revision."""
        return migrate.upgrade(self.database)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()
