"""Every change to MLflow's rows: whether the caller may make it, and whose name it bears.

SQLAlchemy tells of objects before it writes them, and of statements before it runs
them. MLflow's handlers are not asked, so it makes no difference which route, query
or protocol the change came by.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Delete, Insert, Table, Update, inspect
from sqlalchemy.orm import ORMExecuteState, Session

from baton_hub.tracking.access import authors, keeping, locations, paths, refusal
from baton_hub.tracking.access.asking import Asking
from baton_hub.tracking.access.defaults import Defaults
from baton_hub.tracking.access.owners import Owners, find_stored
from baton_hub.tracking.access.rules import OPERATIONS, Access, Owner
from baton_hub.tracking.access.view import View
from baton_hub.tracking.access.walls import Visible, Walls, read_view, who_asks


class Gate:
    """Lets a session's changes through, or refuses all of them."""

    def __init__(self, walls: Walls, defaults: Defaults) -> None:
        self.walls = walls
        self.defaults = defaults

    def flush(self, session: Session) -> None:
        """Check what the session is about to write, and put the authors in."""
        asking = who_asks()
        if asking.caller is None:
            return
        view = self._view(asking, session)
        if keeping.keep_access(session, view, self.defaults):
            self.walls.book.changed(session.connection())
        authors.stamp(session, asking.caller.name)
        owners = Owners(self.walls.metadata, session)
        checked: set[str] = set()
        for thing in (*session.new, *session.dirty, *session.deleted):
            if thing.__tablename__ in authors.UNSIGNED:
                # A run's figures: one check for all, as none can move to another run.
                run = thing.__dict__.get("run_uuid")
                if run in checked:
                    continue
                if run is not None:
                    checked.add(run)
            table = inspect(thing).mapper.local_table
            for row in _rows(thing):
                self._check(asking, owners, table, row)
            locations.check(thing, view)

    def _view(self, asking: Asking, session: Session) -> View:
        return read_view(self.walls.book, session.connection(), asking)

    def _check(self, asking: Asking, owners: Owners, table: Table, row: dict[str, Any]) -> None:
        view = self._view(asking, owners.session)
        for owner in owners.of_row(table, row):
            # A link to what is hidden is as good as one to nothing.
            if table.name in paths.MEMBERS and _is_hidden(view, owner, owners):
                continue
            check(view, owner, owners)
            if owner.kind == "experiments":
                asking.experiments.add(str(owner.key))

    def execute(self, state: ORMExecuteState) -> None:
        """Check a statement that changes rows without objects; others pass."""
        statement = state.statement
        if not isinstance(statement, (Insert, Update, Delete)):
            return
        asking = who_asks()
        if asking.caller is None:
            return
        self._view(asking, state.session)
        table = self.walls.metadata.tables[_name(statement)]
        owners = Owners(self.walls.metadata, state.session)
        if isinstance(statement, Insert):
            rows = _inserted(state, statement)
        else:
            # Rows that do not exist for the caller are not touched either.
            state.statement = statement.where(Visible(table.name))
            rows = find_stored(state.session.connection(), table, statement.whereclause)
        for row in rows:
            self._check(asking, owners, table, row)
        if table.name in keeping.TABLES:
            self.walls.book.changed(state.session.connection())


def _name(statement: Insert | Update | Delete) -> str:
    return str(statement.table.name)  # type: ignore[union-attr]


def _rows(thing: Any) -> list[dict[str, Any]]:
    """Return the row as it was and, where that differs, as it is to be."""
    state = inspect(thing)
    now = {
        column.name: state.dict.get(state.mapper.get_property_by_column(column).key)
        for column in state.mapper.local_table.columns
    }
    for one in state.mapper.relationships:
        parent = state.dict.get(one.key)
        if one.direction.name == "MANYTOONE" and parent is not None:
            for ours, theirs in one.local_remote_pairs:
                if now.get(ours.name) is None:
                    now[ours.name] = inspect(parent).dict.get(theirs.name)
    was = dict(now)
    if state.persistent:
        before = {name: value for name, value in state.committed_state.items() if name in now}
        # SQLAlchemy keeps a sign of its own where there was nothing before.
        was |= {name: one for name, one in before.items() if isinstance(one, (int, str))}
    return [now] if was == now else [was, now]


def _inserted(state: ORMExecuteState, statement: Insert) -> list[dict[str, Any]]:
    several = getattr(statement, "_multi_values", ())
    rows = [row for group in several for row in group]
    if values := getattr(statement, "_values", None):
        rows.append(dict(values))
    given = state.parameters or []
    rows.extend(given if isinstance(given, list) else [given])
    return [_named(row) for row in rows]


def _named(row: Any) -> dict[str, Any]:
    return {getattr(key, "name", key): _plain(value) for key, value in row.items()}


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def check(view: View, owner: Owner, owners: Owners) -> None:
    """Raise MlflowException unless the caller may write what belongs to the owner."""
    caller = view.caller
    if caller.operations:
        return
    if owner == OPERATIONS:
        raise refusal.operations_only()
    access = _find_access(view, owner, owners)
    if access is None or access.writable_by(caller):
        return
    raise refusal.not_writable(owner, access) if access.readable_by(caller) else refusal.not_there()


def _is_hidden(view: View, owner: Owner, owners: Owners) -> bool:
    access = _find_access(view, owner, owners)
    return access is not None and not access.readable_by(view.caller)


def _find_access(view: View, owner: Owner, owners: Owners) -> Access | None:
    """Return who may use the owner; None for what this very request makes."""
    if owner.kind == "experiments":
        return view.experiments.get(owner.key)
    if owner.kind == "registered_models":
        return view.models.get(owner.key)
    return owners.dataset_access(view, owner.key)
