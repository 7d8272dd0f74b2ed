"""What a run's own tags and inputs say of where it came from."""

from __future__ import annotations

import json
import re
from typing import Any

Json = dict[str, Any]

PATH = "baton.notebook.path"
SNAPSHOT = "baton.notebook.snapshot"
SHA256 = "baton.notebook.sha256"
IN_ORDER = "baton.notebook.in_order"
LOGGED = "baton.notebook.artifact"
"""Names the notebook that a person logged to the run by hand, among the run's artifacts."""
LOGGED_SHA256 = "baton.notebook.artifact.sha256"
CELL = "baton.cell"
COUNT = "baton.cell.count"
COMMIT = "mlflow.source.git.commit"
REMOTE = "mlflow.source.git.repoURL"
BRANCH = "mlflow.source.git.branch"
DIRTY = "mlflow.source.git.dirty"
DIFF = "baton.git.diff"
PACKAGES = "baton.packages"
IMAGE = "baton.image"
IMAGE_DIGEST = "baton.image_digest"
OFFLINE = "baton.offline.id"

PLACES = ("url", "uri", "path", "table_name", "delta_table_name")
"""The keys under which MLflow's dataset sources name their place."""
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def tags_of(record: Json) -> dict[str, str]:
    """Return a record's tags, a run's or a model version's, by their names."""
    data = record.get("data", record)
    return {str(tag["key"]): str(tag.get("value", "")) for tag in data.get("tags", [])}


def datasets_of(run: Json) -> list[Json]:
    """Return the datasets that MLflow knows the run to have read, each once, by name."""
    found: dict[tuple[str, str], Json] = {}
    for entry in run.get("inputs", {}).get("dataset_inputs", []):
        dataset: Json = entry.get("dataset", {})
        name, digest = str(dataset.get("name", "")), str(dataset.get("digest", ""))
        found[name, digest] = {"name": name, "digest": digest, "source": place_of(dataset)}
    return [found[key] for key in sorted(found)]


def place_of(dataset: Json) -> str:
    """Return where a dataset was read from, in a few words and without credentials.

    MLflow keeps the source as JSON whose keys depend on its type. For data that was
    made in code it is the run's own context, which says nothing of the data.
    """
    kind, text = str(dataset.get("source_type", "")), str(dataset.get("source", ""))
    try:
        source = json.loads(text)
    except ValueError:
        return without_credentials(text)
    named = (source.get(key) for key in PLACES) if isinstance(source, dict) else ()
    place = next((value for value in named if isinstance(value, str) and value), None)
    if place is None:
        return f"made in {kind}" if kind == "code" else kind
    return without_credentials(place)


def without_credentials(address: str) -> str:
    """Return ``address`` without the user and password that stand before its host."""
    return CREDENTIALS.sub("", address)
