"""What one caller may see and change, out of the access of everything there is."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, text

from baton_hub.tracking.access.rules import TAGS, Access, Caller, parse_access

if TYPE_CHECKING:
    from sqlalchemy import Table

NEVER = 2**62
"""A version that is never reached."""


@dataclass(frozen=True)
class Everything:
    """The access of every experiment (by number) and registered model (by name)."""

    version: int
    experiments: dict[int, Access]
    models: dict[str, Access]
    views: dict[Caller, View] = field(default_factory=dict, compare=False)

    def view(self, caller: Caller) -> View:
        """Return the caller's view; made once for each."""
        if caller not in self.views:
            self.views[caller] = View(caller, self)
        return self.views[caller]


class View:
    """One caller's share of everything."""

    def __init__(self, caller: Caller, everything: Everything) -> None:
        self.caller = caller
        self.experiments = everything.experiments
        self.models = everything.models
        self.version = NEVER if caller.operations else everything.version
        """Access that others changed later than this is not in the view, and shows nothing."""

    @cached_property
    def hidden_experiments(self) -> str:
        """Experiments that do not exist for the caller, as a JSON list."""
        return _render_hidden(self.experiments, self.caller)

    @cached_property
    def hidden_models(self) -> str:
        """Registered models that do not exist for the caller, as a JSON list."""
        return _render_hidden(self.models, self.caller)


def _render_hidden(things: dict[Any, Access], caller: Caller) -> str:
    return json.dumps(sorted(key for key, one in things.items() if not one.readable_by(caller)))


class Book:
    """Keeps the access of everything in memory, and knows when it is out of date.

    A counter in the database goes up in the transaction that changes any access, so
    every worker reads access anew at the next request after a change was committed.
    """

    def __init__(self, tables: dict[str, Table]) -> None:
        self._tables = tables
        self._known: Everything | None = None
        self._lock = threading.Lock()

    def create(self, connection: Connection) -> None:
        """Create the tables if they are not there; may run in several workers at once."""
        for statement in (_TABLE, _FIRST, *_CHANGED):
            connection.execute(text(statement))

    def read(self, connection: Connection) -> Everything:
        """Return the access of everything as it is now."""
        # Once in every request: without the machinery of a statement that is compiled.
        version = int(connection.exec_driver_sql(_VERSION).scalar_one())
        known = self._known
        if known is None or known.version != version:
            with self._lock:
                known = self._known
                if known is None or known.version != version:
                    known = self._known = self._load(connection, version)
        return known

    def changed(self, connection: Connection) -> None:
        """Make every worker read access anew, once this transaction is committed."""
        connection.execute(text(_NEXT))

    def note(self, connection: Connection, kind: str, thing: Any, person: str) -> None:
        """Hide one thing from the views of others that were read before this transaction."""
        values = {"thing": thing, "person": person}
        connection.execute(_NOTES[kind], values)

    def _load(self, connection: Connection, version: int) -> Everything:
        experiments = self._tagged(connection, "experiments", "experiment_id", "experiment_tags")
        models = self._tagged(connection, "registered_models", "name", "registered_model_tags")
        return Everything(version, experiments, models)

    def _tagged(
        self, connection: Connection, things: str, key: str, tags: str
    ) -> dict[Any, Access]:
        tag, thing = self._tables[tags], self._tables[things]
        # Before their tags: what is made in between would seem to have none, and be everybody's.
        known = connection.execute(select(thing.c[key])).scalars().all()
        found: defaultdict[Any, dict[str, str]] = defaultdict(dict)
        rows = connection.execute(
            select(tag.c[key], tag.c.key, tag.c.value).where(tag.c.key.in_(sorted(TAGS)))
        )
        for owner, name, value in rows:
            found[owner][name] = value
        return {one: parse_access(found.get(one, {})) for one in known}


_TABLE = (
    "CREATE TABLE IF NOT EXISTS baton_access_version"
    " (id INTEGER PRIMARY KEY, version BIGINT NOT NULL)"
)
_FIRST = "INSERT INTO baton_access_version (id, version) VALUES (1, 1) ON CONFLICT DO NOTHING"
_NEXT = "UPDATE baton_access_version SET version = version + 1"
_CHANGED = tuple(
    statement
    for kind, key in (("experiments", "INTEGER"), ("registered_models", "TEXT"))
    for statement in (
        f"CREATE TABLE IF NOT EXISTS baton_changed_{kind}"
        f" (thing {key} PRIMARY KEY, version BIGINT NOT NULL, changed_by TEXT NOT NULL)",
        f"CREATE INDEX IF NOT EXISTS baton_changed_{kind}_version"
        f" ON baton_changed_{kind} (version)",
    )
)
_NOTES = {
    kind: text(
        f"INSERT INTO baton_changed_{kind} (thing, version, changed_by)"  # noqa: S608
        " SELECT :thing, version, :person FROM baton_access_version WHERE id = 1"
        " ON CONFLICT (thing) DO UPDATE"
        " SET version = excluded.version, changed_by = excluded.changed_by"
    )
    for kind in ("experiments", "registered_models")
}
_VERSION = "SELECT version FROM baton_access_version WHERE id = 1"
