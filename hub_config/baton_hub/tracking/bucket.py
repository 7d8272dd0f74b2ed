"""MLflow's artifacts in S3, with boto3's own errors where one file is fetched.

MLflow's general way to download makes text and a 500 of whatever went wrong, a
missing file included. It is imported only where MLflow is loaded.
"""

from __future__ import annotations

import posixpath
from pathlib import Path

from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository


class BucketArtifacts(S3ArtifactRepository):  # type: ignore[misc]
    """As MLflow's, but one file is fetched straight, in one request less."""

    def download_artifacts(self, artifact_path: str, dst_path: str | None = None) -> str:
        """Fetch the file into the folder and return its path. Raises botocore's ClientError.

        The server fetches single files into a folder of its own; all else is MLflow's way.
        """
        if dst_path is None or not artifact_path:
            fetched: str = super().download_artifacts(artifact_path, dst_path)
            return fetched
        local = str(Path(dst_path) / posixpath.basename(artifact_path))
        self._download_file(artifact_path, local)
        return local


def use() -> None:
    """Have this process's MLflow keep artifacts of ``s3://`` by `BucketArtifacts`."""
    _artifact_repository_registry.register("s3", BucketArtifacts)
