# ruff: noqa: S608
# Every name in this SQL comes from MLflow's own tables; values are bound.
"""What a row has to fulfil to exist for the caller, as SQL over its table.

The text is the same for everybody, so that statements stay cached; who asks is in
the bound values: ``hidden`` experiments and models as JSON lists, the version of
everybody's access that they are of, the caller's name, and whether all walls are open.
Written for SQLite and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import MetaData

from baton_hub.tracking.access import paths

Bind = Callable[[str], str]
"""Renders one of the bound values: experiments, models, version, person or open."""


class Conditions:
    """Renders the condition for each of MLflow's tables, for one kind of database."""

    def __init__(self, metadata: MetaData, dialect: str) -> None:
        self._metadata = metadata
        self._sqlite = dialect == "sqlite"
        self._rules = {
            "evaluation_datasets": self._dataset,
            "entity_associations": self._association,
            "inputs": self._input,
        }

    def render(self, table: str, row: str, bind: Bind) -> str | None:
        """Return the condition on ``row``, the table's name or alias; None if there is none."""
        if table in paths.OPEN:
            return None
        if table in paths.OPERATIONS:
            return f"{bind('open')} = 1"
        if table == "evaluation_datasets":
            return self._dataset(row, bind)
        hidden = self._hidden(table, row, bind)
        root = self._find_root(table)
        if self._sqlite and root in paths.ROOTS and root != table:
            # SQLite looks for every row's run or model; where nothing is hidden, it need not.
            # PostgreSQL joins once for all rows, and does so only without the shortcut.
            hidden = f"(EXISTS {self._listed(root, bind)} AND {hidden})"
        return f"NOT {hidden}"

    def _find_root(self, table: str) -> str:
        """Return the table that decides, which is the given one if it has a rule of its own."""
        while table not in self._rules and table not in paths.ROOTS:
            table = paths.find_steps(self._metadata.tables[table])[0].table
        return table

    def _hidden(self, table: str, row: str, bind: Bind) -> str:
        if table in self._rules:
            return self._rules[table](row, bind)
        step = paths.find_steps(self._metadata.tables[table])[0]
        return self._reached(step, row, bind)

    def _reached(self, step: paths.Step, row: str, bind: Bind) -> str:
        value = f"{row}.{step.column}"
        if step.is_root:
            return f"({value} IN {self._listed(step.table, bind)})"
        # Out of the row's own, so that no inner row ever takes an outer one's name.
        other = f"{row}_of"
        if step.table == "evaluation_datasets":
            inner = f"NOT {self._dataset(other, bind)}"
        else:
            inner = self._hidden(step.table, other, bind)
        return (
            f"EXISTS (SELECT 1 FROM {step.table} AS {other}"
            f" WHERE {other}.{step.key} = {value} AND {inner})"
        )

    def _listed(self, root: str, bind: Bind, *, as_text: bool = False) -> str:
        """Return a query of what is hidden, and of what others changed since that was read.

        The latter is looked up in the statement itself, so that nothing shows between
        the reading of the view and the reading of the rows.
        """
        name = "experiments" if root == "experiments" else "models"
        kind = "TEXT" if as_text or name == "models" else "INTEGER"
        if self._sqlite:
            value = "CAST(value AS TEXT)" if as_text else "value"
            hidden = f"SELECT {value} FROM json_each({bind(name)})"
        else:
            values = f"jsonb_array_elements_text(CAST({bind(name)} AS jsonb))"
            hidden = f"SELECT CAST({values} AS {kind})"
        thing = "CAST(thing AS TEXT)" if as_text else "thing"
        newer = (
            f"SELECT {thing} FROM baton_changed_{root}"
            f" WHERE version > {bind('version')} AND changed_by <> {bind('person')}"
        )
        return f"({hidden} UNION ALL {newer})"

    def _dataset(self, row: str, bind: Bind) -> str:
        """Return the condition on an evaluation dataset: one's own, or of a visible experiment."""
        hidden = self._listed("experiments", bind, as_text=True)
        return (
            f"({bind('open')} = 1 OR {row}.created_by = {bind('person')} OR EXISTS ("
            f"SELECT 1 FROM entity_associations AS {row}_in"
            f" WHERE {row}_in.source_type = 'evaluation_dataset'"
            f" AND {row}_in.source_id = {row}.dataset_id"
            f" AND {row}_in.destination_type = 'experiment'"
            # The link to an experiment that was removed for good stays, and opens nothing.
            f" AND {row}_in.destination_id IN"
            f" (SELECT CAST({row}_at.experiment_id AS TEXT) FROM experiments AS {row}_at)"
            f" AND {row}_in.destination_id NOT IN {hidden}))"
        )

    def _association(self, row: str, bind: Bind) -> str:
        ends = [self._end(row, end, bind) for end in ("source", "destination")]
        return f"({' OR '.join(ends)})"

    def _end(self, row: str, end: str, bind: Bind) -> str:
        column = f"{end}_id"
        kind, value = f"{row}.{end}_type", f"{row}.{column}"
        hidden = self._listed("experiments", bind, as_text=True)
        versions = (
            f"EXISTS (SELECT 1 FROM model_versions AS {row}_of"
            f" WHERE {row}_of.name IN {self._listed('registered_models', bind)}"
            f" AND {value} = {row}_of.name || '/' || CAST({row}_of.version AS TEXT))"
        )
        return (
            f"({kind} = 'experiment' AND {value} IN {hidden})"
            f" OR ({kind} = 'run' AND {self._named('runs', 'run_uuid', row, column, bind)})"
            f" OR ({kind} = 'trace'"
            f" AND {self._named('trace_info', 'request_id', row, column, bind)})"
            f" OR ({kind} = 'model'"
            f" AND {self._named('logged_models', 'model_id', row, column, bind)})"
            f" OR ({kind} = 'prompt_version' AND {versions})"
        )

    def _input(self, row: str, bind: Bind) -> str:
        ends = (
            ("runs", "run_uuid", "source_id"),
            ("runs", "run_uuid", "destination_id"),
            ("logged_models", "model_id", "destination_id"),
            ("datasets", "dataset_uuid", "source_id"),
        )
        hidden = [self._named(table, key, row, column, bind) for table, key, column in ends]
        return f"({' OR '.join(hidden)})"

    def _named(self, table: str, key: str, row: str, column: str, bind: Bind) -> str:
        return self._reached(paths.Step(column, table, key), row, bind)
