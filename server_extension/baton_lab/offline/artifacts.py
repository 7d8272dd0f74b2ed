"""MLflow's own client of artifacts behind a tracking server, as a plugin."""

from __future__ import annotations

from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository


class KeptArtifacts(MlflowArtifactsRepository):  # type: ignore[misc]
    """Artifacts below ``mlflow-artifacts:/``."""
