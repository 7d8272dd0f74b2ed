"""The Hub's token for MLflow's client, read anew where it changes."""

from __future__ import annotations

import os

from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider
from requests.auth import HTTPBasicAuth


class HubAuth(RequestAuthProvider):  # type: ignore[misc]
    """Signs requests with the token of this server; MLFLOW_TRACKING_AUTH=baton chooses it."""

    def get_name(self) -> str:
        """Return the name to choose it by."""
        return "baton"

    def get_auth(self) -> HTTPBasicAuth:
        """Return what signs a request."""
        return HTTPBasicAuth(
            os.environ.get("MLFLOW_TRACKING_USERNAME", ""),
            os.environ.get("MLFLOW_TRACKING_PASSWORD", ""),
        )
