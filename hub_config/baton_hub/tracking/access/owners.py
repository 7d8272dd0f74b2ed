"""Which experiment or registered model a row that is about to be written belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, inspect, select
from sqlalchemy.orm import Mapper, Session, registry

from baton_hub.tracking.access import paths, refusal
from baton_hub.tracking.access.asking import system_work
from baton_hub.tracking.access.rules import OPERATIONS, TAGS, Access, Owner, parse_access
from baton_hub.tracking.access.view import View

Row = dict[str, Any]


# How an association, or an input of a run, says what its ends are.
_ENDS = {
    "experiment": ("experiments", "experiment_id"),
    "evaluation_dataset": ("evaluation_datasets", "dataset_id"),
    "run": ("runs", "run_uuid"),
    "trace": ("trace_info", "request_id"),
    "model": ("logged_models", "model_id"),
    "RUN": ("runs", "run_uuid"),
    "RUN_INPUT": ("runs", "run_uuid"),
    "RUN_OUTPUT": ("runs", "run_uuid"),
}
# What may be linked to as soon as it may be read: the link is the other end's.
_NAMED = {
    "MODEL_INPUT": ("logged_models", "model_id"),
    "MODEL_OUTPUT": ("logged_models", "model_id"),
}
LINKS = frozenset({"entity_associations", "inputs"})
_TAGS = {"experiments": "experiment_tags", "registered_models": "registered_model_tags"}


class Owners:
    """Finds owners in one session: from the row itself, what is loaded, or the database."""

    def __init__(self, mapped: registry, session: Session) -> None:
        self._mapped = mapped
        self._metadata = mapped.metadata
        self.session = session
        self._found: dict[tuple[str, str, Any], list[Owner]] = {}

    def of_row(self, table: Table, row: Row, *, needed: bool = True) -> Iterator[Owner]:
        """Yield everything that the row belongs to; what has no number yet is left out.

        Raises MlflowException if something is missing that is ``needed``.
        """
        if table.name in paths.OPERATIONS | paths.OPEN:
            yield OPERATIONS
        elif table.name == "evaluation_datasets":
            yield Owner("evaluation_datasets", row.get("dataset_id"))
        elif table.name in LINKS:
            yield from self._of_ends(_ENDS, row, needed=needed)
        else:
            for step in paths.find_steps(table):
                yield from self._of_step(step, row.get(step.column))

    def named_by(self, table: Table, row: Row) -> Iterator[Owner]:
        """Yield what a new row links to without belonging to it; it has to be there."""
        if table.name not in LINKS:
            return
        yield from self._of_ends(_NAMED, row)
        if row.get("destination_type") == "prompt_version":
            yield Owner("registered_models", str(row["destination_id"]).rpartition("/")[0])

    def _of_ends(
        self, kinds: dict[str, tuple[str, str]], row: Row, *, needed: bool = True
    ) -> Iterator[Owner]:
        for end in ("source", "destination"):
            if known := kinds.get(str(row.get(f"{end}_type"))):
                step = paths.Step("", *known)
                yield from self._of_step(step, row.get(f"{end}_id"), needed=needed)

    def _of_step(self, step: paths.Step, value: Any, *, needed: bool = True) -> Iterable[Owner]:
        if value is None:
            return ()
        if step.is_root:
            key = parse_number(value) if step.table == "experiments" else value
            return (Owner(step.table, key),)
        if step.table == "evaluation_datasets":
            return (Owner(step.table, value),)
        key = (step.table, step.key, value)
        if key not in self._found:
            self._found[key] = list(self._of_parent(step, value))
        if needed and not self._found[key]:
            # As for what is hidden, and before the database refuses in words of its own.
            raise refusal.not_there()
        return self._found[key]

    def _of_parent(self, step: paths.Step, value: Any) -> Iterator[Owner]:
        table = self._metadata.tables[step.table]
        row = self._loaded(table, step, value) or self._stored(table, step, value)
        if row is not None:
            yield from self.of_row(table, row, needed=False)

    def _loaded(self, table: Table, step: paths.Step, value: Any) -> Row | None:
        """Return the parent from the session's memory, without asking the database."""
        key = self._identity(table, step, value)
        if key is not None and (known := self.session.identity_map.get(key)) is not None:
            return dict(inspect(known).dict)
        for made in self.session.new:
            state = inspect(made)
            if state.mapper.local_table is table and state.dict.get(step.key) == value:
                return dict(state.dict)
        return None

    def _identity(self, table: Table, step: paths.Step, value: Any) -> Any:
        keys = [column.name for column in table.primary_key]
        if keys != [step.key]:
            return None
        mapper = _find_mappers(self._mapped).get(table.name)
        return mapper.identity_key_from_primary_key((value,)) if mapper else None

    def _stored(self, table: Table, step: paths.Step, value: Any) -> Row | None:
        columns = [table.c[name] for name in _keys(table)]
        with system_work():
            rows = self.session.connection().execute(
                select(*columns).where(table.c[step.key] == value).limit(1)
            )
            row = rows.mappings().first()
        return None if row is None else dict(row)

    def find_access(self, owner: Owner) -> Access | None:
        """Return the access of an experiment or model as it is stored now, if it is."""
        key, tags = paths.ROOTS[owner.kind], self._metadata.tables[_TAGS[owner.kind]]
        thing = self._metadata.tables[owner.kind]
        of_thing = select(tags.c.key, tags.c.value).where(
            tags.c[key] == owner.key, tags.c.key.in_(sorted(TAGS))
        )
        with system_work():
            connection = self.session.connection()
            if connection.execute(select(thing.c[key]).where(thing.c[key] == owner.key)).first():
                return parse_access(dict(connection.execute(of_thing).tuples().all()))
        return None

    def is_made(self, owner: Owner) -> bool:
        """Tell whether the session is about to make it, or to give it this name."""
        key = paths.ROOTS.get(owner.kind, "dataset_id")
        return any(
            inspect(thing).mapper.local_table.name == owner.kind
            and inspect(thing).dict.get(key) == owner.key
            for thing in (*self.session.new, *self.session.dirty)
        )

    def dataset_access(self, view: View, dataset: str) -> Access | None:
        """Return the access of an evaluation dataset: its maker's, and its experiments'.

        None for one that is not stored yet.
        """
        tables = self._metadata.tables
        one, links = tables["evaluation_datasets"], tables["entity_associations"]
        ours = (
            links.c.source_type == "evaluation_dataset",
            links.c.source_id == dataset,
            links.c.destination_type == "experiment",
        )
        with system_work():
            connection = self.session.connection()
            found = connection.execute(
                select(one.c.created_by).where(one.c.dataset_id == dataset)
            ).first()
            numbers = connection.execute(select(links.c.destination_id).where(*ours)).scalars()
            experiments = [view.experiments.get(int(number)) for number in numbers]
        if found is None:
            return None
        all_ = [access for access in experiments if access is not None]
        caller = view.caller
        return Access(
            owner=found[0],
            read=None if any(access.readable_by(caller) for access in all_) else frozenset(),
            write=None if any(access.writable_by(caller) for access in all_) else frozenset(),
        )


def parse_number(value: Any) -> int:
    """Return an experiment's number; raises MlflowException where no experiment has it."""
    if not re.fullmatch("[0-9]{1,18}", str(value)):
        raise refusal.not_there()
    return int(value)


@cache
def _find_mappers(mapped: registry) -> dict[str, Mapper[Any]]:
    return {str(mapper.class_.__tablename__): mapper for mapper in mapped.mappers}


def find_stored(connection: Connection, table: Table, where: Any) -> list[Row]:
    """Return the distinct keys of the caller's visible rows that a statement would change."""
    columns = [table.c[name] for name in _keys(table)]
    found = select(*columns).distinct()
    if where is not None:
        found = found.where(where)
    return [dict(row) for row in connection.execute(found).mappings()]


def _keys(table: Table) -> list[str]:
    if table.name == "evaluation_datasets":
        return ["dataset_id"]
    if table.name in paths.MEMBERS:
        return ["source_type", "source_id", "destination_type", "destination_id"]
    if table.name in paths.OPERATIONS | paths.OPEN:
        return [column.name for column in table.primary_key]
    return [step.column for step in paths.find_steps(table)]
