"""MLflow's own client of artifacts behind its server, which keeps files while that is away."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import verify_artifact_path
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from mlflow.utils.mime_type_utils import _guess_mime_type
from mlflow.utils.rest_utils import augmented_raise_for_status, http_request

from baton_lab.offline.auth import is_below
from baton_lab.offline.journal import KeepingError
from baton_lab.offline.line import TIMEOUT, AwayError, is_lost
from baton_lab.offline.local import is_local
from baton_lab.offline.notice import BEGUN
from baton_lab.offline.places import platform_address
from baton_lab.offline.store import the_journal, the_line, the_notice, unread

FILES = "/mlflow-artifacts/artifacts"
UPLOAD_TIMEOUT = (TIMEOUT[0], 600.0)
"""Seconds for a connection, and until a file that was sent is acknowledged."""


class KeptArtifacts(MlflowArtifactsRepository):  # type: ignore[misc]
    """Artifacts below ``mlflow-artifacts:/``.

    A file that can't be sent is copied, and sent behind what else waits of its run. One
    that is logged is as it was at that moment, whatever becomes of the original.
    """

    artifact_uri: str

    def __init__(self, artifact_uri: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(artifact_uri, *args, **kwargs)
        self._is_ours = is_below(self.artifact_uri, platform_address() or "none:")

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Send a file, or keep it."""
        owner = owner_of(self.artifact_uri) if self._is_ours else None
        if owner is None:
            super().log_artifact(local_file, artifact_path)
            return
        verify_artifact_path(artifact_path)
        journal = the_journal()
        if journal.has_calls(owner) or (is_local(owner) and not self._settle()):
            self._keep(local_file, artifact_path, owner)
            return
        try:
            self._send(local_file, artifact_path)
        except AwayError as away:
            self._keep(local_file, artifact_path, owner, away.reason)

    def list_artifacts(self, path: str | None = None) -> Any:
        """Return what is there; needs MLflow."""
        self._need_mlflow()
        return super().list_artifacts(path)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        self._need_mlflow()
        super()._download_file(remote_file_path, local_path)

    def _need_mlflow(self) -> None:
        """Raise one line, and at once, while MLflow is away or has nothing of this."""
        if not self._is_ours:
            return
        if not self._settle():
            raise unread(AwayError("down", is_tried=False))
        if the_line().is_away:
            try:
                the_line().ask(self._probe, must=True, waits=True)
            except AwayError as away:
                raise unread(away) from None

    def _probe(self) -> Any:
        creds = self._artifact_server_host_creds
        return http_request(
            creds, "/version", "GET", max_retries=0, raise_on_status=False, timeout=TIMEOUT
        )

    def _send(self, local_file: str, artifact_path: str | None) -> None:
        if self._should_multipart_upload(local_file):
            # In parts, straight to the store behind MLflow: MLflow's own way, with its waits.
            self._send_parts(local_file, artifact_path)
            return
        name = Path(local_file).name
        path = posixpath.join("/", artifact_path or "", name)
        headers = {"Content-Type": _guess_mime_type(name)}

        def put() -> Any:
            with Path(local_file).open("rb") as file:
                return http_request(
                    self._host_creds,
                    path,
                    "PUT",
                    data=file,
                    extra_headers=headers,
                    max_retries=0,
                    raise_on_status=False,
                    timeout=UPLOAD_TIMEOUT,
                )

        augmented_raise_for_status(the_line().ask(put))

    def _send_parts(self, local_file: str, artifact_path: str | None) -> None:
        try:
            HttpArtifactRepository.log_artifact(self, local_file, artifact_path)
        except MlflowException as error:
            if is_lost(error.__cause__ or error.__context__):
                raise AwayError("down", is_tried=True) from error
            raise

    def _keep(
        self, local_file: str, artifact_path: str | None, owner: str, reason: str = "down"
    ) -> None:
        below = unquote(urlsplit(self.artifact_uri).path).partition(f"/{owner}/artifacts")[2]
        path = posixpath.join(below.strip("/"), artifact_path or "", Path(local_file).name)
        journal = the_journal()
        try:
            digest = journal.keep(Path(local_file))
            journal.append(
                owner, {"kind": "artifact", "path": path, "sha256": digest}, in_order=True
            )
        except KeepingError as error:
            raise MlflowException(f"{BEGUN[reason]} {error.message}") from None
        the_notice().kept(owner, reason)

    def _settle(self) -> bool:
        """Take up the address that MLflow gave to what was made here; False before there is one."""
        owner = owner_of(self.artifact_uri)
        if owner is None or not is_local(owner):
            return True
        made = the_journal().made(owner)
        if made is None:
            return False
        below = unquote(urlsplit(self.artifact_uri).path).partition(f"/{owner}/artifacts")[2]
        self.artifact_uri = self.resolve_uri(made.artifacts + quote(below), self.tracking_uri)
        return True


def owner_of(uri: str) -> str | None:
    """Return the id of the run or logged model that an address's artifacts are of.

    None for artifacts of something else, such as a trace.
    """
    path = urlsplit(uri).path.partition(FILES)[2].strip("/")
    parts = unquote(path).split("/")
    if len(parts) >= 4 and parts[1] == "models" and parts[3] == "artifacts":
        return parts[2]
    if len(parts) >= 3 and parts[2] == "artifacts" and parts[1] != "traces":
        return parts[1]
    return None
