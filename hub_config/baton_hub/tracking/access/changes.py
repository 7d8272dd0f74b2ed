"""Every change to MLflow's rows: whether the caller may make it, and whose name it bears.

SQLAlchemy tells of objects before it writes them, and of statements before it runs
them. MLflow's handlers are not asked, so it makes no difference which route, query
or protocol the change came by.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Delete, Insert, Table, Update, inspect
from sqlalchemy.orm import ORMExecuteState, Session

from baton_hub.tracking.access import authors, keeping, locations, refusal
from baton_hub.tracking.access.asking import Asking, system_work
from baton_hub.tracking.access.defaults import Defaults
from baton_hub.tracking.access.owners import LINKS, Owners, find_stored
from baton_hub.tracking.access.rules import OPERATIONS, Access, Caller, Owner
from baton_hub.tracking.access.view import View
from baton_hub.tracking.access.walls import Visible, Walls, read_view, who_asks

_CHANGED = "baton_changed"
"""Where a session keeps the objects by which it changes access, while it writes them."""


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
        things = _pending(session)
        if any(thing.__tablename__ not in authors.FIGURES for thing in things):
            session.info[_CHANGED] = changed = keeping.keep_access(session, view, self.defaults)
            if changed:
                self.walls.book.changed(session.connection())
            authors.stamp(session, asking.caller.name)
            things = _pending(session)
        owners = Owners(self.walls.mapped, session)
        for thing in things:
            is_figure = thing.__tablename__ in authors.FIGURES
            run = thing.__dict__.get("run_uuid") if is_figure else None
            if run is None:
                self._check_thing(asking, owners, thing)
            elif run not in asking.writable_runs:
                # A run's figures: one check for all, as none can move to another run.
                self._check(asking, owners, thing.__table__, {"run_uuid": run}, new=True)
                asking.writable_runs.add(run)

    def _check_thing(self, asking: Asking, owners: Owners, thing: Any) -> None:
        table, new = inspect(thing).mapper.local_table, thing in owners.session.new
        was, *changed = _rows(thing)
        self._check(asking, owners, table, was, new=new)
        for row in changed:
            self._check(asking, owners, table, row, new=True)
        locations.check(thing, self._view(asking, owners.session))

    def flushed(self, session: Session) -> None:
        """Note whose access the session changed, now that everything new has its number."""
        changed = session.info.pop(_CHANGED, ())
        for thing in {keeping.find_thing(one) for one in changed}:
            self._note(session, thing)

    def _note(self, session: Session, thing: Owner) -> None:
        person = who_asks().caller
        if person is not None:
            book = self.walls.book
            book.note(session.connection(), thing.kind, thing.key, person.name)

    def _view(self, asking: Asking, session: Session) -> View:
        return asking.view or read_view(self.walls.book, session.connection(), asking)

    def _check(
        self, asking: Asking, owners: Owners, table: Table, row: dict[str, Any], *, new: bool
    ) -> None:
        view = self._view(asking, owners.session)
        old_link = table.name in LINKS and not new
        for owner in owners.of_row(table, row, needed=not old_link):
            # What a link once led to may be gone or hidden by now: it may still be cut.
            if old_link and not is_readable(view, owner, owners):
                continue
            check(view, owner, owners)
            if owner.kind == "experiments":
                asking.experiments.add(str(owner.key))
        for owner in owners.named_by(table, row) if new else ():
            if not is_readable(view, owner, owners):
                raise refusal.not_there()

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
        owners = Owners(self.walls.mapped, state.session)
        if isinstance(statement, Insert):
            rows = _inserted(state, statement)
            authors.refuse(table, rows)
        else:
            # Rows that do not exist for the caller are not touched either.
            state.statement = statement.where(Visible(table.name))
            rows = find_stored(state.session.connection(), table, statement.whereclause)
        for row in rows:
            self._check(asking, owners, table, row, new=isinstance(statement, Insert))
        if table.name in keeping.TABLES:
            self.walls.book.changed(state.session.connection())
            for thing in {one for row in rows for one in owners.of_row(table, row)}:
                self._note(state.session, thing)


def _pending(session: Session) -> list[Any]:
    return [*session.new, *session.dirty, *session.deleted]


def _name(statement: Insert | Update | Delete) -> str:
    return str(statement.table.name)  # type: ignore[union-attr]


def _rows(thing: Any) -> list[dict[str, Any]]:
    """Return the row as it was and, where that differs, as it is to be."""
    state = inspect(thing)
    if expired := state.expired_attributes & {*state.mapper.column_attrs.keys()}:
        # As a rollback leaves them. A row that is not loaded would seem to belong to nobody.
        with system_work():
            state.session.refresh(thing, expired)
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
    if access is None:
        # What nobody has made yet may be somebody else's one day.
        if not owners.is_made(owner):
            raise refusal.not_there()
    else:
        check_access(caller, owner, access)


def check_access(caller: Caller, owner: Owner, access: Access) -> None:
    """Raise MlflowException unless the caller may write what belongs to the owner."""
    if not access.readable_by(caller):
        raise refusal.not_there()
    if not access.writable_by(caller):
        raise refusal.not_writable(owner, access)


def is_readable(view: View, owner: Owner, owners: Owners) -> bool:
    """Tell whether the owner exists for the caller."""
    access = _find_access(view, owner, owners)
    return owners.is_made(owner) if access is None else access.readable_by(view.caller)


def _find_access(view: View, owner: Owner, owners: Owners) -> Access | None:
    """Return who may use the owner; None for what is not stored."""
    if owner.kind == "evaluation_datasets":
        return owners.dataset_access(view, owner.key)
    known = view.experiments if owner.kind == "experiments" else view.models
    # What is newer than the view is this request's own, or somebody else's.
    return known.get(owner.key) or owners.find_access(owner)
