"""MLflow's own client of a tracking server, as a plugin for http and https."""

from __future__ import annotations

from functools import partial
from typing import Any

from mlflow.store.tracking.rest_store import RestStore
from mlflow.utils.credentials import get_default_host_creds


def open_store(store_uri: str, artifact_uri: str | None = None, **_: Any) -> RestStore:
    """Return the client of the tracking server at ``store_uri``."""
    del artifact_uri  # A server decides where artifacts are.
    return RestStore(partial(get_default_host_creds, store_uri))
