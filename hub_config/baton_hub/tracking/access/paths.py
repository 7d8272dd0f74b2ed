"""Where each of MLflow's tables keeps which experiment or registered model a row belongs to.

Foreign keys say it for most. The rest is written down here, and a table that neither
says is refused when the service starts, so that a new MLflow opens no gap unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from sqlalchemy import Column, MetaData, Table

Kind = Literal["experiments", "registered_models"]

ROOTS: dict[str, str] = {"experiments": "experiment_id", "registered_models": "name"}

# Aggregates that MLflow keeps without a foreign key.
_NUMBERED = frozenset(
    {
        "sql_assessment_daily_rollups",
        "sql_span_cost_daily_rollups",
        "sql_trace_metric_daily_rollups",
        "sql_trace_rollup_rebuild_queue",
    }
)

MEMBERS = frozenset({"evaluation_datasets", "entity_associations", "inputs"})
"""Tables whose rows belong to several things at once; `conditions` has a rule for each."""

OPERATIONS = frozenset(
    {
        "jobs",
        "job_locks",
        "scheduler_leases",
        "secrets",
        "endpoints",
        "endpoint_bindings",
        "endpoint_model_mappings",
        "endpoint_tags",
        "model_definitions",
        "budget_policies",
        "guardrails",
        "guardrail_configs",
        "webhooks",
        "webhook_events",
    }
)
"""Tables of parts that are switched off here: nobody but operations sees a row."""

OPEN = frozenset(
    {
        "workspaces",
        "mcp_servers",
        "mcp_server_versions",
        "mcp_server_tags",
        "mcp_server_version_tags",
        "mcp_server_aliases",
        "mcp_access_endpoints",
    }
)
"""Tables that belong to no experiment or model: everybody reads them, operations write."""


@dataclass(frozen=True)
class Step:
    """A column of a table, and the column that it names."""

    column: str
    table: str
    key: str

    @property
    def is_root(self) -> bool:
        """Whether the column names an experiment or a registered model itself."""
        return ROOTS.get(self.table) == self.key


class UnknownTableError(Exception):
    """A table of MLflow's that no rule covers; the text names it."""


@cache
def find_steps(table: Table) -> tuple[Step, ...]:
    """Return every way from a row towards what it belongs to, the best for reading first.

    Empty for tables with a rule of their own. Raises UnknownTableError.
    """
    if table.name in ROOTS:
        return (Step(ROOTS[table.name], table.name, ROOTS[table.name]),)
    if table.name in MEMBERS | OPERATIONS | OPEN:
        return ()
    if table.name in _NUMBERED:
        return (Step("experiment_id", "experiments", "experiment_id"),)
    steps = [step for column in table.columns if (step := _follow(column))]
    steps.sort(key=lambda step: (not step.is_root, table.columns[step.column].nullable))
    if not steps or (table.columns[steps[0].column].nullable and not steps[0].is_root):
        raise UnknownTableError(f"MLflow's table {table.name} has no owner that Baton knows of.")
    return tuple(steps)


def _follow(column: Column[object]) -> Step | None:
    """Return where a column's foreign keys end, several tables away if need be."""
    end = column
    while keys := sorted(end.foreign_keys, key=lambda key: key.target_fullname):
        end = keys[0].column
    if end is column or not _names_one_row(end):
        return None
    return Step(column.name, end.table.name, end.name)


def _names_one_row(column: Column[object]) -> bool:
    keys = [key.name for key in column.table.primary_key if key.name != "workspace"]
    return keys == [column.name] or column.table.name in MEMBERS


def check(metadata: MetaData) -> None:
    """Raise UnknownTableError if any of MLflow's tables has no owner and no rule."""
    for table in metadata.tables.values():
        find_steps(table)
