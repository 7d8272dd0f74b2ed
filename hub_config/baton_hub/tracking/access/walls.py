"""Walls around MLflow's rows: what a caller may not see does not exist for any SELECT.

SQLAlchemy renders every table that a statement reads from through one place. There
``runs`` becomes ``(SELECT * FROM runs WHERE …) AS runs``, whatever statement it is in:
a search, a count, a join, a page, a lookup by key. Statements are compiled once; who
asks is in their bound values. Where nobody asks, they fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Engine,
    Table,
    TextClause,
    bindparam,
    event,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import registry
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import Integer, String

from baton_hub.tracking.access.asking import Asking, current, system_work
from baton_hub.tracking.access.conditions import Conditions
from baton_hub.tracking.access.view import NEVER, Book, View


class NobodyAskedError(RuntimeError):
    """Records were to be read while nobody had said for whom: a fault of this program."""


class Walls:
    """The walls of one process; they stand from `build` on."""

    def __init__(self, mapped: registry, book: Book) -> None:
        self.mapped = mapped
        self.metadata = mapped.metadata
        self.book = book
        self._conditions: dict[str, Conditions] = {}
        self._binds = {
            "experiments": self._bind(
                "experiments", String(), lambda view: view.hidden_experiments
            ),
            "models": self._bind("models", String(), lambda view: view.hidden_models),
            "version": self._bind("version", BigInteger(), lambda view: view.version),
            "person": self._bind("person", String(), lambda view: view.caller.name),
            "open": self._bind("open", Integer(), lambda view: int(view.caller.operations)),
        }

    def render(self, table: str, row: str, compiler: SQLCompiler) -> str | None:
        """Return the condition on a row of the table, with its values bound."""
        dialect = compiler.dialect.name
        conditions = self._conditions.get(dialect)
        if conditions is None:
            conditions = self._conditions[dialect] = Conditions(self.metadata, dialect)
        return conditions.render(table, row, lambda name: compiler.process(self._binds[name]))

    def _bind(self, name: str, kind: Any, value: Callable[[View], Any]) -> Any:
        def now() -> Any:
            asking = who_asks()
            if asking.caller is None:
                return _SYSTEM[name]
            if asking.view is None:
                raise NobodyAskedError("The caller's view was not read before the records.")
            return value(asking.view)

        return bindparam(f"baton_{name}", callable_=now, type_=kind)

    def enclose(self, element: Table, compiler: SQLCompiler, **kw: Any) -> str:
        """Return a table's SQL: walled where a statement reads from it, bare where it writes."""
        bare: str = compiler.visit_table(element, **kw)  # type: ignore[no-untyped-call]
        reads = kw.get("asfrom") and not kw.get("iscrud") and not kw.get("ashint")
        if not reads or element.metadata is not self.metadata:
            return bare
        condition = self.render(element.name, "baton_0", compiler)
        if condition is None:
            return bare
        # Names out of MLflow's own metadata.
        inner = f"(SELECT baton_0.* FROM {element.name} AS baton_0 WHERE {condition})"  # noqa: S608
        alias = kw.get("enclosing_alias")
        if alias is not None and alias.element is element:
            return inner
        # Behind the table's name there may be an alias that SQLAlchemy gave it.
        suffix = bare.removeprefix(compiler.preparer.quote(element.name))
        return f"{inner}{suffix or f' AS {compiler.preparer.quote(element.name)}'}"


class Visible(ColumnElement[bool]):
    """The condition that a row of a table exists for the caller, for statements that change it."""

    __visit_name__ = "baton_visible"
    _traverse_internals = [("table", InternalTraversal.dp_string)]  # noqa: RUF012
    type = Boolean()

    def __init__(self, table: str) -> None:
        self.table = table


_SYSTEM = {"experiments": "[]", "models": "[]", "version": NEVER, "person": "", "open": 1}


def who_asks() -> Asking:
    """Return who asks; raises NobodyAskedError, so that nothing is read for nobody."""
    asking = current()
    if asking is None:
        raise NobodyAskedError("MLflow's records were read on nobody's behalf.")
    return asking


def build(walls: Walls) -> None:
    """Let the walls stand, for every statement of this process from now on."""

    @compiles(Table)
    def _table(element: Table, compiler: SQLCompiler, **kw: Any) -> str:
        return walls.enclose(element, compiler, **kw)

    @compiles(Visible)
    def _visible(element: Visible, compiler: SQLCompiler, **_: Any) -> str:
        return walls.render(element.table, element.table, compiler) or "1 = 1"

    @event.listens_for(Engine, "before_execute")
    def _view(connection: Connection, statement: Any, *_: Any) -> None:
        asking = current()
        if asking is None or asking.caller is None or asking.view is not None:
            return
        # Sessions begin with a few settings of SQLite's own, which read no record.
        if not isinstance(statement, TextClause):
            read_view(walls.book, connection, asking)


def read_view(book: Book, connection: Connection, asking: Asking) -> View:
    """Return what the caller may see, as it is when the request first reads or writes."""
    if asking.caller is None:
        raise NobodyAskedError("The service itself has no view: it sees everything.")
    if asking.view is None:
        with system_work():
            everything = book.read(connection)
        asking.view = everything.view(asking.caller)
    return asking.view
