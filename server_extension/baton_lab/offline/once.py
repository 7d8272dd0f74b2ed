"""What makes each run and logged model once: a key that it carries from the first try on. Pure.

MLflow names what it made in its answer only. Where that is lost, the key finds it.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple
from uuid import uuid4

Json = dict[str, Any]
Kind = Literal["run", "model"]
KEY = "baton.idempotency_key"
"""The tag that holds it."""


def keyed(body: Json) -> Json:
    """Return the body of a call that makes something with a key of its own among its tags.

    The key is 32 hexadecimal digits. One that was copied from another's tags goes.
    """
    tags = [tag for tag in body.get("tags", []) if tag["key"] != KEY]
    return {**body, "tags": [*tags, {"key": KEY, "value": uuid4().hex}]}


def key_of(body: Json) -> str:
    """Return the key that `keyed` gave to the body of a call."""
    return next(str(tag["value"]) for tag in body["tags"] if tag["key"] == KEY)


class Search(NamedTuple):
    """A search of MLflow's API: a POST of ``body`` to ``path``, whose answer lists ``found``."""

    path: str
    body: Json
    found: str


def search(kind: Kind, experiment: str, key: str) -> Search:
    """Return the search for what has the key, among the runs or models of an experiment."""
    body = {"experiment_ids": [experiment], "filter": f"tags.`{KEY}` = '{key}'"}
    if kind == "model":
        return Search("/api/2.0/mlflow/logged-models/search", body, "models")
    # One that somebody deleted since is not made anew.
    return Search("/api/2.0/mlflow/runs/search", {**body, "run_view_type": "ALL"}, "runs")
